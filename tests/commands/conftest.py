"""Trainings of seconds, run as a user runs them: in a process of their own, or in this one."""

import csv
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from segkit import train

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
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command in this process: torch is imported once for all of them."""

    def run(*given: str) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["segkit.train", *given])
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            train.main()
        except SystemExit as end:
            return int(end.code or 0)
        finally:
            torch.set_num_threads(threads)
            logging.captureWarnings(False)
        return 0

    return run


class Run:
    """One training in a process of its own, for many tests to look at."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        done = call_train(*self.arguments(), cwd=cwd)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        folders = list((cwd / "outputs").glob("*/*/*"))
        assert len(folders) == 1, self.err
        self.folder = folders[0]
        self.summary: dict[str, Any] = json.loads((self.folder / "summary.json").read_text("utf-8"))
        self.config: dict[str, Any] = yaml.safe_load(
            (self.folder / "config.yaml").read_text("utf-8")
        )

    def arguments(self, *more: str) -> list[str]:
        """A training of seconds: twelve phantoms of 64 pixels, seen at 32."""
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
    return Run(tmp_path_factory.mktemp("train"))
