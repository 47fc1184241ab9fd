"""A command's work in a process that is someone else's: nothing of it is left behind."""

import errno
import logging
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose as hydras_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from segkit.core.errors import SegkitError
from segkit.core.limits import limit_images
from segkit.runs.call import Call
from segkit.runs.in_process import compose, perform
from tests.process_state import changed, process_state

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def disturb(*_: object) -> None:
    """All that training changes of a process, and more."""
    limit_images(3)
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = torch.backends.cudnn.deterministic = True
    os.environ["PL_GLOBAL_SEED"] = "1"
    os.environ.pop("HOME", None)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def rules() -> list[Any]:
    """What torch draws from and computes by."""
    state = torch.get_rng_state().tolist(), torch.initial_seed()
    exact = torch.are_deterministic_algorithms_enabled()
    warn = torch.is_deterministic_algorithms_warn_only_enabled()
    flags = torch.backends.cudnn
    return [
        *(*state, torch.get_float32_matmul_precision()),
        *(exact, warn, flags.benchmark, flags.deterministic),
    ]


def failing(*_: object) -> None:
    disturb()
    raise SegkitError("what", where="where", remedy="remedy")


def bug(*_: object) -> None:
    disturb()
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("work", "ends"), [(disturb, None), (failing, SegkitError), (bug, ZeroDivisionError)]
)
def test_the_process_is_as_it_was(
    work: Callable[..., None], ends: type[Exception] | None, tmp_path: Path
) -> None:
    before, computes = process_state(), rules()
    if ends is None:
        perform(work, "train", ["seed=1"])
        compose("check", ["seed=1"], work)
    else:
        with pytest.raises(ends):
            perform(work, "train", ["seed=1"])
        with pytest.raises(ends):
            compose("check", ["seed=1"], work)
    assert not changed(before)
    assert rules() == computes
    # A mistake leaves no empty folder behind.
    assert any((tmp_path / "outputs").iterdir()) == (ends is not SegkitError)


@pytest.mark.slow
def test_torch_is_as_it_was_loaded(tmp_path: Path) -> None:
    """The first call loads it; what it does then is not left to the second."""
    script = """
import sys
from segkit.runs.in_process import perform
assert "torch" not in sys.modules
loaded = []
def work(*_):
    from tests.runs.test_in_process import disturb, rules
    loaded.append(rules())
    disturb()
    loaded.append(rules())
perform(work, "train", [])
from tests.runs.test_in_process import rules
# It draws its first seed itself.
assert rules()[2:] == loaded[0][2:] != loaded[1][2:], rules()[2:]
assert rules()[0] != loaded[1][0], "still seeded"
assert rules()[1] != loaded[1][1] == 1, "still seeded"
"""
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_notebook_that_uses_hydra_itself(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("a: 1\n", encoding="utf-8")
    with initialize_config_dir(version_base="1.3", config_dir=str(tmp_path)):
        mine = GlobalHydra.instance().hydra
        HydraConfig.instance().set_config(hydras_compose("own", return_hydra_config=True))
        known = HydraConfig.instance().cfg
        try:
            names = perform(lambda composed, _: composed.choices.dataset, "train", [])
            assert names == "phantom"
            with pytest.raises(SegkitError, match="unknown key 'nope'"):
                perform(lambda *_: None, "train", ["nope=1"])
            assert GlobalHydra.instance().hydra is mine
            assert HydraConfig.instance().cfg is known
            assert hydras_compose("own").a == 1
        finally:
            HydraConfig.instance().cfg = None


def test_what_is_told_is_what_the_command_is_told(tmp_path: Path) -> None:
    def told(composed: DictConfig, call: Call) -> tuple[str, Call]:
        return composed.choices.model, call

    model, call = perform(told, "train", ["model=unet_classic", "seed=3"])
    assert model == "unet_classic"
    assert call == Call(call.output, overrides=("model=unet_classic", "seed=3"))
    assert call.output.parent == tmp_path / "outputs" / "phantom" / "unet_classic"
    _, named = perform(told, "train", ["hydra.run.dir=a b"])
    assert named == Call(tmp_path / "a b", (), chosen_by_user=True)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (["-m", "seed=1,2"], "a sweep"),
        (["--multirun", "seed=1,2"], "a sweep"),
        (["hydra.mode=MULTIRUN"], "a sweep"),
        (["--config-dir=x"], "a sweep"),
        (["seed=1,2"], "several values for one run"),
        (["seed"], "an argument cannot be read"),
        (["--seed", "1"], "a sweep, and whatever needs a flag"),
        (["model=unet_mnv"], "unknown model 'unet_mnv'"),
        (["optim.lrr=1"], "unknown key 'optim.lrr'"),
        (["dataset=folder", "dataset.root=own", "hydra.run.dir=own/run"], "own"),
    ],
    ids=" ".join,
)
def test_mistakes_are_errors(given: list[str], what: str, tmp_path: Path) -> None:
    (tmp_path / "own" / "images").mkdir(parents=True)
    before = process_state()
    with pytest.raises(SegkitError) as caught:
        perform(lambda composed, _: composed.dataset.root, "train", given)
    assert what in str(caught.value)
    assert caught.value.remedy
    assert not changed(before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own"]
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["images"]


@pytest.mark.parametrize("given", ["seed=1", [1], [Path("seed=1")], [["seed=1"]]])
def test_what_is_no_list_of_texts(given: Any) -> None:
    with pytest.raises(SegkitError, match="a list of texts"):
        perform(lambda *_: None, "train", given)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SegkitError, match="the run folder cannot be written") as caught:
        perform(lambda *_: None, "train", ["hydra.run.dir=file/run"])
    assert "hydra.run.dir=PATH" in caught.value.remedy


def test_a_disk_that_is_full() -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "x")

    with pytest.raises(SegkitError, match="No space left on device"):
        perform(full, "train", [])


def test_a_signal_interrupts_and_does_not_end_the_session() -> None:
    def stopped(*_: object) -> None:
        raise SystemExit(130)

    with pytest.raises(KeyboardInterrupt):
        perform(stopped, "train", [])


@pytest.mark.filterwarnings("default")
def test_warnings_go_where_the_training_logs(caplog: pytest.LogCaptureFixture) -> None:
    perform(lambda *_: warnings.warn("odd", stacklevel=1), "train", [])
    assert "odd" in caplog.text
    with pytest.warns(UserWarning, match="afterwards"):
        warnings.warn("afterwards", stacklevel=1)
    shown = warnings.showwarning
    logging.captureWarnings(True)
    try:
        perform(lambda *_: None, "train", [])
        assert warnings.showwarning is not shown
    finally:
        logging.captureWarnings(False)
    assert warnings.showwarning is shown


def test_processes_are_started_as_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import __main__  # noqa: PLC0415

    monkeypatch.setattr(sys, "argv", ["-c"])
    monkeypatch.setattr(__main__, "__spec__", None)

    def started(*_: object) -> tuple[Any, list[str]]:
        return getattr(__main__.__spec__, "name", None), sys.argv[1:]

    assert perform(started, "train", ["seed=2"]) == ("segkit.train", ["seed=2"])
    assert sys.argv == ["-c"]
    assert __main__.__spec__ is None
