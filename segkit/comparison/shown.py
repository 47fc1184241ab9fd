"""A comparison as people read it: a table, Markdown and LaTeX to paste, and sentences."""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from segkit.comparison.comparison import Comparison
from segkit.comparison.configurations import Configuration
from segkit.comparison.run_scores import RunScores
from segkit.comparison.tables import Row, class_rows, configuration_rows
from segkit.core.shell import command, relative
from segkit.core.terminal import console, show_line, show_table

_DIFFERENCE = "difference"
_SHOWN = 20  # rows of the table of classes in a terminal


def headings(comparison: Comparison) -> list[str]:
    """Of the table as people read it."""
    task = comparison.configurations[0].runs[0][0].task
    scores = [task.words.title.get(name, name) for name in task.headline]
    return [
        "",
        "runs",
        *scores,
        "sd of seeds",
        _DIFFERENCE,
        "p (Holm)",
        "rank-biserial",
        "parameters",
        "GFLOPs",
        "images/s",
        "minutes",
    ]


def shown_rows(comparison: Comparison) -> list[list[str]]:
    """The table as people read it, under :func:`headings`."""
    scores = list(comparison.configurations[0].scores)
    rows = [_shown(row, scores) for row in configuration_rows(comparison)]
    for row, each in zip(rows, comparison.configurations, strict=True):
        folds = max(len(seed) for seed in each.runs)
        row[1] += f" × {folds} folds" if folds > 1 else ""
    if not comparison.pairs:
        rows[0][headings(comparison).index(_DIFFERENCE)] = ""  # of nothing
    return rows


def shown_classes(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the table of classes; no row where there is a single class."""
    task = comparison.configurations[0].runs[0][0].task
    names = comparison.configurations[0].by_class
    titles = [task.words.title.get(name, name) for name in names]
    rows = [
        [row["configuration"], row["class"], *(_interval(row, name) for name in names)]
        for row in class_rows(comparison)
    ]
    return ["configuration", "class", *titles], rows


def _shown(row: Row, scores: Sequence[str]) -> list[str]:
    beside = "difference" in row
    return [
        str(row["configuration"]),
        str(row["seeds"]),
        *(_interval(row, name) for name in scores),
        number(row[f"{scores[0]}_between_seeds"], ".3f"),
        _interval(row, "difference", sign="+") if beside else "baseline",
        number(row["p_holm"], ".3g") if beside else "",
        number(row["rank_biserial"], "+.2f") if beside else "",
        number(_scaled(row["parameters"], 1e6), ".1f", " M"),
        number(_scaled(row["flops"], 1e9), ".2f"),
        number(row["images_per_second"], ".0f"),
        number(row["minutes"], ".1f"),
    ]


def _interval(row: Row, name: str, sign: str = "") -> str:
    middle = number(row[name], f"{sign}.3f")
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if math.isnan(low):
        return middle
    return f"{middle} [{number(low, f'{sign}.3f')}, {number(high, f'{sign}.3f')}]"


def number(value: Any, form: str, unit: str = "") -> str:
    """A number in this format; empty where it is missing."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:{form}}{unit}"


def _scaled(value: Any, by: float) -> float | None:
    return None if value is None else float(value) / by


def markdown(comparison: Comparison) -> str:
    """The table and the conclusions in Markdown."""
    names = headings(comparison)
    rows = [names, ["---"] * len(names), *shown_rows(comparison)]
    table = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    words = "\n".join(f"- {words[0].upper()}{words[1:]}." for words in sentences(comparison))
    return f"{table}\n\n{words}\n"


def latex(comparison: Comparison) -> str:
    """A table for the ``booktabs`` package, with the conclusions as a comment."""
    rows = [" & ".join(_escaped(cell) for cell in row) for row in shown_rows(comparison)]
    names = headings(comparison)
    heading = " & ".join(_escaped(name) for name in names)
    columns = "l" + "r" * (len(names) - 1)
    lines = [
        *(f"% {sentence}." for sentence in sentences(comparison)),
        f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule",
        f"{heading} \\\\",
        "\\midrule",
        *(f"{row} \\\\" for row in rows),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
    return "".join(special.get(sign, sign) for sign in text)


def sentences(comparison: Comparison) -> list[str]:
    """What can be concluded, a sentence a pair, without full stops."""
    apart = [told for each in comparison.configurations if (told := _apart(each, comparison))]
    if not comparison.pairs:
        return [_alone(comparison), *apart]
    words = [*(pair.words for pair in comparison.pairs), *apart]
    if len(comparison.groups) < 10:
        words.append(
            f"{len(comparison.groups)} {comparison.unit} are few: such intervals are too narrow"
        )
    left_out = max(pair.found.left_out for pair in comparison.pairs)
    if left_out:
        words.append(
            f"up to {left_out} {comparison.unit} are left out: an empty ground truth left empty "
            "has no score, so that what was drawn on it by others is not compared"
        )
    if any(run.fold is not None for run in comparison.configurations[0].runs[0]):
        words.append(
            "images of one fold share a network: intervals over folds are somewhat too narrow"
        )
    if all(len(each.runs) == 1 for each in comparison.configurations):
        words.append(
            "each configuration was trained once: what another seed would change is not in these "
            "intervals (train with -m seed=1,2,3)"
        )
    return words


def _apart(each: Configuration, comparison: Comparison) -> str:
    """What the configuration scores on each group that was left out of training, in turn."""
    found: dict[str, list[float]] = {}
    for run in (run for seed in each.runs for run in seed if run.left_out is not None):
        score = run.summary["test"]["all"][comparison.score]  # None where nothing was to be found
        found.setdefault(run.left_out or "none", []).extend([] if score is None else [score])
    told = ", ".join(
        f"{name} {number(mean(scores), '.3f') if scores else 'undefined'}"
        for name, scores in found.items()
    )
    what = f"{each.name}, {comparison.title} on what was left out of training"
    return f"{what}: {told}" if told else ""


def _alone(comparison: Comparison) -> str:
    """Of a single configuration: its score, and how far seeds move it."""
    only = comparison.configurations[0]
    means = only.means_S[comparison.score]
    low, high = only.intervals[comparison.score]
    folds = max(len(seed) for seed in only.runs)
    how = f" out of {folds} folds" if folds > 1 else ""
    words = (
        f"one configuration: {comparison.title} {means.mean():.3f} [{low:.3f}, {high:.3f}] on "
        f"{len(comparison.groups)} {comparison.unit}{how}"
    )
    if len(means) < 2:
        return words
    spread = f"{means.min():.3f} to {means.max():.3f}"
    return f"{words}; {len(means)} seeds from {spread}, standard deviation {means.std(ddof=1):.3f}"


def show_comparison(comparison: Comparison, output: Path) -> None:
    """The table, the conclusions, where the page lies, and next steps."""
    out = console()
    show_table(out, headings(comparison), shown_rows(comparison), words=("",))
    names, classes = shown_classes(comparison)
    if 0 < len(classes) <= _SHOWN:  # the page has all of them
        show_table(out, names, classes, words=("configuration", "class"))
    for words in sentences(comparison):
        show_line(out, f"{words[0].upper()}{words[1:]}.")
    show_line(out, f"page: {output / 'comparison.html'}")
    best = _best(comparison)
    what, asked = best.task.words.further
    as_judged = [] if best.task.name == best.config["task"] else [f"score_as={best.task.name}"]
    further = command("evaluate", f"run={relative(best.folder)}", *as_judged, *asked)
    show_line(out, f"{what} of the best: {further}")


def _best(comparison: Comparison) -> RunScores:
    """The first run of the configuration with the best score."""
    scores = [float(row[comparison.score]) for row in configuration_rows(comparison)]
    ranked = [-1.0 if math.isnan(score) else score for score in scores]
    return comparison.configurations[ranked.index(max(ranked))].runs[0][0]
