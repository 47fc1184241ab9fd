"""A comparison as tables: CSV for programs, Markdown and LaTeX to paste."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from segkit.comparison import Comparison, Configuration, Pair
from segkit.intervals import mean_where_defined
from segkit.run_scores import RunScores

RUN_COLUMNS = (
    "configuration",
    "seed",
    "fold",
    "best_epoch",
    "epochs",
    "dice",
    "iou",
    "parameters",
    "flops",
    "images_per_second",
    "minutes",
    "split_hash",
    "folder",
)
Row = dict[str, Any]


def configuration_rows(comparison: Comparison) -> list[Row]:
    """The rows of ``comparison.csv``: a configuration each, the baseline first.

    ``difference`` and what follows is of :attr:`Comparison.score`, against the baseline.
    """
    pairs: dict[str, Pair] = {pair.name: pair for pair in comparison.pairs}
    return [_row(each, pairs.get(each.name)) for each in comparison.configurations]


def _row(each: Configuration, pair: Pair | None) -> Row:
    runs = [run for seed in each.runs for run in seed]
    row: Row = {"configuration": each.name, **each.varied, "seeds": len(each.runs)}
    for score, values_SG in (("dice", each.dice_SG), ("iou", each.iou_SG)):
        means = mean_where_defined(values_SG.T)
        low, high = each.intervals[score]
        row |= {score: float(means.mean()), f"{score}_low": low, f"{score}_high": high}
        row[f"{score}_between_seeds"] = float(means.std(ddof=1)) if len(means) > 1 else math.nan
    row |= {
        "best_epoch": "/".join(str(run.summary.get("best_epoch")) for run in runs),
        "parameters": runs[0].summary.get("parameters"),
        "flops": runs[0].summary.get("flops"),
        "images_per_second": median(_pace(run) for run in runs),
        "minutes": sum(_minutes(run) for run in runs) / len(runs),
    }
    if pair is not None:
        found, effects = pair.found, pair.effects
        row |= {
            "difference": found.difference,
            "difference_low": found.low,
            "difference_high": found.high,
            "p": found.p,
            "p_holm": pair.p_holm,
            "wilcoxon_p": effects.p,
            "d_z": effects.d_z,
            "rank_biserial": effects.rank_biserial,
            "n": found.n,
            "verdict": pair.verdict,
        }
    return row


def run_rows(comparison: Comparison) -> list[Row]:
    """A row a run, with the columns :data:`RUN_COLUMNS`."""
    rows: list[Row] = []
    for each in comparison.configurations:
        for run in (run for seed in each.runs for run in seed):
            test = run.summary["test"]["all"]
            figures = {
                key: run.summary.get(key)
                for key in ("best_epoch", "epochs", "parameters", "flops", "split_hash")
            }
            rows.append(
                {
                    "configuration": each.name,
                    "seed": run.seed,
                    "fold": run.fold,
                    "dice": test["dice"],
                    "iou": test["iou"],
                    "images_per_second": _pace(run),
                    "minutes": _minutes(run),
                    "folder": str(run.folder),
                    **figures,
                }
            )
    return rows


def _pace(run: RunScores) -> float:
    paces = [row["images_per_second"] for row in run.metrics() if "images_per_second" in row]
    return median(paces) if paces else math.nan


def _minutes(run: RunScores) -> float:
    return float(run.summary.get("wall_seconds") or math.nan) / 60


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV with the columns of all rows, in the order in which they first appear."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    undefined = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if undefined else value


HEADINGS = (
    "",
    "runs",
    "dice",
    "IoU",
    "between seeds",
    "difference",
    "p (Holm)",
    "parameters",
    "GFLOPs",
    "images/s",
    "minutes",
)


def shown_rows(comparison: Comparison) -> list[list[str]]:
    """The table as people read it, under :data:`HEADINGS`."""
    return [_shown(row) for row in configuration_rows(comparison)]


def _shown(row: Row) -> list[str]:
    beside = "difference" in row
    return [
        str(row["configuration"]),
        str(row["seeds"]),
        _interval(row, "dice"),
        _interval(row, "iou"),
        number(row["dice_between_seeds"], ".3f"),
        _interval(row, "difference", sign="+") if beside else "baseline",
        number(row["p_holm"], ".3g") if beside else "",
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
    rows = [HEADINGS, ["---"] * len(HEADINGS), *shown_rows(comparison)]
    table = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    words = "\n".join(f"- {sentence}." for sentence in sentences(comparison))
    return f"{table}\n\n{words}\n"


def latex(comparison: Comparison) -> str:
    """A table for the ``booktabs`` package, with the conclusions as a comment."""
    rows = [" & ".join(_escaped(cell) for cell in row) for row in shown_rows(comparison)]
    heading = " & ".join(_escaped(name) for name in HEADINGS)
    columns = "l" + "r" * (len(HEADINGS) - 1)
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
    if not comparison.pairs:
        only = comparison.configurations[0]
        means = mean_where_defined(getattr(only, f"{comparison.score}_SG").T)
        if len(means) < 2:
            return ["there is one configuration, which is compared with nothing"]
        spread = f"{means.min():.3f} to {means.max():.3f}"
        return [
            f"one configuration, {len(means)} seeds: {comparison.score} {means.mean():.3f}, from "
            f"{spread}, standard deviation between seeds {means.std(ddof=1):.3f}"
        ]
    words = [pair.words for pair in comparison.pairs]
    if len(comparison.groups) < 10:
        words.append(
            f"{len(comparison.groups)} {comparison.unit} are few: such intervals are too narrow"
        )
    if all(len(each.runs) == 1 for each in comparison.configurations):
        words.append(
            "each configuration was trained once: what another seed would change is not in these "
            "intervals (train with -m seed=1,2,3)"
        )
    return words
