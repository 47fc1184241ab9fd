"""What ``import segkit`` offers to scripts and notebooks; the process is left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.compare import compared
from segkit.config.checks import check_data
from segkit.config.plain import resolved
from segkit.core.errors import SegkitError
from segkit.core.quoting import written
from segkit.core.run_folder import RunFolder
from segkit.evaluate import load_data, measure
from segkit.runs.build import build_reader
from segkit.runs.in_process import compose, perform
from segkit.runs.load import load_run
from segkit.runs.settled import settled
from segkit.train import train

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from segkit.comparison.comparison import Comparison
    from segkit.data.datamodule import SegmentationData
    from segkit.inference.predictor import Predictor
    from segkit.runs.call import Call

__all__ = ["SegkitError", "TrainedRun", "compare_runs", "fit", "load_run", "open_data", "score"]


@dataclass(frozen=True)
class TrainedRun:
    """A finished training.

    Attributes:
        folder: the run folder, which is what ``python -m segkit.train`` writes, too.
        summary: the contents of its ``summary.json``.
    """

    folder: Path
    summary: dict[str, Any]

    @cached_property
    def predictor(self) -> Predictor:
        """Predicts with the best checkpoint; loaded when first asked for, by :func:`load_run`."""
        return load_run(self.folder)


def open_data(
    name: str, overrides: Sequence[str] = (), *, task: str | None = None, **keys: Any
) -> SegmentationData:
    """Open a data set as training does: listed, decoded into the cache, and split.

    Example::

        data = segkit.open_data("folder", root="mydata", size=128)
        sample = data.as_dataset("train")[0]
        sample["image"]  # (C, H, W) uint8, 0…255; augmented
        sample["mask"]  # (H, W) uint8, class indices; of task="instance" int32, labels

    Args:
        name: of the data set, as in ``dataset=NAME``.
        overrides: such as ``augment=none`` or ``dataset.split.seed=1``.
        task: ``instance`` gives masks with a label for each object in place of classes; None takes
            the default.
        keys: keys of the data set: ``root=PATH`` stands for ``dataset.root=PATH``.

    Raises:
        SegkitError: an unknown name or key, or anything wrong with the data.
    """
    named = [f"dataset.{key}={written(value)}" for key, value in keys.items()]
    named += [f"task={written(task)}"] if task is not None else []

    def opened(composed: DictConfig) -> SegmentationData:
        config = resolved(composed)
        check_data(config)
        reader = build_reader(config)
        return load_data(settled(config, reader), reader, "test")

    return compose("check", [f"dataset={name}", *named, *overrides], opened)


def fit(overrides: Sequence[str] = ()) -> TrainedRun:
    """Train, then test the best checkpoint, as ``python -m segkit.train`` does.

    Example::

        run = segkit.fit(["dataset=folder", "dataset.root=mydata", "trainer.max_epochs=20"])
        run.summary["test"]["all"]["dice"]
        mask, probability = run.predictor("mydata/images/a.png")

    Args:
        overrides: ``key=value`` as on the command line.

    Raises:
        SegkitError: a mistake in the configuration or the data.
        KeyboardInterrupt: Ctrl-C; call it again with ``resume=DIR`` to resume.
    """
    folder = perform(train, "train", overrides)
    return TrainedRun(folder.path, folder.read_summary())


def score(
    run: str | Path | TrainedRun, split: str = "test", overrides: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Score a split with a saved run, and write nothing.

    Args:
        run: a run folder, or what :func:`fit` returned.
        split: train, val, test or all.
        overrides: keys of ``python -m segkit.evaluate``, such as ``surface=true``.

    Returns:
        For each class, and for ``all``, the row of ``evaluation.csv`` that the command would write.

    Raises:
        SegkitError: not a run, data that do not fit the run, an empty or unknown split.
    """

    def rows(composed: DictConfig, call: Call) -> list[dict[str, Any]]:
        return measure(resolved(composed), call.overrides).evaluation.examined.rows

    given = [f"run={written(_folder(run))}", f"split={written(split)}", *overrides]
    return {row["class"]: row for row in perform(rows, "evaluate", given)}


def compare_runs(
    folders: str | Path | Sequence[str | Path | TrainedRun],
    *,
    baseline: str | None = None,
    score: str | None = None,
    common: bool = False,
    seed: int = 0,
    allow_targets: Sequence[str] = (),
) -> Comparison:
    """Compare finished runs with intervals and paired tests, and write nothing.

    Args:
        folders: two run folders or more, or the folder of a sweep.
        baseline: name, or part of it, of the configuration that the others are compared with; None
            takes the first.
        score: the score to compare; None takes the leading one of the task.
        common: compare runs of different splits on the records that all of them tested.
        seed: draws the resamples of the intervals.
        allow_targets: further prefixes that a ``_target_`` of the runs may start with.

    Raises:
        SegkitError: the runs cannot be compared.
    """
    several = None if isinstance(folders, str | Path) else [_folder(each) for each in folders]
    return compared(
        {
            "folder": folders if several is None else None,
            "runs": several,
            "baseline": baseline,
            "score": score,
            "common": common,
            "pictures": 0,
            "seed": seed,
            "allow_targets": allow_targets,
        }
    )


def _folder(run: str | Path | TrainedRun) -> Path:
    return run.folder if isinstance(run, TrainedRun) else RunFolder(run).path
