"""Studies of three trainings of seconds, as a user runs them."""

import csv
import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

SPACE = "space={optim.lr: {low: 1e-4, high: 1e-2, log: true}, model: [unet_mnv2, unet_lowered]}"


def command(run: Any, *given: str, epochs: int = 2) -> list[str]:
    arguments = run.arguments("sweep=none", "study=tiny", f"trainer.max_epochs={epochs}")
    return [sys.executable, "-m", "segkit.sweep", *arguments, *given]


def sweep(
    run: Any, cwd: Path, *given: str, epochs: int = 2, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(run, *given, epochs=epochs),
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**run.environment(), **environment},
    )


def trials(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def swept(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two trials, and a third by a second call."""
    cwd = tmp_path_factory.mktemp("sweep")
    first = sweep(run, cwd, SPACE, "n_trials=2")
    assert first.returncode == 0, first.stdout + first.stderr
    before = trials(cwd / "outputs/sweeps/tiny")
    second = sweep(run, cwd, SPACE, "n_trials=3")
    assert second.returncode == 0, second.stdout + second.stderr
    return cwd, before, first, second


@pytest.mark.slow
def test_a_study_ends_and_goes_on_by_its_name(swept: Any) -> None:
    cwd, before, first, second = swept
    table = trials(cwd / "outputs/sweeps/tiny")
    assert [row["state"] for row in before] == ["complete"] * 2
    assert table[:2] == before
    assert [row["trial"] for row in table] == ["0", "1", "2"]
    assert all(row["state"] == "complete" and row["epochs"] == "2" for row in table)
    assert "trial 0: optim.lr=" in first.stdout
    assert "trial 2: complete, val/dice" in second.stdout
    assert "trial 1: complete" not in second.stdout
    assert "Traceback" not in second.stdout + second.stderr


@pytest.mark.slow
def test_each_trial_is_a_whole_run(swept: Any, run: Any) -> None:
    cwd, *_ = swept
    folder = cwd / "outputs/sweeps/tiny"

    def names(path: Path) -> set[str]:
        found = {each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file()}
        return {name for name in found if not name.startswith("events.")}

    for row in trials(folder):
        own = Path(row["folder"])
        assert own == folder / f"trial_{int(row['trial']):04d}"
        assert names(own) == names(run.folder)
        config = yaml.safe_load((own / "config.yaml").read_text("utf-8"))
        assert config["choices"]["model"] == row["model"]
        assert config["optim"]["lr"] == float(row["optim.lr"])
        assert config["callbacks"]["pruning"]["trial"] == int(row["trial"])
        assert "sqlite" not in (own / "config.yaml").read_text("utf-8")
        summary = json.loads((own / "summary.json").read_text("utf-8"))
        assert float(row["value"]) == pytest.approx(summary["best_score"], rel=1e-5)
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        "history.png",
        "study.db",
        "trials.csv",
    }
    assert {path.name for path in cwd.iterdir()} == {"outputs"}


@pytest.mark.slow
def test_the_commands_it_names_work(swept: Any, run: Any) -> None:
    cwd, _, _, second = swept
    named = [line.split(": ", 1)[1] for line in second.stdout.splitlines() if ": python" in line]
    assert len(named) == 2
    for line in named:
        python, *words = shlex.split(line)
        assert python == "python"
        more = ["hydra.run.dir=again"] if "segkit.train" in words else []
        done = subprocess.run(
            [sys.executable, *words, *more],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=run.environment(),
        )
        assert done.returncode == 0, done.stderr
    best = max(trials(cwd / "outputs/sweeps/tiny"), key=lambda row: float(row["value"]))
    assert (Path(best["folder"]) / "evaluation.csv").is_file()
    config = yaml.safe_load((cwd / "again" / "config.yaml").read_text("utf-8"))
    assert (config["choices"]["model"], config["seed"]) == (best["model"], 1)
    (cwd / "again").rename(cwd / "outputs" / "again")


@pytest.mark.slow
def test_another_question_under_the_same_name_is_refused(swept: Any, run: Any) -> None:
    cwd, *_ = swept
    folder = cwd / "outputs/sweeps/tiny"
    before = trials(folder)
    other = sweep(run, cwd, SPACE.replace("1e-2", "1e-1"), "n_trials=4")
    assert other.returncode == 2
    assert "another search space" in other.stderr
    assert "optim.lr" in other.stderr
    other = sweep(run, cwd, SPACE, "n_trials=4", "loss=dice")
    assert other.returncode == 2
    assert "none → loss=dice" in other.stderr
    assert "Traceback" not in other.stderr
    assert trials(folder) == before


@pytest.mark.slow
def test_failed_trials_are_told_and_the_rest_goes_on(run: Any, tmp_path: Path) -> None:
    """A network that the machine has no memory for, or one that cannot be built."""
    space = "space={model.encoder: [tu-no_such, mobilenet_v2], optim.lr: {low: 1e-4, high: 1e-2}}"
    done = sweep(run, tmp_path, space, "n_trials=1", "seed=3", epochs=1)
    folder = tmp_path / "outputs/sweeps/tiny"
    table = trials(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row["state"] for row in table} == {"complete", "fail"}
    for row in table:
        failed = row["model.encoder"] == "tu-no_such"
        assert (row["state"] == "fail") == failed
        assert ("no_such" in row["reason"]) == failed
        assert (folder / f"trial_{int(row['trial']):04d}.txt").exists() == failed


@pytest.mark.slow
def test_a_trial_is_pruned_and_still_a_whole_run(run: Any, tmp_path: Path) -> None:
    space = "space={optim.lr: [1e-3, 0.0]}"
    given = (space, "n_trials=4", "pruner_trials=1", "pruner_epochs=0", "sampler=random")
    done = sweep(run, tmp_path, *given, epochs=3)
    table = trials(tmp_path / "outputs/sweeps/tiny")
    pruned = [row for row in table if row["state"] == "pruned"]
    assert done.returncode == 0, done.stdout + done.stderr
    assert pruned, table
    for row in pruned:
        summary = json.loads((Path(row["folder"]) / "summary.json").read_text("utf-8"))
        assert summary["epochs"] == int(row["epochs"]) < 3
        assert summary["test"]["all"]["n"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_study_ends_cleanly_and_tries_the_trial_again(
    run: Any, tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        command(run, SPACE, "n_trials=1", epochs=300),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=run.environment(),
    )
    folder = tmp_path / "outputs/sweeps/tiny"
    deadline = time.monotonic() + 90
    while not (folder / "trial_0000/metrics.csv").exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    assert "0 of 1 trials have finished; the same command goes on" in out
    assert (folder / "trial_0000/checkpoints/last.ckpt").is_file()
    table = trials(folder)
    assert [row["state"] for row in table] == ["fail", "waiting"]
    assert "stopped" in table[0]["reason"]


MISTAKES = {
    "sampler=tp": "did you mean 'tpe'?",
    "pruner=hyper": "choose one of: median, none",
    "study=a/b": "name of its folder",
    "n_trials=0": "whole number of 1 or more",
    "timeout=soon": "number of 0 or more",
    "storage=here": "the address of a database",
    "storage=sqlite:////none/study.db": "cannot be reached",
    "resume=DIR": "a new run",
    "sweep=deflt": "did you mean 'default'?",
    "space=3": "something for each key",
    "space={optim.lrr: [1, 2]}": "did you mean 'optim.lr'?",
    "space={model: [unet_mnv3, unet_mnv2]}": "unknown model 'unet_mnv3'",
    "space={model: {low: 1, high: 2}}": "the name of an option",
    "space={optim.lr: {low: -1, high: 1}}": "space: optim.lr=-1",
    "space={optim.lr: {low: 1, hihg: 2}}": "did you mean 'high'?",
    "space={}": "the search space is empty",
}


@pytest.mark.slow
@pytest.mark.parametrize("given", MISTAKES)
def test_mistakes_are_told_before_anything_is_begun(given: str, run: Any, tmp_path: Path) -> None:
    done = sweep(run, tmp_path, *([] if given.startswith("space") else [SPACE]), given)
    assert done.returncode == 2, done.stderr
    assert MISTAKES[given] in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("trial_*"))


@pytest.mark.slow
def test_a_file_in_the_way_is_told(run: Any, tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "sweeps").write_text("mine", "utf-8")
    done = sweep(run, tmp_path, SPACE)
    assert done.returncode == 2
    assert "outputs/sweeps" in done.stderr
    assert (tmp_path / "outputs" / "sweeps").read_text("utf-8") == "mine"


@pytest.mark.slow
def test_trials_of_another_study_are_not_mixed_with(run: Any, tmp_path: Path) -> None:
    (tmp_path / "outputs/sweeps/tiny/trial_0000").mkdir(parents=True)
    done = sweep(run, tmp_path, SPACE)
    assert done.returncode == 2
    assert "trials of another study" in done.stderr


def test_help_shows_how(run: Any, tmp_path: Path) -> None:
    done = sweep(run, tmp_path, "--help")
    assert done.returncode == 0
    assert "study=cells" in done.stdout
    assert not list(tmp_path.iterdir())


def test_without_optuna_it_says_how_to_get_it(run: Any, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'optuna' else find(name, *a)\n",
        "utf-8",
    )
    path = f"{hidden}:{run.environment()['PYTHONPATH']}"
    done = sweep(run, tmp_path, SPACE, PYTHONPATH=path)
    assert done.returncode == 2
    assert "segkit[sweep]" in done.stderr
