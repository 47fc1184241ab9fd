"""The commands on data sets in which something is wrong: a result, or a message and code 2."""

import logging
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from segkit import check, predict
from segkit.core.errors import SegkitError
from segkit.runs.build import build_data, build_reader
from segkit.runs.checks import check_training
from segkit.runs.cli import config_dir
from segkit.runs.settled import settled
from tests.hostile.cases import Case
from tests.hostile.folders import folders
from tests.hostile.pictures import picture_bombs, pictures
from tests.hostile.reading import TooLongError, complete, time_limit

ROOT = Path(__file__).parents[2]
MESSAGE = re.compile(r"error: (.+?)\n  where: (.+?)\n  fix:   (.+)", re.DOTALL)
# One of each sort: content, place and name.
FEW = ("nothing wrong", "image empty.png", "mask circle", "pipe in images", "named 'a\\nb'")

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A command in this process: its exit code, and what it said to stderr."""

    def run(module: Any, work: Path, *given: str) -> tuple[int, str]:
        work.mkdir(exist_ok=True)
        monkeypatch.chdir(work)
        monkeypatch.setattr(sys, "argv", ["segkit", *given])
        threads, code = torch.get_num_threads(), 0
        torch.set_num_threads(1)
        try:
            with time_limit():
                module.main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            torch.set_num_threads(threads)
            logging.captureWarnings(False)
        return code, capsys.readouterr().err

    return run


def verdict(code: int, said: str, good: tuple[int, ...] = (0, 1)) -> str:
    """What a command came to."""
    assert "Traceback" not in said, said
    if code in good:
        return "result"
    assert code == 2, (code, said)
    found = MESSAGE.search(said)
    assert found, said
    assert all(part.strip() for part in found.groups()), said
    return "message"


def over(cases: Iterable[Case], folder: Path, run: Callable[[Path, Path], str]) -> Counter[str]:
    """Run each case and count what came of it; a failure names its case."""
    found, wrong = Counter[str](), []
    for number, case in enumerate(cases):
        (place := folder / str(number)).mkdir(parents=True)
        path = case.write(place)
        try:
            found[run(path, place / "work")] += 1
        except (Exception, TooLongError) as error:
            wrong.append(f"{case.name}: {type(error).__name__}: {error}"[:600])
    assert not wrong, "\n".join(wrong)
    return found


def checked(command: Command) -> Callable[[Path, Path], str]:
    return lambda path, work: verdict(
        *command(check, work, "dataset=folder", f"dataset.root={path}", "dataset.size=16")
    )


def prepared(path: Path, work: Path) -> str:
    """What ``segkit.train`` does before it has a network: list, decode, cache and split."""
    with initialize_config_dir(version_base="1.3", config_dir=str(config_dir())):
        given = [f"dataset.root={path}", f"dataset.cache_dir={work}", "dataset.size=16"]
        composed = compose("train", ["dataset=folder", *given])
    composed.choices, composed.overrides, composed.run_dir = {}, [], str(work)
    config: Any = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    results = set()
    for on_bad in ("error", "skip"):
        config["dataset"]["on_bad_record"] = on_bad
        try:
            with time_limit():
                check_training(config)
                reader = build_reader(config)
                data = build_data(settled(config, reader), reader)
                data.prepare_data()
                data.setup("fit")
                assert data.split_csv().encode("utf-8")
                for index in range(len(data.records)):
                    record = data.records[index]
                    assert data.cache.image(record.id).shape == (16, 16, data.channels)
        except SegkitError as error:
            complete(error)
            results.add("message")
        else:
            results.add("result")
    return "message" if results == {"message"} else "result"


@pytest.mark.slow
def test_check_on_every_second(command: Command, tmp_path: Path) -> None:
    found = over([*folders()][::2], tmp_path, checked(command))
    assert found.total() > 40
    assert found["result"] > 30


@pytest.mark.slow
def test_the_data_step_on_all(tmp_path: Path) -> None:
    found = over(folders(), tmp_path, prepared)
    assert found.total() > 80
    assert found["result"] > 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of seconds."""
    work = tmp_path_factory.mktemp("run")
    given = ["dataset.count=12", "dataset.image_size=32", "dataset.size=32", "dataset.batch_size=4"]
    given += [f"dataset.cache_dir={work / 'cache'}", "trainer=cpu", "trainer.precision=32-true"]
    given += ["trainer.max_epochs=1", "logger=none", f"hydra.run.dir={work / 'run'}"]
    done = called("segkit.train", work, *given)
    assert done.returncode == 0, done.stderr
    return work / "run"


def called(module: str, work: Path, *given: str) -> subprocess.CompletedProcess[str]:
    """As a user runs it; no more than a minute."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PL_", "HYDRA_"))}
    return subprocess.run(
        [sys.executable, "-m", module, *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=work,
        timeout=60,
        env={**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
    )


@pytest.mark.slow
def test_predict(command: Command, run: Path, tmp_path: Path) -> None:
    """One folder of many damaged files: each is predicted, or named in the table."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, case in enumerate((*picture_bombs(), *pictures(count=60))):
        (place := tmp_path / str(number)).mkdir()
        case.write(place).rename(folder / f"{number}{Path(case.name.split(',')[0]).suffix}")
    given = (f"run={run}", f"output={tmp_path / 'out'}", "device=cpu", "precision=32-true")
    code, said = command(predict, tmp_path / "work", f"input={folder}", *given)
    assert code == 1, said
    assert "Traceback" not in said
    table = (tmp_path / "out" / "predictions.csv").read_text("utf-8")
    # A message of several lines is quoted.
    assert sum(f"{path.name}," in table for path in folder.iterdir()) == len(list(folder.iterdir()))
    assert ",ok\n" in table
    assert "max_megapixels" not in said or "megapixels" in table


@pytest.mark.slow
def test_predict_on_folders(command: Command, run: Path, tmp_path: Path) -> None:
    def one(path: Path, work: Path) -> str:
        shown = path / "images" if path.is_dir() else path
        given = (f"run={run}", f"output={work / 'out'}", "device=cpu", "precision=32-true")
        deep = f"input='{path}/**/*.png'"
        first = verdict(*command(predict, work, f"input={shown}", *given))
        verdict(*command(predict, work, deep, *given, "overwrite=true"))
        return first

    cases = [
        c for c in folders() if c.name.startswith(("named", "pipe", "circles", "link", "device"))
    ]
    found = over(cases, tmp_path, one)
    assert found.total() > 20
    assert found["result"] > 15


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW[-2:])
def test_as_a_user_runs_them(name: str, run: Path, tmp_path: Path) -> None:
    (case,) = [case for case in folders() if case.name == name]
    path = case.write(tmp_path)
    data = ("dataset=folder", f"dataset.root={path}", "dataset.size=16")
    done = called("segkit.check", tmp_path, *data)
    assert verdict(done.returncode, done.stderr) == "result"
    if name != FEW[-1]:  # there is nothing wrong with a line break
        done = called("segkit.train", tmp_path, *data, f"dataset.cache_dir={tmp_path / 'cache'}")
        assert verdict(done.returncode, done.stderr) == "message"
    done = called(
        "segkit.predict", tmp_path, f"run={run}", f"input={path / 'images'}", "output=out"
    )
    assert verdict(done.returncode, done.stderr) == "result"
