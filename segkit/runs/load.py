"""A trained run, ready to predict with: ``load_run`` for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from segkit.config.sizes import AUTO, image_size
from segkit.core.channels import channels_of
from segkit.core.errors import SegkitError
from segkit.core.home import settle
from segkit.core.planes import Planes, planes_of
from segkit.core.run_folder import RunFolder
from segkit.core.values import Rule
from segkit.runs.saved import SavedRun, open_run

if TYPE_CHECKING:
    from segkit.inference.predictor import Predictor
    from segkit.tasks.base import Task

_OWN = Rule(
    lambda value: value != AUTO,
    "give a number, or null for the run's own",
    "{key}={value} needs a validation split, which segkit.evaluate alone reads",
)
Runs = str | Path | Sequence[str | Path]


def load_run(
    path: str | Path | Sequence[str | Path],
    allow_targets: Sequence[str] = (),
    device: str = "auto",
    *,
    precision: str = "auto",
    **settings: float | None,
) -> Predictor:
    """Load the best checkpoint of a run, or of several whose probabilities are averaged.

    Example::

        predictor = segkit.load_run("DIR")
        found = predictor("slide.tif")
        found.mask  # (H, W) uint8, class indices; names in predictor.classes; or int32, labels
        found.probability  # (1, H, W) float32 of the foreground; (K, H, W) with more classes
        found.objects  # with task=instance: the columns of objects.csv, by name
        found = predictor(image, tile=512, tta="flip")  # image: an array (H, W) or (H, W, C)

    Args:
        path: a run folder, or several.
        allow_targets: further prefixes that a ``_target_`` of the run may start with.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
        precision: ``auto`` (as evaluate chooses it), ``bf16-mixed`` or ``32-true``.
        settings: how answers are made, in place of the run's own settings: ``threshold=0.4``, say.

    Raises:
        SegkitError: not a run, no best checkpoint, a ``_target_`` that is not allowed, runs of
            different classes, or no such device.
    """
    settle()
    runs = open_runs(path, allow_targets)
    return predictor_of(runs, agree(runs, settings), device=device, precision=precision)


def predictor_of(
    runs: Sequence[SavedRun],
    task: Task,
    *,
    device: str = "auto",
    precision: str = "auto",
    planes: Planes | None = None,
) -> Predictor:
    """The same, of runs that were opened before, and the task that they agree on.

    Raises:
        SegkitError: they read files of many planes in different ways, and no ``planes`` are given.
    """
    from segkit.inference.predictor import Member, Predictor

    members, planes = [], planes or agreed_planes(runs)
    for run in runs:
        data = run.config["dataset"]
        size = image_size(data["size"], "dataset.size")
        taken = channels_of(data["channels"])
        members.append(Member(run.network, size, taken, run.intensity, run.depths, planes))
    return Predictor(members, task=task, device=device, precision=precision)


def agreed_planes(
    runs: Sequence[SavedRun], axes: str | None = None, z: int | str | None = None
) -> Planes:
    """How the runs read files of many planes, but for what is given here.

    Raises:
        SegkitError: they do so in different ways.
    """
    own = [planes_of(run.config["dataset"]) for run in runs]
    found = [replace(one, axes=axes or one.axes, z=one.z if z is None else z) for one in own]
    for run, one in zip(runs, found, strict=True):
        if one != found[0]:
            raise SegkitError(
                "runs that read files of many planes in different ways",
                where=f"{runs[0].folder.path} and {run.folder.path}",
                remedy="name runs of the same dataset.axes and dataset.z, or give axes= and z=",
            )
    return found[0]


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


def agree(
    runs: Sequence[SavedRun],
    settings: Mapping[str, float | None],
    say: Callable[[str], object] = lambda _: None,
) -> Task:
    """The task that runs share, without importing torch.

    Args:
        runs: one or more.
        settings: of its decoder, in place of the runs' own; None takes theirs. Where they differ in
            what training found, the task makes one of them.
        say: is given a line where it does.

    Raises:
        SegkitError: runs that cannot answer together, or settings that the task does not have.
    """
    for key, value in settings.items():
        _OWN.check(key, value)
    tasks = [run.task for run in runs]
    task = tasks[0]
    for run, other in zip(runs[1:], tasks[1:], strict=True):
        for what, ours, theirs, same in (
            ("tasks", task.name, other.name, "task"),
            ("classes", list(task.classes), list(other.classes), "classes, in the same order"),
            ("intensities", runs[0].intensity, run.intensity, "dataset.intensity"),
        ):
            if ours != theirs:
                raise SegkitError(
                    f"runs of different {what}: {ours} and {theirs}",
                    where=f"{runs[0].folder.path} and {run.folder.path}",
                    remedy=f"name runs that were trained for the same {same}",
                )
    values = {
        key: [one.settings[key] for one in tasks]
        for key in task.settings
        if settings.get(key) is None
    }
    differing = {key: several for key, several in values.items() if len({*several}) > 1}
    found = {key for key in differing if all(key in one.auto for one in tasks)}
    if by_hand := differing.keys() - found:
        _refuse(runs, {key: differing[key] for key in differing if key in by_hand})
    if differing:
        each = [{key: one.settings[key] for key in differing} for one in tasks]
        merged = task.merged(each)
        told = ", ".join(f"{key}={value}" for key, value in merged.items())
        say(f"of what the {len(runs)} runs were fitted to, taken together: {told}")
        task = task.with_settings(merged)
    return task.with_settings(settings)


def _refuse(runs: Sequence[SavedRun], differing: Mapping[str, Sequence[object]]) -> NoReturn:
    """Runs whose decoders were set by hand, each otherwise."""
    each = "; ".join(
        f"{key}={' and '.join(str(one) for one in dict.fromkeys(values))}"
        for key, values in differing.items()
    )
    raise SegkitError(
        f"runs of different settings: {each}",
        where=" and ".join(str(run.folder.path) for run in runs),
        remedy="choose for all: " + " ".join(f"{key}={v[0]}" for key, v in differing.items()),
    )
