"""Trainings cut down to next to nothing, or stripped of their callbacks, still end well."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated"),
    pytest.mark.filterwarnings("ignore:.*you defined a `validation_step`.*"),
]


def summary(folder: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((folder / "summary.json").read_text("utf-8"))
    return known


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("trainer.limit_val_batches=1", marks=pytest.mark.slow),
        "trainer.limit_val_batches=0",
        pytest.param("trainer.limit_train_batches=1", marks=pytest.mark.slow),
        "trainer.max_steps=1",
        pytest.param("trainer.max_epochs=0", marks=pytest.mark.slow),
        pytest.param("trainer.max_time=00:00:00:00", marks=pytest.mark.slow),
        pytest.param("dataset.panel_ids=[]", marks=pytest.mark.slow),
        pytest.param("trainer.check_val_every_n_epoch=2", marks=pytest.mark.slow),
    ],
)
def test_a_training_cut_short(run: Any, here: Any, tmp_path: Path, given: str) -> None:
    folder = tmp_path / "short"
    assert here(*run.arguments(given, f"hydra.run.dir={folder}")) == 0
    assert summary(folder)["test"]["all"]["n"] > 0


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "plateau"])
@pytest.mark.slow
def test_no_step_under_any_schedule(run: Any, here: Any, tmp_path: Path, schedule: str) -> None:
    folder = tmp_path / "none"
    given = (f"schedule={schedule}", "trainer.max_epochs=0", f"hydra.run.dir={folder}")
    assert here(*run.arguments(*given)) == 0
    assert summary(folder)["best_epoch"] is None


@pytest.mark.slow
def test_without_a_test(run: Any, here: Any, tmp_path: Path) -> None:
    folder = tmp_path / "untested"
    assert here(*run.arguments("trainer.limit_test_batches=0", f"hydra.run.dir={folder}")) == 0
    assert summary(folder)["test"] is None


@pytest.mark.parametrize("left_out", ["~callbacks", "~logger"])
@pytest.mark.slow
def test_without_a_group(run: Any, here: Any, tmp_path: Path, left_out: str) -> None:
    folder = tmp_path / "bare"
    assert here(*run.arguments(left_out, f"hydra.run.dir={folder}")) == 0
    assert summary(folder)["test"]["all"]["n"] > 0


@pytest.mark.slow
def test_without_the_best_checkpoint_none_is_claimed(
    run: Any, here: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "unchosen"
    assert here(*run.arguments("~callbacks.checkpoint", f"hydra.run.dir={folder}")) == 0
    assert summary(folder)["best_epoch"] is None
    assert "segkit.evaluate" not in capsys.readouterr().out


def test_one_value_a_channel_is_no_statistic(
    run: Any, here: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("model=unet_mnv2", "dataset.batch_size=1", f"hydra.run.dir={tmp_path / 'one'}")
    assert here(*run.arguments(*given)) == 2
    assert "dataset.batch_size=2" in capsys.readouterr().err


@pytest.mark.slow
def test_the_monitor_is_in_the_table(run: Any, here: Any, tmp_path: Path) -> None:
    folder = tmp_path / "recall"
    assert here(*run.arguments("monitor=val/recall", f"hydra.run.dir={folder}")) == 0
    recalls = [float(row["val/recall"]) for row in run.rows(folder)]
    assert max(recalls) == pytest.approx(summary(folder)["best_score"], rel=1e-5)


def test_a_class_cannot_be_called_all(
    here: Any, capsys: pytest.CaptureFixture[str], phantom_root: Path
) -> None:
    given = (f"dataset.root={phantom_root}", "dataset.classes=[background,all]")
    assert here("dataset=folder", *given) == 2
    assert "are ambiguous" in capsys.readouterr().err
