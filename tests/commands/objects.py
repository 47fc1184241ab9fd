"""Trainings of ``task=instance``, as its tests give them."""

import json
from pathlib import Path
from typing import Any


def arguments(run: Any, *more: str) -> list[str]:
    """Twelve phantoms of 64 pixels at their own size, as small a network as there is."""
    given = run.arguments("task=instance", "model=unet_lowered", "model.dropout=0")
    return [*(each for each in given if not each.startswith("dataset.size=")), *more]


def summary(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text("utf-8"))
