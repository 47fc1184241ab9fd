"""Mistakes of the user's: how a training is spoilt, and what must be said of it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from segkit.drawing.overlay import encode_png
from tests.commands.small import small

Mistake = Callable[..., str]


def own(root: Path, *more: str) -> tuple[str, ...]:
    return (
        "dataset=folder",
        f"dataset.root={root}",
        "dataset.size=32",
        "dataset.batch_size=2",
        "trainer=cpu",
        "trainer.precision=32-true",
        "trainer.max_epochs=1",
        "trainer.enable_progress_bar=false",
        *small(*more),
        *more,
    )


def write(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels))


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def check_message(said: str) -> None:
    assert "Traceback" not in said
    found = re.search(r"error: (.+)\n  where: (.+)\n  fix:   (.+)", said)
    assert found, said
    assert all(part.strip() for part in found.groups())
