"""A run folder to spoil, commands to open it with, and a payload that leaves a mark if it runs."""

import logging
import os
import pickle
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

# Any module by `_target_`: small, and its weights are loaded in no time.
MODEL = "+model={_target_: torch.nn.Conv2d, in_channels: 3, kernel_size: 3, padding: 1}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder are ``sampled``."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.sampled)


def call(name: str, *given: str) -> int:
    """A command in this process, where torch is there already; gives its exit code."""
    before, threads = sys.argv, torch.get_num_threads()
    sys.argv = [f"segkit.{name}", *given]
    torch.set_num_threads(1)
    try:
        # As a user runs it: what libraries warn of is no matter here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(f"segkit.{name}").main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
        torch.set_num_threads(threads)
        logging.captureWarnings(False)
    return 0


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of one epoch on twelve phantoms. Do not write to it."""
    cwd = tmp_path_factory.mktemp("trained")
    given = [
        f"dataset.cache_dir={cwd / 'cache'}",
        "dataset.count=12",
        "dataset.image_size=32",
        "dataset.size=32",
        "dataset.batch_size=4",
        "dataset.num_workers=0",
        "trainer=cpu",
        "trainer.precision=32-true",
        "trainer.max_epochs=1",
        "schedule=constant",
        "~model",
        MODEL,
        f"hydra.run.dir={cwd / 'run'}",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        assert call("train", *given) == 0
    return cwd / "run"


class Stranger:
    """A run folder that someone sent, and what happens when it is used.

    Attributes:
        home: the folder that commands are started in, with nothing else in it.
        folder: the run folder.
        mark: the file that a payload makes when it runs.
        command: a line for the shell that makes it.
    """

    def __init__(self, trained: Path, tmp_path: Path, said: Callable[[], str]) -> None:
        self.home, self.folder = tmp_path / "home", tmp_path / "run"
        self.mark = tmp_path / "ran"
        self.command = f"touch {self.mark}"
        self.home.mkdir()
        shutil.copytree(trained, self.folder)
        self._said = said

    @property
    def best(self) -> Path:
        return self.folder / "checkpoints" / "best.ckpt"

    def change(self, key: str, value: Any) -> None:
        """Set a dotted key of ``config.yaml``."""
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text("utf-8"))
        node = config
        *parents, last = key.split(".")
        for parent in parents:
            node = node[parent]
        node[last] = value
        path.write_text(yaml.safe_dump(config), "utf-8")

    def payload(self) -> object:
        """What becomes a call of the command when it is unpickled."""
        return Payload(self.command)

    def pickled(self) -> bytes:
        """A pickle that runs the command when it is loaded."""
        return pickle.dumps({"state_dict": self.payload()})

    def use(self, name: str, *given: str) -> tuple[int, str]:
        """Run a command on the folder: its exit code, and what it said."""
        some = {
            "train": [f"resume={self.folder}", "trainer.max_epochs=2"],
            "evaluate": [f"run={self.folder}", "trainer=cpu", "trainer.precision=32-true"],
            "export": [f"run={self.folder}", "count=1"],
            "predict": [f"run={self.folder}", f"input={self.folder}/panels", "output=masks"],
        }
        return self.run(name, *some[name], *given)

    def run(self, name: str, *given: str) -> tuple[int, str]:
        """Run a command: its exit code, and what it said."""
        return call(name, *given), self._said()

    def refuses(self, name: str, *given: str) -> str:
        """Run a command that must refuse the folder; gives the message."""
        code, said = self.use(name, *given)
        assert not self.mark.exists(), "the payload ran"
        assert code == 2, said
        assert "Traceback" not in said
        found = re.search(r"error: (.+)\n  where: (.+)\n  fix:   (.+)", said)
        assert found, said
        assert all(part.strip() for part in found.groups())
        return said


class Payload:
    """What an object becomes when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


@pytest.fixture
def stranger(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Stranger]:
    made = Stranger(trained, tmp_path, lambda: capsys.readouterr().err)
    monkeypatch.chdir(made.home)
    # As `python -m` has it: what lies in the current folder can be imported.
    monkeypatch.syspath_prepend(str(made.home))
    yield made
    assert not made.mark.exists(), "the payload ran"
