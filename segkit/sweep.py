"""``python -m segkit.sweep study=NAME``: search a configuration by training with many."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.keys import ONCE_DEFAULT, flatten, key_of
from segkit.config.plain import resolved
from segkit.core.sources import data_name
from segkit.runs import cli
from segkit.runs.build import build_reader
from segkit.runs.call import Call
from segkit.runs.checks import check_training
from segkit.runs.keep_apart import named_sources
from segkit.search.request import (
    check_folder,
    check_request,
    dry_run,
    of_training,
    shared,
)
from segkit.search.space import Scalar, Space, as_overrides, as_plain, read_space
from segkit.search.storage import (
    FOLDER,
    MINUTES,
    PROCESS,
    PRUNED,
    REASON,
    STORAGE,
    cannot_use,
    check_storage,
    sqlite,
)

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial


def sweep(config: dict[str, Any], call: Call) -> bool:
    """Run the study as configured; false where trials failed until it gave up.

    Raises:
        SegkitError: the configuration, the space or the study is wrong.
    """
    check_request(config, multirun=call.multirun)
    given = of_training(call.overrides)
    space = read_space(config["sweep"], config["space"], [key_of(each) for each in given])
    check_training(config)
    if config["storage"]:
        check_storage(str(config["storage"]), named_sources(config))
    dry_run(space, given)
    build_reader(config).listing()

    from segkit.search.backends import AWAY
    from segkit.search.study import begun_with, open_study

    folder = call.output.resolve()
    address = str(config["storage"] or sqlite(str(folder / "study.db")))
    facts = {
        "search space": as_plain(space),
        "monitor": config["monitor"],
        "data set": data_name(config["dataset"]),
        "configuration": shared(given),
        **{key: flatten(config).get(key) for key in ONCE_DEFAULT if key not in space},
    }
    study = open_study(address, str(config["study"]), mode=config["mode"], facts=facts)
    try:
        check_folder(study, folder)
        kept = begun_with(study, config, [*map(key_of, given), *space])
        if kept:
            print(f"as when this study began: {' '.join(kept)}", flush=True)
        call = replace(call, overrides=(*call.overrides, *kept))
        return _run(study, config, space, folder=folder, address=address, call=call)
    except AWAY as error:
        raise cannot_use(address, error) from error


def _run(
    study: Study,
    config: Mapping[str, Any],
    space: Space,
    *,
    folder: Path,
    address: str,
    call: Call,
) -> bool:
    """Trials until there are enough of them; then, however it ended, what they have found."""
    from segkit.core.shell import relative
    from segkit.search.report import write_report
    from segkit.search.study import run_study

    monitor, n_trials = str(config["monitor"]), int(config["n_trials"])

    def objective(trial: Trial, values: Mapping[str, Scalar]) -> float:
        print(f"trial {trial.number}: {' '.join(as_overrides(values))}", flush=True)
        return _train(trial, values, config, folder=folder, address=address, call=call)

    def after(trial: FrozenTrial) -> None:
        _tell(trial, monitor)
        write_report(study, folder, monitor)

    print(f"study {study.study_name}: {n_trials} trials, in {relative(folder)}", flush=True)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    try:
        try:
            ended_by = run_study(
                study,
                objective,
                space,
                sampler=config["sampler"],
                seed=config["seed"],
                n_trials=n_trials,
                minutes=config["timeout"],
                after=after,
            )
            stopped = False
        except KeyboardInterrupt:
            ended_by, stopped = "stopped", True
        _conclude(study, folder, config, ended_by, given=of_training(call.overrides))
    finally:
        signal.signal(signal.SIGTERM, before)
    if stopped:
        raise SystemExit(128 + signal.SIGINT)
    return not ended_by or ended_by.startswith("the time")


def _conclude(
    study: Study, folder: Path, config: Mapping[str, Any], ended_by: str, *, given: list[str]
) -> None:
    """What the study has found, and what is left to do."""
    from segkit.search.report import show, write_report
    from segkit.search.study import counts

    for missing in write_report(study, folder, str(config["monitor"])):
        print(missing)
    show(study, folder, str(config["monitor"]), given, seed=int(config["seed"]))
    found = counts(study)
    if ended_by:
        finished = found["complete"] + found["pruned"]
        print(
            f"{ended_by}: {finished} of {config['n_trials']} trials have finished; "
            "the same command resumes"
        )


def _train(
    trial: Trial,
    values: Mapping[str, Scalar],
    config: Mapping[str, Any],
    *,
    folder: Path,
    address: str,
    call: Call,
) -> float:
    """One training, as ``segkit.train`` does it with the values of a trial; its score."""
    from optuna import TrialPruned

    from segkit.search.trial import score, train_in_process, trial_arguments

    run = folder / f"trial_{trial.number:04d}"
    trial.set_user_attr(FOLDER, str(run))
    said = run.with_suffix(".txt")  # kept where the training fails
    pruning = {
        "study": str(config["study"]),
        "trial": trial.number,
        "pruner": config["pruner"],
        "trials": config["pruner_trials"],
        "epochs": config["pruner_epochs"],
    }
    given = of_training(call.overrides)
    arguments = trial_arguments(
        as_overrides(values), run, pruning, given=given, search_path=call.search_path
    )
    environment = {STORAGE: address, PROCESS: str(os.getpid())}
    found = score(run, train_in_process(arguments, said, environment), said)
    said.unlink()
    if PRUNED in trial.study.get_trials(deepcopy=False)[trial.number].user_attrs:
        raise TrialPruned
    return found


def _tell(trial: FrozenTrial, monitor: str) -> None:
    """One line of how a trial ended."""
    minutes = trial.user_attrs.get(MINUTES, 0)
    if trial.state.name == "FAIL":
        how = f"failed: {trial.user_attrs.get(REASON, '')}"
    else:
        how = f"{trial.state.name.lower()}, {monitor} {trial.value:.4f}"
    print(f"trial {trial.number}: {how}, {minutes} minutes", flush=True)


def main() -> None:
    """Entry point of ``segkit-sweep``: exit code 1 where trials failed until it gave up."""
    cli.run(lambda composed, call: sweep(resolved(composed), call), "sweep")


if __name__ == "__main__":
    main()
