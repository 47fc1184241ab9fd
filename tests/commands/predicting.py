"""What the tests of ``python -m segkit.predict`` give it, and how they read what it wrote."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def picture(seed: int, shape: tuple[int, ...] = (60, 76, 3)) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, *shape[2:]), np.uint8)
    large = Image.fromarray(small).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(large)


def given(run: Any, inputs: Path, output: Path, *more: str) -> list[str]:
    where = [f"run={run.folder}", f"input={inputs}", f"output={output}"]
    return [*where, "device=cpu", "precision=32-true", *more]


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pixels(path: Path) -> NDArray[Any]:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)
