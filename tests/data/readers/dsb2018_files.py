"""Small trees in both layouts of DSB2018, and some of its fields of view."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Two nuclei that touch, and one apart.
NUCLEI = np.zeros((3, 24, 32), bool)
NUCLEI[0, 4:10, 4:10] = True
NUCLEI[1, 4:10, 10:16] = True
NUCLEI[2, 15:20, 20:30] = True
FOREGROUND = np.asarray(NUCLEI.any(axis=0))
IMAGE = np.random.default_rng(0).integers(0, 255, (24, 32, 3)).astype(np.uint8)


def save(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def nucleus_files(root: Path, *names: str) -> Path:
    alpha = np.full((24, 32, 1), 255, np.uint8)
    for name in names:
        save(root / name / "images" / f"{name}.png", np.concatenate([IMAGE, alpha], axis=2))
        for number, nucleus in enumerate(NUCLEI):
            save(root / name / "masks" / f"{number}.png", nucleus.astype(np.uint8) * 255)
    return root


def flat_folders(root: Path, **names: str) -> Path:
    for split, stems in names.items():
        for stem in stems:
            save(root / split / "inputs" / f"{stem}.png", IMAGE)
            save(root / split / "masks" / f"{stem}.png", FOREGROUND.astype(np.uint8) * 255)
    return root


# Two fields of the table, one whole and one of which two tiles are there; ids of the challenge.
SQUARE = (
    "00071198d059ba7f5914a526d124d28e6d010c92466da21d4a04cd5413362552",
    "4c465a54e329ec7b0f4bc5f6acdfd3192707d6c0fbdf557339485581c5a6b3c1",
    "d6a880b1f6056f3086679de5c810e7af87cdf3bbbd0533a83e3681817fce40fc",
    "f8e74d4006dd68c1dbe68df7be905835e00d8ba4916f3b18884509a15fdc0b55",
)
PAIR = (
    "0121d6759c5adb290c8e828fc882f37dfaf3663ec885c663859948c154a443ed",
    "947c0d94c8213ac7aaa41c4efc95d854246550298259cf1bb489654d0e969050",
)
