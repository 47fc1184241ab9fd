"""What to do with a finished run, as commands to paste."""

import glob
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from segkit.config.keys import key_of
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.core.shell import activation, command, program, relative
from segkit.data.datamodule import SegmentationData
from segkit.data.readers.sequences import split_number
from segkit.data.volumes import file_of
from segkit.imaging.formats.registry import bare
from segkit.inference.inputs import find_inputs
from segkit.tasks.named import task_kind

_OWN = "mydata"
_LOOKED_AT = 50  # of the runs in outputs/, the latest
Step = tuple[str, str]


def predict_with(run: Path, images: str, *settings: str) -> str:
    """The command that predicts ``images`` with a run, into a folder of the run's name."""
    output = f"outputs/predictions/{run.name}"
    given = (f"run={relative(run)}", f"input={images}", f"output={output}", "overlay=true")
    return command("predict", *given, *settings)


def after_training(summary: Mapping[str, Any], run: Path, data: SegmentationData) -> list[Step]:
    """What each command is for, and the command."""
    folder = relative(run)
    logs = shlex.join([program("tensorboard"), "--logdir", folder])
    steps = [("curves and panels, in a browser:", logs)]
    if summary["best_epoch"] is not None:
        if image := an_image(data):
            what = "predict (input=: your image, folder or quoted pattern):"
            steps.append((what, predict_with(run, image)))
        what = "score it with intervals, and see its worst images:"
        steps.append((what, command("evaluate", f"run={folder}")))
    if other := run_before(run, summary):
        compare = command("compare", f"runs=[{relative(other)},{folder}]")
        steps.append(("compare it with the run before:", compare))
    if data.reader.synthetic:
        own = ("dataset=folder", f"dataset.root={_OWN}")
        what = f"your own {_OWN}/images/*.png and {_OWN}/masks/*.png:"
        steps.append((what, f"{command('check', *own)} && {command('train', *own)}"))
    if enter := activation():
        steps.append(('enter the environment, in which "python" is enough:', enter))
    return steps


def an_image(data: SegmentationData) -> str:
    """An image that predict reads, of the test split if there is one; empty where there is none.

    A file, or a pattern of its sequences; of an archive all of it.
    """
    root = data.reader.source.root
    for index in (*data.indices("test"), *data.indices("val"))[:1]:
        record = data.records[index]
        path = root / file_of(record.image)
        with suppress(SegkitError):  # it lies in an archive, or an array
            found = find_inputs(str(path))[0][0].path
            stem = bare(path.name)
            if record.sequences and (number := split_number(stem)):
                pattern = glob.escape(number[0]) + "_????" + glob.escape(path.name[len(stem) :])
                found = Path(glob.escape(str(path.parent)), pattern)
            return relative(found)
        with suppress(SegkitError):
            return relative(root) if find_inputs(str(root))[0][0].archive else ""
    return ""


def run_before(run: Path, summary: Mapping[str, Any]) -> Path | None:
    """The run that ended last of those in outputs/ that ``segkit.compare`` puts beside this one.

    Args:
        run: folder of a run that ended.
        summary: of it.
    """
    outputs = Path.cwd() / "outputs"
    own = _tested_as(run, summary)
    if own is None or outputs not in run.parents:
        return None
    ended = sorted(outputs.glob("*/*/*/summary.json"), key=lambda path: -path.stat().st_mtime)
    others = (path.parent for path in ended[:_LOOKED_AT] if path.parent != run)
    return next((o for o in others if _tested_as(o, RunFolder(o).read_summary()) == own), None)


def _tested_as(run: Path, summary: Mapping[str, Any]) -> tuple[object, ...] | None:
    """Task, data, what they hold and split, in which compared runs agree; None without a test.

    A run that was debugged is none to compare: it learnt a batch, or for an epoch.
    """
    try:
        config = RunFolder(run).read_config()
        task = task_kind(config).name
    except SegkitError:
        return None
    debugged = any(key_of(given) == "debug" for given in config.get("overrides") or ())
    if debugged or not summary.get("test"):
        return None
    data = summary.get("data") or {}
    return task, data.get("name"), data.get("content_hash"), summary.get("split_hash")
