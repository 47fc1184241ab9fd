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

from tests.commands.sweeping import SPACE, command, sweep


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
    named = [line.split(": ", 1)[1] for line in second.stdout.splitlines() if " -m segkit." in line]
    assert len(named) == 2
    for line in named:
        _, *words = shlex.split(line)  # by its name or its path
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
@pytest.mark.usefixtures("interruptible")
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
    assert "0 of 1 trials have finished; the same command resumes" in out
    assert (folder / "trial_0000/checkpoints/last.ckpt").is_file()
    table = trials(folder)
    assert [row["state"] for row in table] == ["fail", "waiting"]
    assert "stopped" in table[0]["reason"]


def test_help_shows_how(run: Any, tmp_path: Path) -> None:
    done = sweep(run, tmp_path, "--help")
    assert done.returncode == 0
    assert "study=cells" in done.stdout
    assert not list(tmp_path.iterdir())
