"""A trained run, ready to predict with: ``load_run`` for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.sizes import image_size
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.runs.build import build_reader
from segkit.runs.rebuild import read_run, rebuild

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
    paths = run_paths(path)
    chosen, classes = check_runs(paths, allow_targets, threshold)
    from segkit.inference.predictor import Member, Predictor

    members = []
    for one in paths:
        trained = rebuild(one, allow_targets)
        data = trained.config["dataset"]
        size = image_size(data["size"], "dataset.size")
        members.append(Member(trained.network, size, data["channels"]))
    return Predictor(members, classes=classes, threshold=chosen, device=device, precision=precision)


def run_paths(path: Runs) -> list[Path]:
    """One folder or several, as a list; a folder of run folders stands for those in it.

    So the folds of a cross-validation, or the seeds of a sweep, answer together as one run.

    Raises:
        SegkitError: none, or something that is not a path.
    """
    several: list[Any] = list(path) if isinstance(path, list | tuple) else [path]
    if not several:
        raise SegkitError("no run was named", where="run=[]", remedy="run=DIR, or run=[DIR,DIR]")
    return [path for one in several for path in _within(RunFolder(one))]


def _within(folder: RunFolder) -> list[Path]:
    """The trained runs in a sweep's folder; of anything else, itself."""
    if folder.config.is_file() or not folder.path.is_dir():
        return [folder.path]
    trained = [path for path in folder.path.iterdir() if RunFolder(path).best.is_file()]
    return sorted(trained) or [folder.path]


def check_runs(
    paths: Sequence[Path], allow_targets: Sequence[str], threshold: float | None
) -> tuple[float, tuple[str, ...]]:
    """The threshold and classes that runs share, without importing torch.

    Raises:
        SegkitError: not a run, or runs that cannot answer together.
    """
    if threshold is not None:
        _check_threshold(threshold)
    found = {}
    for path in paths:
        _, config = read_run(path, allow_targets)
        _check_threshold(config["threshold"])
        found[path] = (build_reader(config).classes, float(config["threshold"]))
    (first, (classes, own)), *others = found.items()
    for path, (theirs, limit) in others:
        if theirs != classes:
            raise SegkitError(
                f"runs of different classes: {list(classes)} and {list(theirs)}",
                where=f"{first} and {path}",
                remedy="name runs that were trained for the same classes, in the same order",
            )
        if threshold is None and limit != own:
            raise SegkitError(
                f"runs of different thresholds: {own} and {limit}",
                where=f"{first} and {path}",
                remedy="choose one for all: threshold=0.5",
            )
    chosen = own if threshold is None else threshold
    return chosen, classes


def _check_threshold(threshold: object) -> None:
    number = isinstance(threshold, Real) and not isinstance(threshold, bool)
    if not number or not 0 <= float(threshold) <= 1:  # type: ignore[arg-type]
        raise SegkitError(
            "a threshold is a number within 0…1",
            where=f"threshold={threshold}",
            remedy="threshold=0.5, or null for the run's own",
        )
