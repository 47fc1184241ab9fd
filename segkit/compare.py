"""``python -m segkit.compare``: finished runs side by side, and what can be concluded."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.plain import resolved
from segkit.config.values import COMPARE
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.core.sources import check_apart
from segkit.core.values import check
from segkit.runs import cli

if TYPE_CHECKING:
    from segkit.comparison.comparison import Comparison
    from segkit.comparison.run_scores import RunScores
    from segkit.drawing.overlay import Picture


def compare(config: dict[str, Any]) -> None:
    """Compare as configured, and write it down.

    Raises:
        SegkitError: no runs, or runs that cannot be compared.
    """
    _check(config)
    folders = _folders(config)
    output = _output(config)
    check_apart(output, [("runs", folder) for folder in folders], key="output")
    comparison = _compared(folders, config)

    from segkit.comparison.shown import show_comparison

    sheets = _pictures(comparison, config)
    _write(output, comparison, sheets)
    show_comparison(comparison, output)


def compared(config: dict[str, Any]) -> Comparison:
    """The same; nothing is written."""
    _check(config)
    return _compared(_folders(config), config)


def _compared(folders: Sequence[Path], config: dict[str, Any]) -> Comparison:
    from segkit.comparison.comparison import compare_runs

    return compare_runs(
        _read(folders, config["allow_targets"]),
        baseline=None if config["baseline"] is None else str(config["baseline"]),
        score=None if config["score"] is None else str(config["score"]),
        seed=config["seed"],
        common=config["common"],
    )


def _check(config: dict[str, Any]) -> None:
    if (config["folder"] is None) == (config["runs"] is None):
        raise SegkitError(
            "name what is to be compared",
            where="sweep=, runs=",
            remedy="sweep=DIR for all runs in a folder, or runs=[DIR,DIR]",
        )
    check(config, COMPARE)


def _folders(config: dict[str, Any]) -> list[Path]:
    """Of the runs that were named, or of all that lie in the sweep's folder, in their order."""
    if config["runs"] is not None:
        named = config["runs"] if isinstance(config["runs"], list) else [config["runs"]]
        return [RunFolder(each).path for each in named]
    sweep = RunFolder(config["folder"]).path
    # Where this is, a run was begun; loggers keep configurations of their own below it.
    jobs = [RunFolder(path) for path in sorted(sweep.iterdir())] if sweep.is_dir() else []
    marked = {job.path for job in jobs if job.log.exists()}
    for job in jobs if marked else ():
        if job.path not in marked and job.error.exists():
            why = job.error.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
            print(f"left out: {job.path}: the job failed: {why}")
    if not marked:
        raise SegkitError(
            "there is no run in this folder" if sweep.is_dir() else "there is no such folder",
            where=f"sweep={sweep}",
            remedy="name the folder that python -m segkit.train -m … has written",
        )
    return sorted(marked, key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Job 10 comes after job 9."""
    return [(int(p) if p.isdigit() else -1, p) for p in path.name.replace("_", "-").split("-")]


def _read(folders: Sequence[Path], allow_targets: Sequence[str]) -> list[RunScores]:
    """The finished ones; of a sweep the others are named and left out.

    Runs of several tasks are read by the scores of the one that can judge all of them.
    """
    from segkit.comparison.run_scores import read_scores
    from segkit.tasks.named import common_judge

    runs, problems = [], []
    for folder in folders:
        try:
            runs.append(read_scores(folder, allow_targets))
        except SegkitError as error:
            problems.append(error)
    if problems and len(runs) < 2:
        raise problems[0]
    judge = common_judge([run.task for run in runs])
    runs = [
        read_scores(run.folder, allow_targets, judge) if judge not in (None, run.task.name) else run
        for run in runs
    ]
    for problem in problems:
        print(f"left out: {problem.where}: {problem.what} ({problem.remedy})")
    return runs


def _output(config: dict[str, Any]) -> Path:
    if config["output"] is not None:
        return RunFolder(config["output"]).path
    if config["folder"] is not None:
        return RunFolder(config["folder"]).path
    return Path.cwd() / "outputs" / "comparisons" / time.strftime("%Y-%m-%d_%H-%M-%S")


def _pictures(comparison: Comparison, config: dict[str, Any]) -> dict[str, Picture]:
    """The rest is worth having without them: the data may be elsewhere by now."""
    if not config["pictures"]:
        return {}
    from segkit.comparison.pictures import disagreements

    try:
        return disagreements(comparison, config["pictures"])
    except SegkitError as error:
        print(f"no pictures: {error.what} ({error.where})")
        return {}


def _write(output: Path, comparison: Comparison, sheets: dict[str, Picture]) -> None:
    from segkit.comparison.page import comparison_page
    from segkit.comparison.shown import latex, markdown
    from segkit.comparison.tables import (
        class_rows,
        configuration_rows,
        csv_text,
        fold_rows,
        run_rows,
    )
    from segkit.core.files import write_text

    title = f"Comparison: {output.name}"
    write_text(output / "comparison.csv", csv_text(configuration_rows(comparison)))
    write_text(output / "comparison_runs.csv", csv_text(run_rows(comparison)))
    if classes := class_rows(comparison):
        write_text(output / "comparison_classes.csv", csv_text(classes))
    if folds := fold_rows(comparison):
        write_text(output / "out_of_fold.csv", csv_text(folds))
    write_text(output / "comparison.md", markdown(comparison))
    write_text(output / "comparison.tex", latex(comparison))
    write_text(output / "comparison.html", comparison_page(comparison, sheets, title))


def main() -> None:
    """Entry point of ``segkit-compare``."""
    # Hydra would take the name for that of its group, conf/sweep/.
    sys.argv[1:] = [re.sub(r"^sweep=", "folder=", given) for given in sys.argv[1:]]
    cli.run(lambda composed, _: compare(resolved(composed)), "compare")


if __name__ == "__main__":
    main()
