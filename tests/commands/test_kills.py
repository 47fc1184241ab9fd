"""SIGKILL at any moment, and the same command again: the end is that of a run never killed.

``SEGKIT_KILLS=200 pytest -m slow tests/commands/test_kills.py`` kills more often than the default;
``SEGKIT_KILL_SEED`` chooses other moments. What was hit is printed with ``-s``.
"""

import contextlib
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("SEGKIT_KILLS", "20"))  # of each recipe
SEED = int(os.environ.get("SEGKIT_KILL_SEED", "0"))
LONGEST = 240.0  # seconds that one training may take


class Server:
    """Trainings in processes that can be killed; see kill_server.py."""

    def __init__(self, environment: dict[str, str], cwd: Path) -> None:
        script = Path(__file__).with_name("kill_server.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=cwd,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run(self, log: Path, arguments: list[str], moment: Callable[[], bool] | None = None) -> int:
        """The exit code; -9 where ``moment`` came before the end."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([str(log), *arguments]) + "\n")
        self.process.stdin.flush()
        child = int(self._line())
        deadline = time.monotonic() + LONGEST
        while moment and alive(child):
            assert time.monotonic() < deadline, f"it hangs: {log.read_text('utf-8')[-2000:]}"
            if moment():
                with contextlib.suppress(ProcessLookupError):  # it ended in this very moment
                    os.killpg(child, signal.SIGKILL)
                break
            time.sleep(0.001)
        return int(self._line())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8")
    except OSError:
        return False
    return state.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture(scope="module")
def server(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(run.environment(), tmp_path_factory.mktemp("killed"))
    yield made
    made.close()


def after(seconds: float) -> Callable[[], bool]:
    begun = time.monotonic()
    return lambda: time.monotonic() - begun > seconds


def once(folder: Path, pattern: str, nth: int) -> Callable[[], bool]:
    """When the nth file of this kind has been seen; a checkpoint that is being written, say.

    What an earlier kill left behind does not count: it would be the start of the process again.
    """
    left = set(folder.glob(pattern))
    seen: set[Path] = set()

    def moment() -> bool:
        seen.update(set(folder.glob(pattern)) - left)
        return len(seen) >= nth

    return moment


def moments(work: Path, run_folder: Path, longest: float) -> Iterator[tuple[str, Any]]:
    """What to wait for, in turn, and at random within it."""
    draw = random.Random(SEED)  # no secret
    chosen: list[tuple[str, Callable[[], Callable[[], bool]]]] = [
        ("the data set is drawn", lambda: once(work, "cache/**/*.png", 1)),
        ("the cache is built", lambda: once(work, "cache/.*.building", 1)),
        ("a checkpoint is written", lambda: once(run_folder, "checkpoints/.*.ckpt", 1)),
    ]
    for name, make in chosen:
        yield name, make()
    for number in range(4 * KILLS):  # many come after the end
        if number % 3 == 2:
            nth = draw.randint(1, 6)
            yield "a checkpoint is written", once(run_folder, "checkpoints/.last.*.ckpt", nth)
        else:
            yield "at random", after(draw.uniform(0.0, longest))


RECIPES = {
    "dropout, two workers, checkpoints within the epoch": [
        "model=segformer_b0",
        "dataset.batch_size=2",
        "dataset.num_workers=2",
        "callbacks.interrupts.every_n_steps=1",
        "schedule.patience=0",
        "schedule.factor=0.5",
    ],
    "accumulated gradients, plain checkpoints": [
        "model=unet_mnv2",
        "dataset.batch_size=2",
        "trainer.accumulate_grad_batches=2",
        "callbacks.early_stopping.patience=3",
        "schedule.patience=1",
        "optim.lr=0.05",
    ],
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_killed_again_and_again(
    server: Server, run: Any, tmp_path: Path, recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def arguments(work: Path) -> list[str]:
        names = [f"dataset.cache_dir={work / 'cache'}", f"hydra.run.dir={work / 'run'}"]
        more = (*names, "trainer.max_epochs=6", *RECIPES[recipe], "resume=true")
        return list(run.arguments(*more))

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for work in (whole, killed):
        work.mkdir()
    begun = time.monotonic()
    assert server.run(whole / "log", arguments(whole)) == 0, (whole / "log").read_text("utf-8")
    longest = time.monotonic() - begun
    hit: Counter[str] = Counter()
    for what, moment in moments(killed, killed / "run", longest):
        if (killed / "run" / "summary.json").exists():
            shutil.rmtree(killed / "run")  # it came to its end between two kills: once more
        code = server.run(killed / "log", arguments(killed), moment)
        assert code in (0, -signal.SIGKILL), (killed / "log").read_text("utf-8")[-3000:]
        hit[what if code else "it had ended"] += 1
        if hit.total() - hit["it had ended"] == KILLS:
            break
    assert server.run(killed / "log", arguments(killed)) == 0
    compare(whole / "run", killed / "run")
    with capsys.disabled():
        print(f"\n{recipe}: {hit.total() - hit['it had ended']} kills survived, {dict(hit)}")
    assert hit.total() - hit["it had ended"] == KILLS


def compare(whole: Path, killed: Path) -> None:
    """Everything but clocks is the same."""
    for name in ("last", "best"):
        first, second = (
            torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
            for folder in (whole, killed)
        )
        parts = ["state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step"]
        for part in parts:
            assert same(first.get(part), second.get(part)), f"{name}.ckpt: {part}"
    assert table(whole) == table(killed)
    facts = [json.loads((f / "summary.json").read_text("utf-8")) for f in (whole, killed)]
    for key in ("best_epoch", "best_score", "test", "epochs", "split_hash"):
        assert facts[0][key] == facts[1][key], key
    for pattern in ("panels/*", "split.csv"):
        files = [{p.name: p.read_bytes() for p in f.glob(pattern)} for f in (whole, killed)]
        assert files[0] == files[1], pattern
    assert points(whole) == points(killed)
    left = [p.name for p in killed.rglob(".*")]
    assert left == [], "unfinished files stay behind"


def same(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(v, second[k]) for k, v in first.items())
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def table(folder: Path) -> list[list[str]]:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return [row[:6] for row in csv.reader(file)]


def points(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Of each curve, by step; a point that is there twice would show."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    timed = ("seconds", "images_per_second")
    return {
        tag: sorted((point.step, point.value) for point in events.Scalars(tag))
        for tag in events.Tags()["scalars"]
        if tag not in timed and not tag.startswith("hp")
    }
