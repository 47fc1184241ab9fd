"""Start: how long a user waits for help, for a mistake to be found, and for the first step."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from segkit.benchmarks.rounds import Rounds, interleaved
from segkit.benchmarks.timing import Figure, speedup, spread

PART = "start"
# What an answer cannot do without, and what a training cannot.
HYDRA = "import hydra, omegaconf"
IMPORTS = "import torch, lightning.pytorch, segmentation_models_pytorch"
_GOALS = {"--help": 1.3, "a configuration error": 1.7, "first training step": 1.3}
FIRST_STEP = "+callbacks.first_step={_target_: segkit.benchmarks.first_step.FirstStep}"


def startup(
    overrides: Sequence[str], rounds: int, shown: Rounds, allowed: Sequence[str] = ()
) -> None:
    """Time whole processes.

    Args:
        overrides: of the configuration, as given on the command line.
        rounds: that are counted.
        shown: keeps what is found.
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
            "importing Hydra and OmegaConf": lambda: _python("-c", HYDRA),
            "--help": lambda: _python("-m", "segkit.train", "--help"),
            "a configuration error": lambda: _python("-m", "segkit.train", "modell=unet", expect=2),
            "importing torch, lightning and SMP": lambda: _python("-c", IMPORTS),
            "first training step, warm cache": first_step,
            "first training step, cold cache, images on disk": lambda: first_step(
                f"dataset.cache_dir={place / f'cold{next(number)}'}"
            ),
        }
        interleaved(rivals, rounds, shown, lambda taken: [_figure(name, taken) for name in taken])


def _figure(name: str, taken: Mapping[str, Sequence[float]]) -> Figure:
    """How long, and how many times as long as the imports that it cannot do without."""
    median = spread(taken[name]).median
    goal = _GOALS.get(name.partition(",")[0])
    if goal is None:
        return Figure(PART, name, median, "s")
    beside = "torch, lightning and SMP" if name.startswith("first") else "Hydra and OmegaConf"
    ratio = speedup(taken[f"importing {beside}"], taken[name])
    return Figure(PART, name, median, "s", f"÷ importing {beside}", ratio, goal, at_most=True)


def _python(*arguments: str, expect: int = 0) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != expect:
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr[-2000:]}")
