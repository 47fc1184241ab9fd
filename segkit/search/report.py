"""What a study has found: a table of its trials as CSV and at the terminal, and two plots."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.ticker import MaxNLocator
from optuna import Study, importance
from optuna.trial import FrozenTrial

from segkit.core.files import write_text
from segkit.core.quoting import written
from segkit.core.shell import command, relative
from segkit.core.tables import table_text
from segkit.core.terminal import console, show_table
from segkit.drawing.plots import BLUE, FAINT, GREEN, INK, ORANGE, figure, save, style
from segkit.search.space import as_overrides
from segkit.search.storage import FOLDER, MINUTES, REASON

_ENOUGH = 4  # trials, below which importances say nothing
_SHOWN = 10  # trials in the terminal's table


def ranked(study: Study) -> list[FrozenTrial]:
    """Trials that have ended, the best first: complete, then pruned, then failed."""
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    order = {"COMPLETE": 0, "PRUNED": 1, "FAIL": 2}

    def key(trial: FrozenTrial) -> tuple[int, float, int]:
        value = _value(trial)
        worst = value is None or math.isnan(value)
        return order[trial.state.name], math.inf if worst else sign * (value or 0.0), trial.number

    known = [t for t in study.get_trials(deepcopy=False) if t.state.name in order]
    return sorted(known, key=key)


def best(study: Study) -> FrozenTrial | None:
    """The complete trial of the best score, if there is one."""
    return next((t for t in ranked(study) if t.state.name == "COMPLETE"), None)


def _value(trial: FrozenTrial) -> float | None:
    if trial.state.name == "PRUNED" and trial.value is None:
        last = trial.last_step
        return None if last is None else trial.intermediate_values[last]
    return trial.value


def write_report(study: Study, folder: Path, monitor: str) -> list[str]:
    """Write ``trials.csv``, ``history.png`` and ``importances.png``, as far as there is enough.

    Returns:
        What could not be drawn, in words.
    """
    write_text(folder / "trials.csv", trials_csv(study))
    without = []
    if not history(study, folder / "history.png", monitor):
        without.append("no history.png yet: no trial has a score")
    if not importances(study, folder / "importances.png", monitor):
        without.append(
            f"no importances.png yet: that takes {_ENOUGH} complete trials of different scores"
        )
    return without


def trials_csv(study: Study) -> str:
    """All trials by number; a column for each key."""
    trials = sorted(study.get_trials(deepcopy=False), key=lambda trial: trial.number)
    keys = sorted({key for trial in trials for key in trial.params})
    columns = ("trial", "state", "value", "epochs", MINUTES, *keys, FOLDER, REASON)
    return table_text(columns, [_row(trial, keys) for trial in trials])


def _row(trial: FrozenTrial, keys: Sequence[str]) -> list[object]:
    value = _value(trial)
    return [
        trial.number,
        trial.state.name.lower(),
        "" if value is None else f"{value:.6g}",
        len(trial.intermediate_values) or "",
        trial.user_attrs.get(MINUTES, ""),
        *(written(trial.params[key]) if key in trial.params else "" for key in keys),
        trial.user_attrs.get(FOLDER, ""),
        _reason(trial),
    ]


def _reason(trial: FrozenTrial) -> str:
    if trial.state.name != "FAIL":
        return ""
    return str(trial.user_attrs.get(REASON, "its process is gone; its values are tried again"))


def history(study: Study, path: Path, monitor: str) -> bool:
    """Draw every trial's score, and the best so far; whether there was any."""
    scored = [t for t in study.get_trials(deepcopy=False) if _scored(t)]
    if not scored:
        return False
    plot = figure(9, 4)
    axes = plot.add_subplot()
    style(axes, f"{monitor} of each trial", "trial", monitor)
    for state, colour, name in (("COMPLETE", BLUE, "complete"), ("PRUNED", ORANGE, "pruned")):
        of_it = [t for t in scored if t.state.name == state]
        if of_it:
            numbers, values = [t.number for t in of_it], [_value(t) or 0.0 for t in of_it]
            axes.plot(numbers, values, "o", color=colour, markersize=5, label=name)
    complete = [t for t in scored if t.state.name == "COMPLETE"]
    if complete:
        better = max if study.direction.name == "MAXIMIZE" else min
        values = [_value(t) or 0.0 for t in complete]
        so_far = [better(values[: n + 1]) for n in range(len(values))]
        numbers = [t.number for t in complete]
        axes.step(numbers, so_far, where="post", color=GREEN, linewidth=1.8, label="best so far")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, labelcolor=INK)
    save(plot, path)
    return True


def _scored(trial: FrozenTrial) -> bool:
    value = _value(trial) if trial.state.name in ("COMPLETE", "PRUNED") else None
    return value is not None and math.isfinite(value)


def importances(study: Study, path: Path, monitor: str) -> bool:
    """Draw how much of the score each key explains; whether there were trials enough."""
    found = _importances(study)
    if not found:
        return False
    names, shares = list(found)[::-1], list(found.values())[::-1]
    plot = figure(9, 1.2 + 0.4 * len(names))
    axes = plot.add_subplot()
    style(axes, f"share of {monitor} that each key explains", "share")
    bars = axes.barh(names, shares, color=BLUE, height=0.6)
    axes.bar_label(bars, [f"{share:.2f}" for share in shares], padding=4, color=FAINT)
    axes.set_xlim(0, 1.08)
    axes.grid(visible=False, axis="y")
    save(plot, path)
    return True


def _importances(study: Study) -> Mapping[str, float]:
    complete = [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
    if len(complete) < _ENOUGH or len({t.value for t in complete}) == 1:
        return {}
    try:
        found = importance.get_param_importances(study)
    except (ValueError, RuntimeError, ArithmeticError):
        return {}  # such as keys that all had one value
    return {key: share for key, share in found.items() if math.isfinite(share)}


def show(study: Study, folder: Path, monitor: str, given: Sequence[str], *, seed: int) -> None:
    """Print the best trials, and what to do with the best of them.

    Args:
        study: with or without trials.
        folder: of the sweep.
        monitor: what the value is.
        given: the user's own arguments, which all trials share.
        seed: of all trials.
    """
    trials = ranked(study)
    out = console()
    keys = sorted({key for trial in trials for key in trial.params})
    title = f"the best of {len(trials)} trials" if len(trials) > _SHOWN else ""
    headings = ("trial", monitor, *keys, "state", MINUTES, FOLDER)
    rows = [_cells(trial, keys) for trial in trials[:_SHOWN]]
    if rows:
        show_table(out, headings, rows, words=(*keys, "state", FOLDER), title=title)
    for trial in trials:
        if trial.state.name == "FAIL":
            print(f"trial {trial.number} failed: {_reason(trial)}")
    print(f"all trials: {relative(folder / 'trials.csv')}")
    if (first := best(study)) is not None:
        kept = [each for each in given if not each.startswith("seed=")]
        values = [*kept, *as_overrides(first.params), f"seed={seed + 1}"]
        print(f"the best again, with another seed: {command('train', *values)}")
        run = f"run={relative(str(first.user_attrs.get(FOLDER, '?')))}"
        print(f"score the best: {command('evaluate', run)}")


def _cells(trial: FrozenTrial, keys: Sequence[str]) -> list[str]:
    value: Any = _value(trial)
    return [
        str(trial.number),
        "" if value is None else f"{value:.4f}",
        *(_short(trial.params.get(key)) for key in keys),
        trial.state.name.lower(),
        str(trial.user_attrs.get(MINUTES, "")),
        relative(str(trial.user_attrs.get(FOLDER, ""))),
    ]


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
