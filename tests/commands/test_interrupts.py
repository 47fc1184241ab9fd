"""Signals end a training between two steps, and what was whole before stays whole."""

import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping

from segkit.training.callbacks.interrupts import Interrupts
from segkit.training.checkpoints import position

IN_PROCESS = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")
SLOWLY = ("dataset.batch_size=2", "schedule=constant", "trainer.max_epochs=3")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    tensors: dict[str, torch.Tensor] = saved["state_dict"]
    return tensors


def same_end(run: Any, first: Path, second: Path) -> None:
    expected = weights(first)
    assert all(torch.equal(value, expected[key]) for key, value in weights(second).items())
    tables = [[list(row.values())[:6] for row in run.rows(folder)] for folder in (first, second)]
    assert tables[0] == tables[1]
    facts = [json.loads((f / "summary.json").read_text("utf-8")) for f in (first, second)]
    assert facts[0]["test"] == facts[1]["test"]


@IN_PROCESS
@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        ((1, (1, 2)), [signal.SIGTERM]),
        ((3, (2, 0)), [signal.SIGTERM]),
        # Slurm preempts a job so, which had asked for a warning before its time is over.
        ((1, (1, 2)), [signal.SIGUSR1, signal.SIGTERM]),
    ],
    ids=["in an epoch", "in its last step", "two signals"],
)
def test_a_signal_loses_no_step(
    run: Any,
    here: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    moment: tuple[int, tuple[int, int]],
    sent: list[signal.Signals],
) -> None:
    batch, reached = moment
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert here(*run.arguments(*SLOWLY, f"hydra.run.dir={whole}")) == 0
    plain = Interrupts.on_train_batch_end

    def received(self: Any, trainer: Any, *rest: Any) -> None:
        if (trainer.current_epoch, rest[-1]) == (1, batch):
            for number in sent:
                signal.raise_signal(number)
        plain(self, trainer, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Interrupts, "on_train_batch_end", received)
        assert here(*run.arguments(*SLOWLY, f"hydra.run.dir={halves}")) == 128 + signal.SIGTERM
    found, _ = position(halves / "checkpoints")
    assert found is not None
    assert (found.epoch, found.batch) == reached
    assert not (halves / "summary.json").exists()
    assert here(f"resume={halves}") == 0
    same_end(run, whole, halves)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_each_signal_as_a_user_sends_it(
    run: Any, here: Any, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "run"
    given = [*run.arguments(), "trainer.max_epochs=200", f"hydra.run.dir={folder}"]
    with subprocess.Popen(
        [sys.executable, "-m", "segkit.train", *given, "callbacks.early_stopping.patience=200"],
        env=run.environment(),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has SIGINT ignored, which is inherited.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        deadline = time.monotonic() + 300
        while not (folder / "panels" / "epoch_001.png").exists():
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert f"stopped by {number.name}, checkpoint written; resume with" in err
    received = re.search(r"resume=(\S+)", err)
    assert received
    assert (tmp_path / received[1]).resolve() == folder.resolve()
    before = len(run.rows(folder))
    assert here(f"resume={folder}", f"trainer.max_epochs={before + 1}") == 0
    assert [int(row["epoch"]) for row in run.rows(folder)] == list(range(before + 1))


def test_a_second_ctrl_c_does_not_wait() -> None:
    interrupts = Interrupts(every_n_steps=0)
    interrupts._hear(signal.SIGINT, None)
    assert interrupts.received == signal.SIGINT
    with pytest.raises(KeyboardInterrupt):
        interrupts._hear(signal.SIGINT, None)


@pytest.mark.parametrize(("waited", "ends"), [(0, False), (2, False), (3, True)])
def test_what_had_been_stopped_early_is_not_trained_on(*, waited: int, ends: bool) -> None:
    stopping = EarlyStopping("val/dice", patience=3)
    stopping.wait_count = waited
    trainer: Any = SimpleNamespace(callbacks=[stopping], should_stop=False)
    interrupts = Interrupts(every_n_steps=0)
    interrupts.on_train_start(trainer, trainer)
    interrupts.teardown(trainer, trainer, "fit")
    assert trainer.should_stop is ends


@pytest.fixture
def copied(run: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run.folder, tmp_path / "copied"))


@IN_PROCESS
@pytest.mark.slow
def test_a_damaged_checkpoint_is_told_and_passed_over(
    run: Any, here: Any, tmp_path: Path, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole"
    assert here(*run.arguments(f"hydra.run.dir={whole}", "trainer.max_epochs=3")) == 0
    last = copied / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:-1000])
    assert here(f"resume={copied}", "trainer.max_epochs=3") == 0
    assert "last.ckpt is damaged" in capsys.readouterr().err
    same_end(run, whole, copied)


def test_no_checkpoint_that_can_be_read(
    here: Any, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("last", "previous"):
        (copied / "checkpoints" / f"{name}.ckpt").write_bytes(b"PK\x03\x04")
    assert here(f"resume={copied}", "trainer.max_epochs=3") == 2
    assert "no checkpoint to resume from: last.ckpt is damaged" in capsys.readouterr().err


def test_a_run_that_another_process_trains(
    run: Any, copied: Path, here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = "import fcntl, sys; h = open(sys.argv[1], 'w'); fcntl.flock(h, fcntl.LOCK_EX); "
    hold = [sys.executable, "-c", lock + "print(1, flush=True); input()", str(copied / ".lock")]
    with subprocess.Popen(
        hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert here(f"resume={copied}", "trainer.max_epochs=3") == 2
        assert "another process trains this run" in capsys.readouterr().err
        process.communicate("\n", timeout=60)
    assert [row["epoch"] for row in run.rows(copied)] == ["0", "1"]


@pytest.mark.slow
def test_a_full_disk_leaves_the_checkpoint_before(run: Any, copied: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for it: writing fails the same way."""
    before = {p.name: p.read_bytes() for p in (copied / "checkpoints").iterdir()}

    most = len(before["best.ckpt"]) // 2  # the epoch to come may be the best

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    done = subprocess.run(
        [sys.executable, "-m", "segkit.train", f"resume={copied}", "trainer.max_epochs=3"],
        env=run.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "the checkpoint could not be written" in done.stderr
    assert (
        f"make room on this disk, or give back the right to write; then resume with resume={copied}"
        in done.stderr
    )
    after = {p.name: p.read_bytes() for p in (copied / "checkpoints").iterdir()}
    assert after["last.ckpt"] == before["last.ckpt"]
    assert after["best.ckpt"] == before["best.ckpt"]
    assert not [name for name in after if name.startswith(".")]
