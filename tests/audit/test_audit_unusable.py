"""A data set without a usable mask: the first thing that is said is why."""

from pathlib import Path

import numpy as np
import pytest

from segkit.audit.audit import Audit, audit
from segkit.audit.findings import Use
from segkit.audit.tables import split_table
from segkit.data.readers.folder import Folder
from segkit.data.splits import SplitSpec
from segkit.drawing.overlay import encode_png

SIDE = 32
MASKS = {
    "another size": encode_png(np.zeros((SIDE + 2, SIDE), np.uint8)),
    "no picture": b"\x89PNG and nothing else",
    "no bytes": b"",
    "unknown values": encode_png(np.arange(SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint8)),
}
GOOD = encode_png(np.repeat(np.array([[0], [255]], np.uint8), SIDE // 2, axis=0).repeat(SIDE, 1))


def found(root: Path, masks: list[bytes | None], *, skip: bool = False) -> Audit:
    """What a check finds in images with these masks."""
    for number, mask in enumerate(masks):
        rng = np.random.default_rng(number)
        image = encode_png(rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8))
        for kind, data in (("images", image), ("masks", mask)):
            (root / kind).mkdir(parents=True, exist_ok=True)
            if data is not None:
                (root / kind / f"{number:02d}.png").write_bytes(data)
    reader = Folder(root, classes=("background", "foreground"))
    return audit(reader, Use(reader.classes, None, None, skip=skip), SplitSpec())


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("name", MASKS)
def test_what_is_wrong_with_the_masks_comes_first(tmp_path: Path, name: str, skip: bool) -> None:
    unusable = found(tmp_path, [MASKS[name]] * 6, skip=skip)
    first = unusable.findings[0]
    assert (first.severity, first.kind) == ("error", "records that cannot be used")
    assert "00.png" in first.where
    assert "no split" not in {finding.kind for finding in unusable.findings}
    assert unusable.verdict.startswith("Nothing to train on, no record has a mask that can be used")
    assert unusable.count("error") == 6


def test_a_few_that_are_left_do_not_hide_why_there_are_so_few(tmp_path: Path) -> None:
    few = found(tmp_path, [GOOD, *[MASKS["another size"]] * 5])
    assert few.findings[0].kind == "records that cannot be used"
    assert "no split" in {f.kind for f in few.findings if f.severity == "error"}
    assert few.verdict.startswith("Do not train on it yet")


def test_images_alone_have_no_mask(tmp_path: Path) -> None:
    alone = found(tmp_path, [None] * 6)
    assert alone.findings[0].kind == "no split"
    assert alone.findings[0].what == "no record has a mask"
    assert alone.count("error") == 1


def test_images_alone_of_which_one_is_damaged_are_nothing_to_train_on(tmp_path: Path) -> None:
    found(tmp_path, [None] * 6)
    (tmp_path / "images" / "03.png").write_bytes(b"")
    reader = Folder(tmp_path, classes=("background", "foreground"))
    alone = audit(reader, Use(reader.classes, None, None, skip=False), SplitSpec())
    assert alone.findings[0].kind == "no split"
    assert alone.verdict.startswith("Nothing to train on")


def test_columns_are_told_apart_whatever_the_classes_are_called(tmp_path: Path) -> None:
    header, _ = split_table(found(tmp_path, [GOOD] * 6))
    assert len(set(header)) == len(header)
    assert {"with foreground", "foreground share"} <= set(header)
