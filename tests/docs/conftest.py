"""Runs, weights and folders for the pages that are walked through."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segkit import train
from tests.commands.in_process import call_main
from tests.docs.own import Own
from tests.docs.phantoms import write_weights
from tests.docs.tiny import tiny
from tests.docs.world import World


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mobilenet_v2.pth"
    write_weights(path)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int, str], Path]:
    """Finished runs on one data set and one split, by task, seed and network, trained once each."""
    home = tmp_path_factory.mktemp("trained")

    def run(task: str, seed: int, network: str) -> Path:
        folder, root = home / f"{task}{seed}{network}", home / "mydata"
        if not root.exists():
            Own(objects=True).write(root, first=100)
        if not folder.exists():
            given = [f"task={task}", f"dataset.root={root}", f"seed={seed}"]
            given += ["dataset.mask_threshold=0"] if task == "semantic" else []
            given += [f"model={network}"] if network else []
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
                words = tiny("train", [*given, f"hydra.run.dir={folder}"])
                assert call_main(patch, *words, module=train) == 0
        return folder

    return run


@pytest.fixture
def world(
    tmp_path: Path, trained: Callable[[str, int, str], Path], weights: Path
) -> Iterator[World]:
    """An empty folder, where pages are walked through."""
    with pytest.MonkeyPatch.context() as patch:
        yield World(tmp_path, patch, trained, weights)
