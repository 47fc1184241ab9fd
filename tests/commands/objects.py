"""Trainings of ``task=instance``, as its tests give them."""

import json
from pathlib import Path
from typing import Any


def arguments(run: Any, *more: str) -> list[str]:
    """Twelve phantoms of 64 pixels at their own size, as small a network as there is."""
    plain = [each for each in run.arguments() if not each.startswith("dataset.size=")]
    return [*plain, "task=instance", "model=unet_lowered", "model.dropout=0", *more]


def summary(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text("utf-8"))
