"""A trained run, ready to predict with: ``load_run`` for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.sizes import image_size
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.runs.saved import SavedRun, check_threshold, open_run

if TYPE_CHECKING:
    from segkit.inference.predictor import Predictor

Runs = str | Path | Sequence[str | Path]


def load_run(
    path: Runs,
    allow_targets: Sequence[str] = (),
    device: str = "auto",
    *,
    threshold: float | None = None,
    precision: str = "auto",
) -> Predictor:
    """Load the best checkpoint of a run, or of several whose probabilities are averaged.

    Example::

        from segkit.imaging.pixels import decode
        from segkit.runs import load_run

        predictor = load_run("outputs/phantom/unet_mnv2/2026-11-21_10-00-00-1a2b3c4d")
        image = decode(Path("cells.tif").read_bytes(), "cells.tif")
        found = predictor(image)
        found.mask  # (H, W) uint8, class indices; names in predictor.classes
        found.probability  # (1, H, W) float32 of the foreground; (K, H, W) with more classes
        found = predictor(image, tile=512, tta="flip")

    Args:
        path: a run folder, or several.
        allow_targets: further prefixes that a ``_target_`` of the run may start with.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
        threshold: on the probability, for binary tasks, 0…1; None takes the run's own.
        precision: ``auto`` (as evaluate chooses it), ``bf16-mixed`` or ``32-true``.

    Raises:
        SegkitError: not a run, no best checkpoint, a ``_target_`` that is not allowed, runs of
            different classes, or no such device.
    """
    return predictor_of(
        open_runs(path, allow_targets), device=device, threshold=threshold, precision=precision
    )


def predictor_of(
    runs: Sequence[SavedRun],
    *,
    device: str = "auto",
    threshold: float | None = None,
    precision: str = "auto",
) -> Predictor:
    """The same, of runs that were opened before."""
    chosen, classes = agree(runs, threshold)
    from segkit.inference.predictor import Member, Predictor

    members = []
    for run in runs:
        data = run.config["dataset"]
        size = image_size(data["size"], "dataset.size")
        members.append(Member(run.network, size, data["channels"]))
    return Predictor(members, classes=classes, threshold=chosen, device=device, precision=precision)


def open_runs(path: Runs, allow_targets: Sequence[str] = ()) -> list[SavedRun]:
    """One run or several; a folder of run folders stands for those in it.

    So the folds of a cross-validation, or the seeds of a sweep, answer together as one run.

    Raises:
        SegkitError: none, something that is not a path, or not a run.
    """
    several: list[Any] = list(path) if isinstance(path, list | tuple) else [path]
    if not several:
        raise SegkitError("no run was named", where="run=[]", remedy="run=DIR, or run=[DIR,DIR]")
    folders = [path for one in several for path in _within(RunFolder(one))]
    return [open_run(path, allow_targets) for path in folders]


def _within(folder: RunFolder) -> list[Path]:
    """The trained runs in a sweep's folder; of anything else, itself."""
    if folder.config.is_file() or not folder.path.is_dir():
        return [folder.path]
    trained = [path for path in folder.path.iterdir() if RunFolder(path).best.is_file()]
    return sorted(trained) or [folder.path]


def agree(runs: Sequence[SavedRun], threshold: float | None) -> tuple[float, tuple[str, ...]]:
    """The threshold and classes that runs share, without importing torch.

    Args:
        runs: one or more.
        threshold: in place of the runs' own, or None.

    Raises:
        SegkitError: runs that cannot answer together.
    """
    chosen = None if threshold is None else check_threshold(threshold)
    limits, classes = [run.threshold for run in runs], [run.classes for run in runs]
    for run, limit, theirs in zip(runs[1:], limits[1:], classes[1:], strict=True):
        where = f"{runs[0].folder.path} and {run.folder.path}"
        if theirs != classes[0]:
            raise SegkitError(
                f"runs of different classes: {list(classes[0])} and {list(theirs)}",
                where=where,
                remedy="name runs that were trained for the same classes, in the same order",
            )
        if chosen is None and limit != limits[0]:
            raise SegkitError(
                f"runs of different thresholds: {limits[0]} and {limit}",
                where=where,
                remedy="choose one for all: threshold=0.5",
            )
    return limits[0] if chosen is None else chosen, classes[0]
