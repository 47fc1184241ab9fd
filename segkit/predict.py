"""``python -m segkit.predict run=DIR input=PATH output=DIR``: masks for images of any size."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from segkit.config.plain import resolved
from segkit.config.values import PREDICT
from segkit.core.channels import channels_of
from segkit.core.home import at_home
from segkit.core.intensity import OF_GROUPS
from segkit.core.limits import limit_images
from segkit.core.shell import command
from segkit.core.sources import check_apart
from segkit.core.values import check
from segkit.runs import cli
from segkit.runs.call import Call
from segkit.runs.load import agree, agreed_planes, open_runs, predictor_of
from segkit.tasks.named import decoder_settings

if TYPE_CHECKING:
    from segkit.inference.names import Input
    from segkit.inference.table import Table
    from segkit.inference.wanted import Wanted
    from segkit.runs.saved import SavedRun
    from segkit.tasks.base import Task

# What masks depend on, besides the run: a table of other settings is not continued.
_SETTINGS = ("tile", "overlap", "scale", "tta", "large", "format", "precision")


def predict(config: dict[str, Any], call: Call) -> None:
    """Predict as configured; ends the process with 1 where files could not be read.

    Raises:
        SegkitError: not a run, no image, settings that do not fit, or an output that is taken.
    """
    from segkit.core.view import View
    from segkit.inference.cases import as_cases, as_stacks, check_dicom, check_volumes
    from segkit.inference.inputs import check_output, find_inputs
    from segkit.inference.wanted import wanted_of

    check(config, PREDICT)
    view = View(config["tile"], config["overlap"], config["scale"], config["tta"])
    runs = open_runs(config["run"], config["allow_targets"])
    task = agree(runs, decoder_settings(config), cli.say)
    planes = agreed_planes(runs, config["axes"], config["z"])
    inputs, others = find_inputs(config["input"])
    inputs, files = as_stacks(inputs, planes), max(run.sequences for run in runs)
    inputs = as_cases(inputs, [run.config for run in runs], files, cli.say)
    output = at_home(config["output"], "output")
    check_output(inputs, output)
    check_apart(output, _sources(config["input"], [run.folder.path for run in runs]), key="output")
    wanted = wanted_of(config, output, task)
    check_volumes(inputs, wanted)
    check_dicom(inputs, wanted)
    table = _table(config, runs, task, wanted)
    if not config["overwrite"]:
        _check_taken(table, inputs, wanted)
    todo = [p for p in inputs if config["overwrite"] or not table.done(p, wanted)]
    _say_again(table, todo, wanted, overwrite=config["overwrite"])
    if todo:
        _say_beginning(runs)
    from segkit.inference.predict_files import Job, predict_all

    if others:
        print(others, flush=True)
    broken = 0
    if todo:  # networks take seconds to load
        predictor = predictor_of(
            runs, task, device=config["device"], precision=config["precision"], planes=planes
        )
        limit_images(config["max_megapixels"])  # not the runs' own, which loading them has set
        table.begin(todo)
        job = Job(view, wanted, round(config["large"] * 1e6))
        broken = predict_all(predictor, todo, job, table)
    table.finish()
    _join(inputs, table, wanted, task)
    _say(len(todo) - broken, len(inputs) - len(todo), wanted)
    _say_found([table.rows[one.name] for one in inputs], task)
    if broken < len(inputs):
        _say_overlay(output, call.overrides, runs, drawn=wanted.overlay)
    if broken:
        _fail(f"{broken} of {len(inputs)} inputs", table.path)


def _say_beginning(runs: Sequence[SavedRun]) -> None:
    if runs[0].intensity in OF_GROUPS:
        cli.say(
            "warning: this run scales the images of a group together "
            f"(dataset.intensity={runs[0].intensity}); "
            "here each file is a group of its own, and its mask may be another"
        )
    if len(runs) > 1:
        choices = [run.config["choices"] for run in runs]
        unlike = [key for key in choices[0] if len({str(each.get(key)) for each in choices}) > 1]
        mixed = f", which differ in {', '.join(unlike)}" if unlike else ""
        cli.say(f"averaging {len(runs)} runs{mixed} …")
    cli.say("loading PyTorch …")


def _table(config: dict[str, Any], runs: Sequence[SavedRun], task: Task, wanted: Wanted) -> Table:
    """What was predicted so far, and what is told from other settings."""
    from segkit.inference.table import Table, columns, settings_hash

    # What the folders say of classes, size and network counts as much as their weights.
    files = [file for run in runs for file in (run.folder.config, run.folder.best)]
    settings = {key: config[key] for key in _SETTINGS} | task.settings | wanted.settings
    # Tables of earlier versions are without them.
    settings |= {key: config[key] for key in ("axes", "z") if config[key] is not None}
    return Table(
        wanted.folder / "predictions.csv",
        columns(task.described_by(), labels=task.labels),
        settings_hash(files, settings),
        overwrite=config["overwrite"],
    )


def _fail(counts: str, why: Path) -> NoReturn:
    print(f"error: {counts} could not be predicted; {why} says why", file=sys.stderr)
    raise SystemExit(1)


def _sources(given: Any, runs: list[Path]) -> list[tuple[str, object]]:
    """What is only read: the folders that were named."""
    several = given if isinstance(given, list) else [given]
    return [*(("input", each) for each in several), *(("run", path) for path in runs)]


def _check_taken(table: Table, inputs: list[Input], wanted: Wanted) -> None:
    """Refuse to overwrite what this prediction did not write."""
    from segkit.inference.ours import check_submission

    table.check(inputs, wanted)
    if wanted.rle:
        check_submission(wanted.folder)
    if wanted.labels:
        from segkit.inference.objects.joined import check_joined

        check_joined(wanted)


def _say_again(table: Table, todo: list[Input], wanted: Wanted, *, overwrite: bool) -> None:
    """Say what is predicted again for a file that it lacks; of other masks, drop what told."""
    from segkit.inference.ours import drop_submission

    lacking = [one for one in todo if not overwrite and table.done(one, wanted.alone())]
    anew = any(table.known(one) and one not in lacking for one in todo)
    if lacking:
        keys = " ".join(f"{kind}=true" for kind in wanted.asked)
        cli.say(f"images that lack files of {keys}: {len(lacking)}; predicting them again")
    if anew and not wanted.rle and drop_submission(wanted.folder):
        cli.say("submission.csv told of earlier masks, and is gone: rle=true writes it anew")


def _join(inputs: list[Input], table: Table, wanted: Wanted, task: Task) -> None:
    """Write the files of all images."""
    if wanted.labels:
        from segkit.inference.objects.joined import write_joined

        write_joined(inputs, table, wanted, task.classes[1])
    elif wanted.rle:
        from segkit.inference.submission import write_submission

        write_submission(inputs, table, wanted)


def _say(done: int, skipped: int, wanted: Wanted) -> None:
    there = f"; {skipped} were there already" if skipped else ""
    print(f"{done} predicted{there}: {wanted.folder}")
    if wanted.labels:
        print(f"objects measured: {wanted.folder}/objects.csv")
    asked = {
        "*_rois.zip": wanted.rois,
        "*.geojson": wanted.geojson,
        "coco.json": wanted.coco,
        "submission.csv": wanted.rle,
        "*_seg.dcm (each names its patient, as its image does)": wanted.dicom_seg,
    }
    if beside := [name for name, written in asked.items() if written]:
        print(f"beside it: {', '.join(beside)}")


def _say_found(rows: Sequence[Mapping[str, str]], task: Task) -> None:
    """How much was found, so that a prediction that found nothing is noticed at once."""
    found = [row for row in rows if row["status"] == "ok"]
    if task.labels and found:
        name = task.classes[1]
        print(f"{name}: {sum(int(row.get(f'{name}_objects') or 0) for row in found)} found")
    pixels = [f"{name}_pixels" for name in task.classes[1:]]
    empty = sum(not any(int(row.get(each) or 0) for each in pixels) for row in found)
    if empty:
        print(f"nothing was found in {empty} of {len(found)} inputs")


def _say_overlay(
    output: Path, overrides: Sequence[str], runs: Sequence[SavedRun], *, drawn: bool
) -> None:
    from segkit.imaging.channels import shown_as

    if drawn:
        taken = channels_of(runs[0].config["dataset"]["channels"])
        told = shown_as(taken if isinstance(taken, int) else max(taken) + 1)
        print(f"on the images: {output}/*_overlay.jpg" + f" ({told})" * bool(told))
    else:  # with it, what lacks one is predicted again
        kept = [each for each in overrides if not each.startswith("overlay=")]
        print(f"draw them on the images: {command('predict', *kept, 'overlay=true')}")


def main() -> None:
    """Entry point of ``segkit-predict``."""
    try:
        cli.run(lambda composed, call: predict(resolved(composed), call), "predict")
    except KeyboardInterrupt:
        print("stopped; the same command continues where it stopped", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
