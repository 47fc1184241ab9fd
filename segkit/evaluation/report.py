"""``report.html``: what a run folder holds, on one page that needs nothing else."""

import logging
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from segkit.config.keys import OF_A_MACHINE, OF_THE_CALL, key_of, within
from segkit.core.contracts import SPLITS, UNLABELLED
from segkit.core.files import write_text
from segkit.core.run_folder import RunFolder
from segkit.core.sources import data_name
from segkit.data.split_file import split_hash
from segkit.drawing import html
from segkit.drawing.curves import rate_in_words
from segkit.drawing.html import Html
from segkit.drawing.thumbnails import carried, series
from segkit.evaluation.report_scores import headline, is_finite, pictures, rows_of, scores, shown
from segkit.runs.loggers import flat_parameters

log = logging.getLogger(__name__)

# Base64 writes four characters for three bytes: with the text, less than 5 MB.
_PICTURES = 3_300_000
_TEXT = 100_000
_WARNINGS = 20
_CURVES = (
    "The dashed line is the best epoch. Training images may be augmented, validation images never "
    "are, so that val/loss may be the lower one."
)
_STRATA = 12


def report_or_warn(folder: RunFolder) -> None:
    """Write the report; whatever is wrong with it must not cost a finished training."""
    try:
        write_report(folder)
    except Exception:
        log.warning("report.html could not be written", exc_info=True)


def write_report(folder: RunFolder) -> Path:
    """Write ``report.html`` from the files of a run folder, as many as there are.

    Returns:
        Where it lies; below 5 MB, and nothing in it is fetched from elsewhere.

    Raises:
        SegkitError: the configuration is missing, or the folder cannot be written to.
    """
    config = folder.read_config()
    summary = folder.read_summary()
    drawn, size = pictures(folder)
    curves = carried(folder.curves, 250_000)
    sections = [
        headline(summary),
        *_warnings(folder.log),
        _training(folder, summary, curves, _PICTURES - size - len(curves[0] if curves else b"")),
        *scores(folder, summary),
        *drawn,
        _split(folder, summary),
        _configuration(config),
        _environment(summary),
        _again(config, summary),
    ]
    name, root, model = _names(config, summary)
    title = " · ".join(part for part in (name, model, _date(folder)) if part)
    data = f" on {root}" if root else ""
    write_text(
        folder.report, html.page(title, f"A training with segkit{data}, in {folder.path}", sections)
    )
    return folder.report


def _names(config: Mapping[str, Any], summary: Mapping[str, Any]) -> tuple[str, str, str]:
    """Of the data, where they lie, and of the model; a run that was cut off has no summary."""
    choices, saved = config.get("choices") or {}, config.get("dataset")
    data = dict(saved) if isinstance(saved, Mapping) else {}
    data |= summary.get("data") or {}
    known = data.get("name") or data.get("root")
    name = data_name(data) if known else choices.get("dataset") or "data set not named"
    return str(name), str(data.get("root") or ""), str(choices.get("model") or "")


def _date(folder: RunFolder) -> str:
    """Of the log's first line."""
    found = re.match(r"\d{4}-\d\d-\d\d", _read_log(folder.log)[:10])
    return found[0] if found else ""


def _read_log(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _training(
    folder: RunFolder, summary: Mapping[str, Any], curves: tuple[bytes, str] | None, most: int
) -> Html:
    parts = []
    rows = rows_of(folder.metrics)
    if curves:
        parts.append(html.picture(curves[0], _curves(rows), kind=curves[1]))
    names = ((re.fullmatch(r"epoch_(\d+)\.png", p.name), p) for p in folder.panels.glob("*.png"))
    paths = {int(match[1]): path for match, path in names if match}
    best = summary.get("best_epoch")
    kept = series(paths, best, most)
    if not kept:
        parts.append(html.paragraph("No panels were drawn." if not paths else "No panel fits."))
        return html.section("Training", *parts)
    monitor = str(summary.get("monitor") or "val/dice")
    values = {row.get("epoch"): row.get(monitor) for row in rows}
    frames = []
    for epoch, data in kept.items():
        value = values.get(str(epoch))
        score = f", {monitor} {shown(value)}" if value else ""
        label = f"epoch {epoch}{score}{' (best)' if epoch == best else ''}"
        frames.append(html.Slide(epoch, label, data))
    caption = "The same validation images in each epoch; Dice at the size of training."
    if len(kept) < len(paths):
        caption += (
            f" {len(kept)} of {len(paths)} epochs, evenly chosen to keep this page small;"
            " panels/ holds all of them."
        )
    jumps = {f"best epoch ({best})": best} if best in kept else {}
    if best is not None and not jumps:
        caption += f" There is no panel of the best epoch, {best}."
    start = best if best in kept else max(kept)
    return html.section("Training", *parts, html.slides(frames, caption, start=start, jumps=jumps))


def _curves(rows: Sequence[Mapping[str, str]]) -> str:
    rates = [{"lr": float(row["lr"])} for row in rows if is_finite(row.get("lr"))]
    rate = rate_in_words(rates)
    if rate is None:
        return f"Loss, score and learning rate. {_CURVES}"
    return f"Loss and score; learning rate {rate}. {_CURVES}"


def _split(folder: RunFolder, summary: Mapping[str, Any]) -> Html:
    rows = rows_of(folder.split)
    if not rows:
        return html.section("Split", html.paragraph("There is no split.csv.", kind="bad"))
    found = {str(row.get("split", "")) for row in rows}
    order = [name for name in (*SPLITS, UNLABELLED) if name in found]
    order += sorted(found - set(order))
    strata = sorted({str(row.get("stratum", "")) for row in rows} - {""})
    strata = strata if len(strata) <= _STRATA else []
    lines, homes = [], Counter[str]()
    for split in order:
        of_split = [row for row in rows if row.get("split", "") == split]
        groups = {str(row.get("group", "")) for row in of_split}
        homes.update(groups if split in SPLITS else ())
        counts = Counter(row.get("stratum", "") for row in of_split)
        lines.append((split, len(of_split), len(groups), *(counts[name] for name in strata)))
    shared = [group for group, homes_of in homes.items() if homes_of > 1]
    disjoint = "No group lies in two splits."
    apart = (
        html.paragraph(disjoint)
        if not shared
        else html.paragraph(
            f"{len(shared)} groups lie in more than one split, such as {shared[0]!r}.", kind="bad"
        )
    )
    parts = [html.table(("split", "records", "groups", *strata), lines), apart]
    digest = split_hash(folder.split.read_bytes().decode("utf-8", errors="replace"))
    parts.append(html.paragraph(f"Hash of split.csv: {digest}"))
    if summary.get("split_hash") not in (None, digest):
        words = f"split.csv has changed: the run was scored with {summary['split_hash']}."
        parts.append(html.paragraph(words, kind="bad"))
    return html.section("Split", *parts)


def _configuration(config: Mapping[str, Any]) -> Html:
    values = flat_parameters({"choices": {}} | dict(config), _given(config))
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    if len(text) > _TEXT:
        text = f"{text[:_TEXT]}\n… the rest is in config.yaml"
    return html.section(
        "Configuration",
        html.table(("key", "value"), [(key, str(value)) for key, value in values.items()]),
        html.preformatted(text, summary="config.yaml, in full"),
    )


def _given(config: Mapping[str, Any]) -> list[str]:
    """What was set for this run, in a sweep what it varies: of a report that is renewed, too."""
    given = config.get("overrides")
    keys = [key_of(str(each)) for each in given] if isinstance(given, list) else []
    return [key for key in keys if not within(key, (*OF_A_MACHINE, *OF_THE_CALL))]


def _environment(summary: Mapping[str, Any]) -> Html:
    hardware = summary.get("hardware") or {}
    gpus: Sequence[str] = hardware.get("gpus") or ()
    rows = [
        ("processor", f"{hardware.get('processor', 'unknown')}, {hardware.get('cores')} cores"),
        ("GPU", ", ".join(f"{n} × {name}" for name, n in Counter(gpus).items()) or "none"),
        ("system", hardware.get("system", "unknown")),
        ("precision", summary.get("precision", "unknown")),
        ("parameters", f"{summary.get('parameters') or 0:,}".replace(",", "\N{THIN SPACE}")),
        ("commit", summary.get("commit") or "not a checkout"),
        ("Python", summary.get("python", "unknown")),
        *((name, number or "unknown") for name, number in (summary.get("versions") or {}).items()),
    ]
    return html.section("Environment", html.table(("", "at training"), rows))


def _again(config: Mapping[str, Any], summary: Mapping[str, Any]) -> Html:
    overrides = config.get("overrides")
    choices = config.get("choices") or {}
    given = overrides if isinstance(overrides, list) else [f"{k}={v}" for k, v in choices.items()]
    command = shlex.join(["python", "-m", "segkit.train", *map(str, given)])
    where = "In the folder that it was begun in, to which relative paths refer:"
    parts = [html.paragraph(where), html.preformatted(command)]
    if not isinstance(overrides, list):
        words = "Its command line was not kept: these are the choices; config.yaml has every value."
        parts.append(html.paragraph(words))
    if str(summary.get("commit") or "").endswith("-dirty"):
        words = f"The checkout had changes beyond its commit, {summary['commit']}."
        parts.append(html.paragraph(words, kind="bad"))
    return html.section("Train it again", *parts)


def _warnings(path: Path) -> list[Html]:
    lines = [x for x in _read_log(path).splitlines() if re.search(r" (WARNING|ERROR) ", x[:60])]
    if not lines:
        return []
    more = f"\n… {len(lines) - _WARNINGS} more in train.log" if len(lines) > _WARNINGS else ""
    text = "\n".join(line[:500] for line in lines[:_WARNINGS]) + more
    return [html.section("Warnings while it ran", html.preformatted(text))]
