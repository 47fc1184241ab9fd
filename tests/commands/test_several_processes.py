"""Two processes (gloo, CPU) train as one does, write one run folder, and end together."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

pytestmark = pytest.mark.slow

# In its constructor or after a step, one process dies or raises; all note what they were given.
SPY = """
import json, os, signal, time
from pathlib import Path
from lightning.pytorch import Callback
from segkit.core.errors import SegkitError

HERE = Path(__file__).parent

class Spy(Callback):
    def __init__(self, how="", name="seen", pause=0.0):
        self.how, self.name, self.pause, self.seen = how, name, pause, []
        if how == "die early" and os.environ.get("LOCAL_RANK") == "1":
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        rank = trainer.global_rank
        seen = [batch["index_B"].tolist(), float(outputs["loss"])]
        self.seen.append([trainer.current_epoch, *seen])
        if self.pause:
            (HERE / f"pid{rank}").write_text(str(os.getpid()))
            time.sleep(self.pause)
        if rank == 1 and self.how == "raise":
            raise KeyError("had enough")
        if rank == 1 and self.how == "mistake":
            raise SegkitError("had enough", where="here", remedy="go on")

    def on_train_end(self, trainer, module):
        (HERE / f"{self.name}{trainer.global_rank}.json").write_text(json.dumps(self.seen))
"""
# No batch norm, whose statistics are of a process's own share; no dropout; a loss of each pixel.
EQUAL = [
    *("model=unet_classic", "model.batch_norm=false", "model.dropout=0", "model.n_filters=4"),
    *("augment=none", "loss=bce", "optim=sgd", "dataset.count=14"),
]


class Bench:
    """A folder in which the command is started, with the spy in it."""

    def __init__(self, run: Any, folder: Path) -> None:
        (folder / "spy.py").write_text(SPY, encoding="utf-8")
        self.run, self.folder = run, folder
        self.environment = run.environment()
        self.environment["PYTHONPATH"] += f"{os.pathsep}{folder}"

    def start(self, *given: str, **spy: object) -> "subprocess.Popen[str]":
        """The command, with two processes unless told otherwise."""
        watched = [f"+callbacks.spy.{key}={value}" for key, value in spy.items()]
        watched = ["allow_targets=[spy.]", "+callbacks.spy._target_=spy.Spy", *watched]
        arguments = self.run.arguments("trainer=ddp_cpu", "dataset.batch_size=2", *EQUAL)
        return subprocess.Popen(
            [sys.executable, "-m", "segkit.train", *arguments, *watched, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment,
        )

    def finish(self, *given: str, **spy: object) -> tuple[int, str]:
        """Its exit code, and what it said to stderr."""
        with self.start(*given, **spy) as process:
            err = process.communicate(timeout=300)[1]
        return process.returncode, err

    def seen(self, name: str, rank: int) -> list[Any]:
        """Epoch, positions of the records and loss of each step of one process."""
        steps: list[Any] = json.loads((self.folder / f"{name}{rank}.json").read_text("utf-8"))
        return steps


@pytest.fixture
def bench(run: Any, tmp_path: Path) -> Bench:
    return Bench(run, tmp_path)


@pytest.fixture(scope="module")
def pair(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The same training by one process, and by two with half its batch each."""
    bench = Bench(run, tmp_path_factory.mktemp("pair"))
    alone = ("trainer=cpu", "dataset.batch_size=4", "hydra.run.dir=one")
    for given, name in ((alone, "one"), (("hydra.run.dir=two",), "two")):
        code, err = bench.finish(*given, name=name)
        assert code == 0, err
    return bench


def test_two_processes_see_the_batches_of_one(pair: Bench) -> None:
    one, *two = pair.seen("one", 0), pair.seen("two", 0), pair.seen("two", 1)
    assert [step[0] for step in one] == [0, 0, 1, 1]
    assert len({tuple(sorted(step[1])) for step in one}) == 4, "every step saw the same"
    for whole, *halves in zip(one, *two, strict=True):
        assert [half[0] for half in halves] == [whole[0]] * 2
        assert [len(half[1]) for half in halves] == [2, 2]
        assert sorted(halves[0][1] + halves[1][1]) == sorted(whole[1])


def test_two_processes_learn_what_one_learns(pair: Bench) -> None:
    one, *two = pair.seen("one", 0), pair.seen("two", 0), pair.seen("two", 1)
    means = [(a[2] + b[2]) / 2 for a, b in zip(*two, strict=True)]
    assert means == pytest.approx([step[2] for step in one], rel=1e-5)
    assert any(a[2] != pytest.approx(b[2], rel=1e-3) for a, b in zip(*two, strict=True))
    rows = [pair.run.rows(pair.folder / name) for name in ("one", "two")]
    for alone, together in zip(*rows, strict=True):
        for column in ("train/loss", "val/loss", "val/dice", "lr"):
            assert float(together[column]) == pytest.approx(float(alone[column]), rel=1e-4)
    assert float(rows[1][0]["train/loss"]) == pytest.approx(sum(means[:2]) / 2, rel=1e-5)
    states = [
        torch.load(pair.folder / name / "checkpoints" / "last.ckpt", weights_only=True)
        for name in ("one", "two")
    ]
    for key, value in states[0]["state_dict"].items():
        torch.testing.assert_close(states[1]["state_dict"][key], value, rtol=1e-4, atol=1e-6)


def _files(folder: Path) -> list[str]:
    names = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(re.sub(r"tfevents\.[^/]*?(\d+)$", r"tfevents.\1", name) for name in names)


def test_two_processes_write_one_run_folder(pair: Bench) -> None:
    one, two = pair.folder / "one", pair.folder / "two"
    assert _files(two) == _files(one)
    assert {path.name for path in pair.folder.iterdir() if path.is_dir()} <= {"one", "two"}
    lines = [line[24:] for line in (two / "train.log").read_text("utf-8").splitlines()]
    assert [line for line, count in Counter(lines).items() if count > 1 and line] == []
    assert sum(line.startswith("INFO epoch") for line in lines) == 2
    events = EventAccumulator(str(two), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "val/dice"} <= set(tags["scalars"])
    for tag in tags["scalars"]:
        steps = [point.step for point in events.Scalars(tag)]
        assert len(steps) == len(set(steps)), tag
    assert [point.step for point in events.Images(tags["images"][0])] == [0, 1]


def test_each_job_of_a_sweep_starts_its_own_processes(bench: Bench) -> None:
    """One whose second process fails does not end the sweep; folders of one's own are searched."""
    own = bench.folder / "own" / "schedule"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(
        "_target_: segkit.training.schedules.constant\n_partial_: true\n", encoding="utf-8"
    )
    given = ("-m", "--config-dir=own", "schedule=mine", "seed=1,2", "hydra.sweep.dir=sweep")
    code, err = bench.finish(*given, "+callbacks.spy.how=raise,none", "trainer.max_epochs=1")
    assert code == 1
    assert "KeyError: 'had enough'" in err
    folders = sorted(path for path in (bench.folder / "sweep").iterdir() if path.is_dir())
    configs = [yaml.safe_load((f / "config.yaml").read_text("utf-8")) for f in folders]
    settings = [(c["seed"], c["callbacks"]["spy"]["how"]) for c in configs]
    assert settings == [(1, "raise"), (1, "none"), (2, "raise"), (2, "none")]
    whole = [folder for folder in folders if (folder / "summary.json").exists()]
    assert whole == [folders[1], folders[3]]
    losses = [row["train/loss"] for folder in whole for row in bench.run.rows(folder)]
    assert len(set(losses)) == 2
    assert not (bench.folder / "outputs").exists()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise", ["KeyError: 'had enough'", "error in process 1"]),
        ("mistake", ["error in process 1: had enough"]),
        ("die early", ["process 1 was killed by SIGKILL"]),
    ],
)
def test_a_process_that_fails_ends_the_run(bench: Bench, how: str, said: list[str]) -> None:
    code, err = bench.finish(f"+callbacks.spy.how={how}", "trainer.max_epochs=1000")
    assert code != 0
    for words in said:
        assert words in err
    assert "Connection closed" not in err, "what gloo says is no explanation"


def _gone(pid: int, seconds: float) -> bool:
    """Whether a process ends within so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")  # init may be slow to collect one that has ended
        if status.exists() and status.read_text("utf-8").rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.2)
    return False


@pytest.fixture
def endless(bench: Bench) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A training that would go on for hours, and the number of its second process."""
    given = ("trainer.max_epochs=100000", "hydra.run.dir=endless")
    with bench.start(*given, pause=0.05) as process:
        second = bench.folder / "pid1"
        deadline = time.monotonic() + 200
        while not (second.exists() and second.read_text("utf-8")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        pid = int(second.read_text("utf-8"))
        try:
            yield process, pid
        finally:
            process.kill()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_killed_process_ends_the_first(endless: tuple["subprocess.Popen[str]", int]) -> None:
    process, pid = endless
    os.kill(pid, signal.SIGKILL)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "process 1 was killed by SIGKILL" in err
    assert "resume=" in err
    assert "Traceback" not in err


def test_no_process_outlives_the_first(endless: tuple["subprocess.Popen[str]", int]) -> None:
    process, pid = endless
    process.kill()
    assert _gone(pid, 30)
