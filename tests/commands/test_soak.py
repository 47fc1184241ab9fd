"""A training of three hundred epochs ends as small as it was after thirty."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="it is measured by way of /proc"),
]

EPOCHS, WARM = 300, 30
BUDGET = 1  # megabytes of panels in the event file
# What the scalars of all epochs and the configuration may add to it.
SCALARS = 1.0
LEARNT = "{_target_: torch.nn.Conv2d, in_channels: 3, kernel_size: 3, padding: 1}"


class Sample(NamedTuple):
    """What the main process holds after so many epochs; its own memory in MiB."""

    epoch: int
    memory: float
    files: int
    threads: int


def sample(process: int, epoch: int) -> Sample:
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    memory = int(status["VmRSS"].split()[0]) / 1024
    files = len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208  # names are all that is asked
    return Sample(epoch, memory, files, int(status["Threads"]))


def watched(command: Sequence[str], folder: Path, cwd: Path, env: dict[str, str]) -> list[Sample]:
    """Run a training to its end, and measure it from outside whenever an epoch has been drawn."""
    samples: list[Sample] = []
    with (cwd / "said").open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=said, stderr=said)
        try:
            while process.poll() is None:
                epoch = len(list(folder.glob("panels/*.png")))
                # After the last one the test loads what training did not need, and the report.
                if epoch < EPOCHS and (not samples or samples[-1].epoch < epoch):
                    samples.append(sample(process.pid, epoch))
                time.sleep(0.2)
        except FileNotFoundError:
            process.wait()  # it ended between the two lines
        finally:
            process.kill()
    assert process.wait() == 0, (cwd / "said").read_text("utf-8")[-3000:]
    return samples


class Soak(NamedTuple):
    folder: Path
    samples: list[Sample]

    def at(self, first: int, last: int, value: Callable[[Sample], float]) -> float:
        """The median over some epochs: one moment in the middle of a step says little."""
        return statistics.median(value(one) for one in self.samples if first <= one.epoch <= last)


@pytest.fixture(scope="module")
def soak(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Soak:
    cwd = tmp_path_factory.mktemp("soak")
    folder = cwd / "run"
    given = [
        f"dataset.cache_dir={cwd / 'cache'}",
        "dataset.count=8",
        "dataset.image_size=32",
        "dataset.size=32",
        "dataset.batch_size=4",
        "dataset.panel_count=2",
        "trainer=cpu",
        "trainer.precision=32-true",
        f"trainer.max_epochs={EPOCHS}",
        "trainer.enable_progress_bar=false",
        "schedule=constant",
        "~callbacks.early_stopping",
        f"callbacks.panels.tensorboard_megabytes={BUDGET}",
        "~model",
        f"+model={LEARNT}",
        f"hydra.run.dir={folder}",
    ]
    command = [sys.executable, "-m", "segkit.train", *given]
    return Soak(folder, watched(command, folder, cwd, run.environment()))


def test_every_epoch_was_seen_to(soak: Soak) -> None:
    rows = (soak.folder / "metrics.csv").read_text("utf-8").splitlines()
    assert len(rows) == EPOCHS + 1
    assert len(list(soak.folder.glob("panels/*.png"))) == EPOCHS
    assert (soak.folder / "report.html").stat().st_size < 5_000_000
    # Enough to compare: some from just after the beginning, some from the end.
    assert sum(WARM <= one.epoch < WARM + 30 for one in soak.samples) >= 3
    assert sum(one.epoch > EPOCHS - 30 for one in soak.samples) >= 3


def test_memory_is_flat(soak: Soak) -> None:
    before = soak.at(WARM, WARM + 30, lambda one: one.memory)
    after = soak.at(EPOCHS - 30, EPOCHS, lambda one: one.memory)
    assert after - before < 30, f"{before:.0f} MiB, then {after:.0f} MiB"


@pytest.mark.parametrize("kind", ["files", "threads"])
def test_open_files_and_threads_are_flat(soak: Soak, kind: str) -> None:
    before = soak.at(WARM, WARM + 30, lambda one: getattr(one, kind))
    after = soak.at(EPOCHS - 30, EPOCHS, lambda one: getattr(one, kind))
    assert after <= before + 2, f"{before} {kind}, then {after}"


def test_the_event_file_keeps_within_its_budget(soak: Soak) -> None:
    panels = sum(path.stat().st_size for path in soak.folder.glob("panels/*.png"))
    assert panels > 1.5 * BUDGET * 2**20, "too little was drawn for the budget to matter"
    events = sum(path.stat().st_size for path in soak.folder.glob("events.out.tfevents.*"))
    assert events < (BUDGET + SCALARS) * 2**20
