"""``comparison.html``: the tables, the conclusions and the pictures on one page."""

from collections.abc import Mapping

from segkit.comparison.comparison import Comparison
from segkit.comparison.plots import curves_plot, differences_plot, scores_plot
from segkit.comparison.shown import headings, number, sentences, shown_rows
from segkit.comparison.tables import run_rows
from segkit.drawing import html
from segkit.drawing.html import Html
from segkit.drawing.overlay import Picture, encode_png

_MEANING = (
    "Scores are means over {records}; images of one group are averaged first. Their 95 % intervals "
    "are bootstrap percentiles over {unit}: what other {unit} would change, for these very "
    "trainings; another seed may lie outside (the dots; their standard deviation is in the table). "
    "Differences are paired by {unit}; with several seeds their intervals take in what another "
    "seed would change too, which two seeds hardly tell. p is of Wilcoxon's signed-rank test, with "
    "several seeds of the resamples, and adjusted for all comparisons by Holm's method; the "
    "rank-biserial correlation, -1 to 1, is its effect size."
)
_FIRST, _LAST = (
    ("configuration", "seed", "fold", "best epoch"),
    ("images/s", "minutes", "split", "folder"),
)


def comparison_page(comparison: Comparison, sheets: Mapping[str, Picture], title: str) -> str:
    """The page; nothing in it is fetched from elsewhere.

    Args:
        comparison: to show.
        sheets: of :func:`segkit.comparison.pictures.disagreements`.
        title: the heading.
    """
    sections = [
        html.section("What can be concluded", *map(_sentence, sentences(comparison))),
        html.section("Configurations", _table(comparison), _meaning(comparison)),
        html.section("Scores", html.picture(scores_plot(comparison), "Scores; a dot is a seed")),
    ]
    if comparison.pairs:
        caption = "Differences from the baseline"
        sections.append(
            html.section("Differences", html.picture(differences_plot(comparison), caption))
        )
    caption = "Courses of training; a line a run"
    sections.append(html.section("Training", html.picture(curves_plot(comparison), caption)))
    if sheets:
        sections.append(_disagreements(sheets))
    sections.append(html.section("Runs", _runs(comparison)))
    names = f"{len(comparison.configurations)} configurations, {comparison.records} test images"
    return html.page(title, names, sections)


def _sentence(words: str) -> Html:
    return html.paragraph(f"{words[0].upper()}{words[1:]}.")


def _meaning(comparison: Comparison) -> Html:
    records = f"{comparison.records} test images"
    if len(comparison.groups) < comparison.records:
        records = f"the {len(comparison.groups)} groups of {records}"
    words = _MEANING.format(records=records, unit=comparison.unit)
    return html.paragraph(words, kind="faint")


def _table(comparison: Comparison) -> Html:
    return html.table(headings(comparison), shown_rows(comparison))


def _runs(comparison: Comparison) -> Html:
    scores = list(comparison.configurations[0].scores)
    rows = [
        (
            row["configuration"],
            row["seed"],
            "" if row["fold"] is None else row["fold"],
            "" if row["best_epoch"] is None else row["best_epoch"],
            *(number(row[name], ".4f") for name in scores),
            number(row["images_per_second"], ".1f"),
            number(row["minutes"], ".1f"),
            row["split_hash"],
            row["folder"],
        )
        for row in run_rows(comparison)
    ]
    return html.table((*_FIRST, *scores, *_LAST), rows)


def _disagreements(sheets: Mapping[str, Picture]) -> Html:
    words = "The images whose scores lie furthest apart, predicted anew by the first seed of each."
    pictures = [html.picture(encode_png(sheet), name) for name, sheet in sheets.items()]
    return html.section("Where they disagree", html.paragraph(words, kind="faint"), *pictures)
