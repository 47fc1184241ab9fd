"""``segkit.evaluate`` called in this process, and how its tests read what it wrote."""

import csv
from pathlib import Path

import pytest

from segkit import evaluate
from tests.commands.in_process import Call, call_main

PICTURES = ("worst", "median", "best", "scores", "reliability")
Evaluate = Call


def evaluate_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *given: str) -> int:
    """The command in this folder, on a CPU and without a bar; gives its exit code."""
    monkeypatch.chdir(folder)
    quick = ["trainer=cpu", "trainer.precision=32-true", *given]
    return call_main(monkeypatch, *quick, "trainer.enable_progress_bar=false", module=evaluate)


def table(folder: Path, name: str = "evaluation") -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def splits(folder: Path) -> dict[str, str]:
    with (folder / "split.csv").open(encoding="utf-8") as file:
        return {row["id"]: row["split"] for row in csv.DictReader(file)}
