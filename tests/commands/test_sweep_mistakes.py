"""What a study cannot do, and what it cannot do without: told before anything is begun."""

from pathlib import Path
from typing import Any

import pytest

from tests.commands.sweeping import SPACE, sweep

MISTAKES = {
    "sampler=tp": "did you mean 'tpe'?",
    "pruner=hyper": "choose one of: median, none",
    "study=a/b": "name of its folder",
    "n_trials=0": "whole number of 1 or more",
    "timeout=soon": "number of 0 or more",
    "storage=here": "the address of a database",
    "storage=sqlite:////none/study.db": "cannot be used",
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
