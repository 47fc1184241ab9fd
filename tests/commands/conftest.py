"""Trainings of seconds, run as a user runs them: in a process of their own, or in this one."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml
from filelock import FileLock
from PIL import Image

from segkit import train
from segkit.data.readers.phantom import write_phantoms
from segkit.inference.predictor import Predictor
from segkit.runs import load_run
from tests.commands.bright import TRAIN, discs
from tests.commands.in_process import call_main
from tests.commands.mistakes import Mistake, check_message, left, write
from tests.commands.predicting import picture
from tests.commands.small import small

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """Of a fresh process: this checkout, one thread (two cores are shared), no ranks."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PL_", "HYDRA_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}


def call_train(*given: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "segkit.train", *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(),
    )


@pytest.fixture
def run_environment() -> dict[str, str]:
    """What a process of its own is started with."""
    return environment()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command in this process: torch is imported once for all of them."""

    def run(*given: str) -> int:
        monkeypatch.chdir(tmp_path)
        return call_main(monkeypatch, *given, module=train)

    return run


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run ``segkit.train`` in an empty folder: its exit code, and what it said."""

    def run(*given: str) -> tuple[int, str]:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        monkeypatch.chdir(work)
        cache = f"dataset.cache_dir={tmp_path / 'cache'}"
        code = call_main(monkeypatch, cache, *given, module=train)
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def mistake(command: Callable[..., tuple[int, str]], tmp_path: Path) -> Mistake:
    """Run a command that must fail as a user error does; gives the message."""

    def run(*given: str) -> str:
        code, said = command(*given)
        assert code == 2, said
        check_message(said)
        assert set(left(tmp_path / "work")) <= {"outputs"}, "something was left behind"
        return said

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight images of 40×40 pixels with their masks, in the layout of dataset=folder."""
    root = tmp_path / "data"
    rng = np.random.default_rng(0)
    for number in range(8):
        image = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
        mask = np.zeros((40, 40), np.uint8)
        mask[5:20, 5 : 20 + number] = 255
        write(root / "images" / f"{number}.png", image)
        write(root / "masks" / f"{number}.png", mask)
    return root


class Run:
    """One training in a process of its own, for many tests to look at.

    It is trained where it has not been yet, and read otherwise.
    """

    def __init__(self, cwd: Path) -> None:
        self.cwd, said = cwd, cwd.with_name(f"{cwd.name}.json")
        if not said.exists():
            cwd.mkdir()
            done = call_train(*self.arguments(), cwd=cwd)
            said.write_text(json.dumps([done.returncode, done.stdout, done.stderr]), "utf-8")
        self.code, self.out, self.err = json.loads(said.read_text("utf-8"))
        folders = list((cwd / "outputs").glob("*/*/*"))
        assert len(folders) == 1, self.err
        self.folder = folders[0]
        self.summary: dict[str, Any] = json.loads((self.folder / "summary.json").read_text("utf-8"))
        self.config: dict[str, Any] = yaml.safe_load(
            (self.folder / "config.yaml").read_text("utf-8")
        )

    def arguments(self, *more: str) -> list[str]:
        """A training of seconds: twelve phantoms of 64 pixels, seen at 32 by a small network."""
        return [
            f"dataset.cache_dir={self.cwd / 'cache'}",
            "dataset.count=12",
            "dataset.image_size=64",
            "dataset.size=32",
            "dataset.batch_size=4",
            "dataset.panel_count=2",
            "trainer=cpu",
            "trainer.precision=32-true",
            "trainer.max_epochs=2",
            "trainer.enable_progress_bar=false",
            *small(*more),
            *more,
        ]

    @staticmethod
    def environment() -> dict[str, str]:
        """What a process of its own is started with."""
        return environment()

    def rows(self, folder: Path | None = None) -> list[dict[str, str]]:
        """The table of this run's epochs, or of another's."""
        with ((folder or self.folder) / "metrics.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def call() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command in a process of its own."""
    return call_train


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One for all workers of pytest-xdist, whose folders lie side by side. Do not write to it."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "train"
    with FileLock(f"{home}.lock"):
        return Run(home)


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    """A copy of the run, to be written to."""
    return Path(shutil.copytree(run.folder, tmp_path / "run"))


@pytest.fixture(scope="session")
def clean_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty images in DSB2018's layout: five and more in each part. Do not write to it."""
    folder = tmp_path_factory.mktemp("clean") / "30x64"
    write_phantoms(folder, count=30, image_size=64, seed=0)
    return folder


@pytest.fixture
def spoilt(clean_root: Path, tmp_path: Path) -> Path:
    """A copy of ``clean_root`` that a test may damage."""
    return Path(shutil.copytree(clean_root, tmp_path / "data"))


@pytest.fixture(scope="session")
def predictor(run: Run) -> Predictor:
    """Of the run of the session. Do not change it."""
    return load_run(run.folder, device="cpu", precision="32-true")


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Every format that training reads."""
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(picture(1)).save(folder / "colour.png")
    Image.fromarray(picture(2, (50, 40))).save(folder / "grey.bmp")
    Image.fromarray(picture(3)).save(folder / "lossy.jpg")
    Image.fromarray(np.dstack([picture(4), picture(5)[..., :1]])).save(folder / "alpha.png")
    Image.fromarray(picture(6)).quantize(8).save(folder / "palette.png")
    tifffile.imwrite(folder / "deep.tif", picture(7, (70, 33)).astype(np.uint16) * 200)
    (folder / "notes.txt").write_text("not an image", "utf-8")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def object_runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two, which differ in where the foreground ends."""
    folder, found = tmp_path_factory.mktemp("objects"), []
    for lift in (0.0, 2.0):
        found.append(folder / f"run{lift}")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            given = (f"hydra.run.dir={found[-1]}", f"+model.lift={lift}")
            code = call_main(patch, *TRAIN, *given, "dataset.cache_dir=cache", module=train)
        assert code == 0
    return found


@pytest.fixture
def disc_inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    grey, deep = discs(1, (90, 120), 12), discs(2, (80, 70), 6)
    Image.fromarray(grey.astype(np.uint8)).save(folder / "grey.png")
    colour = np.dstack([grey, grey * 0.9, grey * 0.8]).astype(np.uint8)
    Image.fromarray(colour).save(folder / "colour.png")
    Image.fromarray(np.full((20, 30), 9, np.uint8)).save(folder / "nothing.png")
    said = {"axes": "YX", "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.5}
    pixels = (deep * 200 + 7).astype(np.uint16)
    tifffile.imwrite(folder / "deep.tif", pixels, ome=True, metadata=said)
    return folder
