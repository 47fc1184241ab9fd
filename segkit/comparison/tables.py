"""A comparison as tables for programs."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from segkit.comparison.comparison import Comparison, Pair
from segkit.comparison.configurations import Configuration
from segkit.comparison.run_scores import RunScores, image_scores
from segkit.core.tables import table_text

Row = dict[str, Any]


def configuration_rows(comparison: Comparison) -> list[Row]:
    """The rows of ``comparison.csv``: a configuration each, the baseline first.

    ``dice`` and ``iou`` are those of ``evaluation.csv``, of several seeds their mean.
    ``difference`` and what follows is of :attr:`Comparison.score`, against the baseline: of the
    groups' scores, each group counting once.
    """
    pairs: dict[str, Pair] = {pair.name: pair for pair in comparison.pairs}
    return [_row(each, pairs.get(each.name)) for each in comparison.configurations]


def _row(each: Configuration, pair: Pair | None) -> Row:
    runs = [run for seed in each.runs for run in seed]
    row: Row = {"configuration": each.name, **each.differing, "seeds": len(each.runs)}
    for score, means in each.means_S.items():
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
            "left_out": found.left_out,
            "verdict": pair.verdict,
        }
    return row


def class_rows(comparison: Comparison) -> list[Row]:
    """The rows of ``comparison_classes.csv``: a foreground class of a configuration each.

    Scores are means over images (or groups, where these are scored), of several seeds their mean,
    of a cross-validation over all folds. None where there is a single class.
    """
    names = comparison.configurations[0].runs[0][0].classes
    rows: list[Row] = []
    for each in comparison.configurations if len(names) > 1 else ():
        for place, name in enumerate(names):
            row: Row = {"configuration": each.name, "class": name}
            for score, found in each.by_class.items():
                middle, low, high = (float(value) for value in found[place])
                row |= {score: middle, f"{score}_low": low, f"{score}_high": high}
            rows.append(row)
    return rows


def run_rows(comparison: Comparison) -> list[Row]:
    """The rows of ``comparison_runs.csv``: a run each."""
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
                    "fold": run.fold if run.left_out is None else run.left_out,
                    **{score: test[score] for score in run.task.headline},
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
    seconds = run.summary.get("wall_seconds")
    return math.nan if seconds is None else float(seconds) / 60


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV with the columns of all rows, in the order in which they first appear."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return table_text(columns, rows)


def fold_rows(comparison: Comparison) -> list[Row]:
    """The rows of ``out_of_fold.csv``: each image as the run scored it that it did not train."""
    rows: list[Row] = []
    for each in comparison.configurations:
        for run in (run for seed in each.runs for run in seed if run.fold is not None):
            by_score = {score: image_scores(run, score) for score in run.task.headline}
            for place, name in enumerate(run.ids):
                about = {"configuration": each.name, "seed": run.seed, "fold": run.fold}
                scores = {score: float(values[place]) for score, values in by_score.items()}
                rows.append({**about, "id": name, "group": run.groups[place], **scores})
    return rows
