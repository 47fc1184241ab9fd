"""``resume=DIR``: the same end as the run that was never stopped, or a message why not."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

IN_PROCESS = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    tensors: dict[str, torch.Tensor] = saved["state_dict"]
    return tensors


def losses(run: Any, folder: Path) -> list[tuple[str, ...]]:
    return [tuple(list(row.values())[:6]) for row in run.rows(folder)]


@IN_PROCESS
@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(["schedule.patience=0", "schedule.factor=0.1"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant", "model=segformer_b0"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant", "dataset.num_workers=2"], marks=pytest.mark.slow),
        pytest.param(
            ["schedule=constant", "dataset.device_cache=true", "augment=device_light"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_a_run_is_gone_on_with_exactly(
    run: Any, here: Any, tmp_path: Path, schedule: list[str]
) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert here(*run.arguments(f"hydra.run.dir={whole}", "trainer.max_epochs=4", *schedule)) == 0
    assert here(*run.arguments(f"hydra.run.dir={halves}", "trainer.max_epochs=2", *schedule)) == 0
    config = (halves / "config.yaml").read_text("utf-8")
    assert here(f"resume={halves}", "trainer.max_epochs=4") == 0
    assert [row["epoch"] for row in run.rows(halves)] == ["0", "1", "2", "3"]
    assert losses(run, halves) == losses(run, whole)
    changes = len({row["lr"] for row in run.rows(whole)}) > 1
    assert changes == ("schedule.patience=0" in schedule)
    expected = weights(whole)
    assert all(torch.equal(value, expected[key]) for key, value in weights(halves).items())
    facts = [json.loads((folder / "summary.json").read_text("utf-8")) for folder in (whole, halves)]
    assert facts[0]["test"] == facts[1]["test"]
    assert facts[0]["best_epoch"] == facts[1]["best_epoch"]
    assert (halves / "panels" / "epoch_003.png").is_file()
    assert list((tmp_path / "outputs").glob("*")) == []
    changed = (halves / "config.yaml").read_text("utf-8")
    given = "- trainer.max_epochs=4\n"
    assert changed.replace("max_epochs: 4", "max_epochs: 2").replace(given, "") == config
    assert given in changed


def test_what_decides_the_result_may_not_change_on_resume(
    run: Any, here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(f"resume={run.folder}", "optim.lr=0.5") == 2
    err = capsys.readouterr().err
    assert "optim.lr may not change on resume (it was 0.001)" in err
    assert "trainer.max_epochs" in err


@pytest.mark.slow
def test_killed_at_any_moment_and_resumed(run: Any, here: Any, tmp_path: Path) -> None:
    """SIGKILL in the third epoch: the same final weights as the run that was never killed."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    long = [*run.arguments(), "trainer.max_epochs=6", f"hydra.run.dir={killed}"]
    with subprocess.Popen(
        [sys.executable, "-m", "segkit.train", *long], env=run.environment(), cwd=tmp_path
    ) as process:
        deadline = time.monotonic() + 300
        while not (killed / "panels" / "epoch_002.png").exists():
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert here(f"resume={killed}") == 0
    assert here(*run.arguments(f"hydra.run.dir={whole}", "trainer.max_epochs=6")) == 0
    assert losses(run, killed) == losses(run, whole)
    expected = weights(whole)
    assert all(torch.equal(value, expected[key]) for key, value in weights(killed).items())


@pytest.fixture
def copied(run: Any, tmp_path: Path) -> Path:
    """A copy of the run of two epochs, which a test may go on with."""
    return Path(shutil.copytree(run.folder, tmp_path / "moved"))


@IN_PROCESS
def test_a_run_that_was_moved_remembers_its_best_epoch(run: Any, here: Any, copied: Path) -> None:
    best = run.summary["best_score"]
    # A rate of nothing changes no weight: no later epoch can be better.
    assert here(f"resume={copied}", "trainer.max_epochs=2") == 0
    summary = json.loads((copied / "summary.json").read_text("utf-8"))
    assert (summary["best_epoch"], summary["best_score"]) == (run.summary["best_epoch"], best)
    assert summary["test"] == run.summary["test"]
    saved = torch.load(copied / "checkpoints" / "last.ckpt", weights_only=True)
    states = [state for state in saved["callbacks"].values() if "best_model_path" in state]
    assert states


def test_other_data_is_not_gone_on_with(
    here: Any, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (copied / "split.csv").read_text("utf-8").splitlines()
    other = [table[0], *(line.replace(",train,", ",val,") for line in table[1:])]
    (copied / "split.csv").write_text("\n".join(other) + "\n", "utf-8")
    assert here(f"resume={copied}", "trainer.max_epochs=3") == 2
    assert "the data is not what this run was begun with: 8 records" in capsys.readouterr().err
    assert (copied / "split.csv").read_text("utf-8").splitlines() == other


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_rate_that_was_laid_out_is_not_stretched(
    here: Any, copied: Path, schedule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (copied / "config.yaml").read_text("utf-8")
    changed = config.replace("segkit.schedules.plateau", f"segkit.schedules.{schedule}")
    assert changed != config
    (copied / "config.yaml").write_text(changed, "utf-8")
    assert here(f"resume={copied}", "trainer.max_epochs=3") == 2
    assert "the learning rate was laid out" in capsys.readouterr().err
