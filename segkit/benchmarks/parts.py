"""The parts of the benchmark by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from segkit.benchmarks.beside import beside
from segkit.benchmarks.inference import inference
from segkit.benchmarks.inputs import inputs
from segkit.benchmarks.memory import memory
from segkit.benchmarks.rounds import Rounds
from segkit.benchmarks.startup import startup
from segkit.benchmarks.timing import Figure
from segkit.benchmarks.training import training
from segkit.core.quoting import escaped, quoted


def measure(
    settings: dict[str, Any], folder: Path, before: Sequence[Figure], shown: Rounds
) -> None:
    """Measure the part that ``shown`` is of.

    Args:
        settings: of ``segkit.benchmark``, resolved.
        folder: where pictures go.
        before: what earlier parts found.
        shown: keeps what is found.
    """
    rounds = settings["rounds"]
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")  # as training does, in every part alike
    own, allowed = _for_training(settings), settings["allow_targets"]
    measured: dict[str, Callable[[], None]] = {
        "training": lambda: training(settings, rounds, shown),
        "changes": lambda: beside("changes").changes(settings, rounds, shown),
        "input": lambda: inputs(settings, rounds, _step_rate(before), shown),
        "inference": lambda: inference(settings, rounds, shown),
        "start": lambda: startup(own, rounds, shown, allowed),
        "memory": lambda: memory(settings, shown),
        "growth": lambda: beside("growth").growth(settings, folder, shown),
    }
    measured[shown.part]()


def _step_rate(before: Sequence[Figure]) -> float | None:
    """Images a second of segkit's own training, where that part came before."""
    rates = [figure.value for figure in before if figure.part == "training"]
    return rates[0] if rates else None


def _for_training(settings: dict[str, Any]) -> list[str]:
    """What was given, without the keys that training does not have."""
    own = ("parts=", "rounds=", "dataset.cache_dir=", "trainer.max_epochs=", "allow_targets=")
    data = settings["dataset"]
    size = f"dataset.size={data['size']}".replace(" ", "")
    given = [str(o) for o in settings["overrides"] if not str(o).startswith(own)]
    if data["root"] and Path(data["root"]).is_relative_to(data["cache_dir"]):
        # Drawn images are data: a cold cache is filled from them, it does not draw them anew.
        given.append(f"dataset={settings['choices']['dataset']}")
        given.append(f"dataset.root={quoted(escaped(str(data['root'])))}")
    return [size, f"dataset.batch_size={data['batch_size']}", *given]
