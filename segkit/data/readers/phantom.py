"""Synthetic nuclei in DSB2018's on-disk layout: the default, so that a first run needs no data.

Source: drawn by this module from a seed.
Licence: CC0 1.0.
Layout: DSB2018's, ``<id>/images/<id>.png`` (RGBA) and ``<id>/masks/*.png``.
Classes: background, nucleus.
Splits: none published; drawn ones are balanced over the imaging type, as in DSB2018.
Citation: none.

Six in ten images are fluorescence (bright nuclei on a dark ground), two bright-field (dark on
light), two stained (purple on pink). Nuclei are ellipses with wavy outlines, some touching, of
uneven brightness; the ground has a gradient, debris, blur and noise.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Listing
from segkit.core.errors import SegkitError
from segkit.core.home import at_home
from segkit.core.locks import folder_begun, waited_for
from segkit.core.shell import argument
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.drawing.overlay import encode_png

KINDS = ("fluorescence", "brightfield", "stained")
_SHARES = (0.6, 0.2, 0.2)
# By it a folder is known as written here; it names the files.
MARK = ".segkit-phantom.json"
# Ground and nucleus colours, RGB 0…1.
_COLOURS = {
    "fluorescence": ((0.06, 0.06, 0.06), (0.55, 0.55, 0.55)),
    "brightfield": ((0.82, 0.82, 0.82), (0.35, 0.35, 0.35)),
    "stained": ((0.90, 0.74, 0.86), (0.45, 0.24, 0.58)),
}


class Phantom(Dsb2018):
    """Synthetic nuclei, written below ``root`` when they are first asked for.

    Args:
        root: folder under which data sets of other settings lie side by side, and nothing else.
        count: number of images.
        image_size: height and width in pixels.
        seed: the same seed gives the same files.
    """

    synthetic = True

    def __init__(self, root: str | Path, *, count: int, image_size: int, seed: int) -> None:
        if count < 1 or image_size < 32:
            raise SegkitError(
                f"{count} phantom images of {image_size} pixels cannot be drawn",
                where="dataset.count, dataset.image_size",
                remedy="ask for at least 1 image of at least 32 pixels",
            )
        folder = at_home(root, "dataset.root") / f"{count}x{image_size}-seed{seed}"
        super().__init__(folder)
        self.count = count
        self.image_size = image_size
        self.seed = seed

    def scan(self) -> Listing:
        """Write the files if they are not there, then list them.

        Raises:
            SegkitError: something else lies where they would be written, or they cannot be.
        """
        # Earlier versions left no mark; what they wrote is read as any other folder.
        unmarked = self.root.exists() and not (self.root / MARK).is_file()
        if not unmarked and not _is_whole(self.root):
            _check_free(self.root.parent)
            words = f"drawing {self.count} synthetic images into {self.root} …"
            print(words, file=sys.stderr, flush=True)
            write_phantoms(self.root, count=self.count, image_size=self.image_size, seed=self.seed)
        return super().scan()


def write_phantoms(folder: Path, *, count: int, image_size: int, seed: int) -> None:
    """Write ``count`` images with their masks in DSB2018's layout; ``folder`` appears whole.

    Of a folder that was written before, only the files that have gone are written again.

    Raises:
        SegkitError: the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Two processes may ask for the same files; whoever is second finds them there.
        with waited_for(folder.with_name(f".{folder.name}.lock")) as alone:
            if _is_whole(folder):
                return
            with folder_begun(folder, alone=alone) as building:
                for number in range(count):
                    rng = np.random.default_rng((seed, number))
                    kind = str(rng.choice(KINDS, p=_SHARES))
                    image, instances = draw_nuclei(rng, kind=kind, size=image_size)
                    _write_record(building / f"phantom_{number:04d}", image, instances)
                files = sorted(p for p in building.rglob("*") if p.is_file())
                names = [path.relative_to(building).as_posix() for path in files]
                (building / MARK).write_text(json.dumps(names), encoding="utf-8")
                if alone or not _is_whole(folder):
                    _place(building, names, folder)
    except OSError as error:
        raise SegkitError(
            f"the synthetic images cannot be written: {error.strerror}",
            where=f"dataset.root={folder}",
            remedy="name a folder that you may write to and that has room: dataset.root=PATH",
        ) from error


def _place(building: Path, names: list[str], folder: Path) -> None:
    if not (folder / MARK).is_file():
        building.rename(folder)
        return
    for name in names:
        if not (folder / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (building / name).rename(folder / name)
    (building / MARK).replace(folder / MARK)


def _check_free(root: Path) -> None:
    """Refuse to write where anything but phantoms lies."""
    others = [path for path in _visible(root) if not (path / MARK).is_file()]
    if others:
        raise SegkitError(
            f"synthetic images are not written beside other files, such as {others[0].name}",
            where=f"dataset.root={root}",
            remedy="train on your own images by dataset=folder "
            f"{argument('dataset.root', root)}; for synthetic ones leave dataset.root out, or "
            "name an empty folder",
        )


def _visible(folder: Path) -> list[Path]:
    """What lies in a folder, but for hidden files; of a file, itself."""
    if not folder.is_dir():
        return [folder] if folder.exists() else []
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:  # a folder that may not be read; writing to it is refused likewise
        return []


def _is_whole(folder: Path) -> bool:
    try:
        names = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return all((folder / name).is_file() for name in names)
    except (OSError, ValueError, TypeError):
        return False


def _write_record(folder: Path, image: NDArray[np.uint8], instances: NDArray[np.int32]) -> None:
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    alpha = np.full((*image.shape[:2], 1), 255, np.uint8)
    rgba = np.concatenate([image, alpha], axis=2)
    (folder / "images" / f"{folder.name}.png").write_bytes(encode_png(rgba))
    for label in range(1, int(instances.max()) + 1):
        nucleus = (instances == label).astype(np.uint8) * np.uint8(255)
        if nucleus.any():
            (folder / "masks" / f"{label:03d}.png").write_bytes(encode_png(nucleus))


def draw_nuclei(
    rng: np.random.Generator, *, kind: str, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Draw one image.

    Args:
        rng: source of every choice.
        kind: one of :data:`KINDS`.
        size: height and width in pixels.

    Returns:
        image (size, size, 3) uint8 and instances (size, size) int32, 0 is background.
    """
    ground, colour = (np.array(c, np.float32) for c in _COLOURS[kind])
    slope = _smooth_noise(rng, size, grain=size) * 0.08
    canvas = ground + slope[..., None]
    instances = np.zeros((size, size), np.int32)
    for label, outline in enumerate(_outlines(rng, size), start=1):
        nucleus = np.zeros((size, size), np.uint8)
        cv2.fillPoly(nucleus, [outline], 1)
        inside = nucleus.astype(bool) & (instances == 0)
        instances[inside] = label
        strength = rng.uniform(0.6, 1.3)
        texture = 1 + 0.25 * _smooth_noise(rng, size, grain=6)[inside]
        canvas[inside] = ground + (colour - ground) * (strength * texture)[:, None]
    _add_debris(rng, canvas, colour)
    canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.5, 1.1)), np.float32)
    canvas += rng.normal(0, rng.uniform(0.01, 0.04), canvas.shape).astype(np.float32)
    if kind != "stained":  # grey images have three equal channels
        canvas = np.repeat(canvas[..., :1], 3, axis=2)
    return np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8), instances


def _outlines(rng: np.random.Generator, size: int) -> Iterator[NDArray[np.int32]]:
    """Polygons; every third nucleus is placed against the one before it."""
    scale = size / 128
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    centre, reach = np.zeros(2), 0.0
    for number in range(int(rng.integers(8, 17))):
        axes = rng.uniform(5, 11, 2) * scale
        if number % 3 == 2:
            direction = rng.uniform(0, 2 * np.pi)
            step = reach + axes.mean() * 0.9
            centre = centre + step * np.array([np.cos(direction), np.sin(direction)])
        else:
            centre = rng.uniform(0, size, 2)
        reach = float(axes.mean())
        waves = 1 + 0.08 * np.sin(3 * angles + rng.uniform(0, 6)) * rng.uniform(0, 1.5)
        x, y = axes[0] * np.cos(angles) * waves, axes[1] * np.sin(angles) * waves
        turn = rng.uniform(0, np.pi)
        turned = np.stack(
            [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1
        )
        yield np.rint(turned + centre).astype(np.int32)


def _add_debris(
    rng: np.random.Generator, canvas: NDArray[np.float32], colour: NDArray[np.float32]
) -> None:
    """Specks too small to be nuclei, left out of the ground truth."""
    size = canvas.shape[0]
    for _ in range(int(rng.integers(0, 8))):
        row, column = (int(v) for v in rng.integers(0, size, 2))
        speck = canvas[row : row + 2, column : column + 2]
        speck += 0.5 * (colour - speck)


def _smooth_noise(rng: np.random.Generator, size: int, *, grain: int) -> NDArray[np.float32]:
    """(size, size) noise about ±1 whose bumps are ``grain`` pixels wide."""
    cells = max(2, size // grain + 1)
    coarse = rng.normal(0, 0.6, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
