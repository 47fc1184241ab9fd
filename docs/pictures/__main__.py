"""Make the pictures of docs/: ``make docs-pictures RUNS=folder DATA=folder``.

A picture that something is missing for stays as it is, and the command that brings it is printed.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from docs.pictures import made
from docs.pictures.sources import LackingError, Sources

DOCS = Path(__file__).parents[1]
LARGEST = 300_000  # bytes of a picture
# Levels of grey that are one in a PNG, so that it is smaller: hues and thin lines stay.
_STEPS = (1, 4, 8, 16)
_QUALITIES = (88, 80, 70, 60)

Maker = Callable[[Sources], Image.Image]

PICTURES: dict[str, Maker] = {
    "found.jpg": made.found,
    "panel_dsb2018.png": partial(made.panel, "dsb2018", "median"),
    "panel_lgg_mri.png": partial(made.panel, "lgg_mri", "median"),
    "panel_deepcell.png": partial(made.panel, "deepcell", "median"),
    "panel_chest_xray.png": partial(made.panel, "chest_xray", "median"),
    "worst_chest_xray.png": partial(made.panel, "chest_xray", "worst", rows=2),
    "objects_dsb2018.png": partial(made.evaluated, "objects", "evaluation/median.png"),
    "found_counts.png": partial(made.evaluated, "objects", "evaluation/counts.png"),
    "found_areas.png": partial(made.evaluated, "objects", "evaluation/areas.png"),
    "found_overlay.jpg": made.overlaid,
    "check_augment.png": made.augmented,
    "growth.png": made.growth,
}
for dark, shade in ((False, "light"), (True, "dark")):
    PICTURES |= {
        f"report_{shade}.png": partial(made.page, made.report, dark=dark),
        f"comparison_{shade}.png": partial(made.page, made.comparison, dark=dark),
        f"tensorboard_{shade}.png": partial(made.board, dark=dark),
    }


def main(given: Sequence[str] | None = None) -> int:
    """Make them, and say which were not made.

    Returns:
        1 where there is one that was not.
    """
    parser = argparse.ArgumentParser(prog="python -m docs.pictures", description=__doc__)
    parser.add_argument("runs", type=Path, help="a folder of run folders")
    parser.add_argument("data", type=Path, help="a folder of the published archives")
    parser.add_argument("names", nargs="*", help="of the pictures; none: all")
    parser.add_argument("--scratch", type=Path, help="where what is made on the way is kept")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where they are written")
    asked = parser.parse_args(given)
    left: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as passing:
        scratch = (asked.scratch or Path(passing)).resolve()
        scratch.mkdir(exist_ok=True)
        sources = Sources(asked.runs.resolve(), asked.data.resolve(), scratch)
        for name in asked.names or PICTURES:
            try:
                write(PICTURES[name](sources), asked.docs / name)
            except LackingError as lacking:
                left.setdefault(str(lacking), []).append(name)
            else:
                print(f"{name}: {(asked.docs / name).stat().st_size // 1000} kB")
    for what, names in left.items():
        print(f"not made: {', '.join(names)}; first: {what}", file=sys.stderr)
    return bool(left)


def write(picture: Image.Image, path: Path) -> None:
    """Write a PNG or JPEG that is small enough for a page, as good as that allows.

    Raises:
        ValueError: it is too large, however it is written.
    """
    whole = picture.convert("RGB")
    for step, quality in zip(_STEPS, _QUALITIES, strict=True):
        stream = io.BytesIO()
        if path.suffix == ".jpg":
            whole.save(stream, "JPEG", quality=quality, optimize=True)
        else:
            levels = [_rounded(level, step) for level in range(256)]
            whole.point(levels * 3).save(stream, "PNG", optimize=True)
        if len(stream.getvalue()) < LARGEST:
            path.write_bytes(stream.getvalue())
            return
    raise ValueError(f"{path.name}: {len(stream.getvalue())} bytes")


def _rounded(level: int, step: int) -> int:
    return 255 if level == 255 else min(255, (level + step // 2) // step * step)


if __name__ == "__main__":
    sys.exit(main())
