"""Start: how long a user waits for help, for a mistake to be found, and for the first step."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from segkit.benchmarks.timing import Figure, in_turn, speedup, spread

PART = "start"
IMPORTS = "import torch, lightning.pytorch, segmentation_models_pytorch"
FIRST_STEP = "+callbacks.first_step={_target_: segkit.benchmarks.first_step.FirstStep}"


def startup(overrides: Sequence[str], rounds: int, allowed: Sequence[str] = ()) -> list[Figure]:
    """Time whole processes.

    Args:
        overrides: of the configuration, as given on the command line.
        rounds: that are counted.
        allowed: prefixes of targets that the configuration needs.
    """
    targets = f"allow_targets=[{','.join(['segkit.benchmarks.', *allowed])}]"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        warm = [*overrides, f"dataset.cache_dir={place / 'warm'}", "trainer.max_epochs=1"]
        number = iter(range(10_000))

        def first_step(*more: str) -> None:
            run_dir = f"hydra.run.dir={place / f'run{next(number)}'}"
            _python("-m", "segkit.train", *warm, FIRST_STEP, targets, run_dir, *more)

        rivals = {
            "--help": lambda: _python("-m", "segkit.train", "--help"),
            "a configuration error": lambda: _python("-m", "segkit.train", "modell=unet", expect=2),
            "importing torch, lightning and SMP": lambda: _python("-c", IMPORTS),
            "first training step, warm cache": first_step,
            "first training step, cold cache, images on disk": lambda: first_step(
                f"dataset.cache_dir={place / f'cold{next(number)}'}"
            ),
        }
        taken = in_turn(rivals, rounds)
    figures = []
    beside = taken["importing torch, lightning and SMP"]
    for name, spent in taken.items():
        first = name.startswith("first")
        # Their seconds over the import's: how many times as long.
        ratio = speedup(beside, spent) if first else None
        goal = {"--help": 1.0, "a configuration error": 1.0}.get(name, 1.3 if first else None)
        against = "÷ importing" if first else ""
        median = spread(spent).median
        figures.append(Figure(PART, name, median, "s", against, ratio, goal, at_most=True))
    return figures


def _python(*arguments: str, expect: int = 0) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != expect:
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr[-2000:]}")
