"""``debug=fast``, ``overfit``, ``profile`` and ``anomaly``: a training looked into."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir

from segkit.data.datamodule import SegmentationData
from segkit.runs.build import build_data, build_reader
from segkit.tasks.losses import CrossEntropyDice

pytestmark = [pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")]


CONF = Path(__file__).parents[2] / "conf"


def summary(folder: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((folder / "summary.json").read_text("utf-8"))
    return known


def log(folder: Path) -> str:
    return (folder / "train.log").read_text("utf-8")


def only_run(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


@pytest.mark.slow
def test_fast_as_a_user_types_it(run: Any, call: Any, tmp_path: Path) -> None:
    """All files of a run, apart from real ones, of a batch of each."""
    given = [each for each in run.arguments() if not each.startswith("trainer.max_epochs")]
    done = call(*given, "debug=fast", "dataset.panel_count=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = only_run(tmp_path / "outputs" / "debug" / "fast")
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["debug"]
    assert (summary(folder)["epochs"], summary(folder)["best_epoch"]) == (1, 0)
    assert len(run.rows(folder)) == 1
    for name in ("report.html", "checkpoints/best.ckpt", "curves.png", "panels/epoch_000.png"):
        assert (folder / name).is_file(), name


@pytest.mark.slow
def test_overfit_learns_and_says_so(
    run: Any, here: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A goal that is soon reached, for a test; what is trained on is what is validated on."""
    folder = tmp_path / "few"
    given = run.arguments(
        "debug=overfit",
        "trainer.overfit_batches=1",
        "trainer.max_epochs=3",
        "trainer.check_val_every_n_epoch=1",
        "callbacks.overfit.goal=0.01",
        f"hydra.run.dir={folder}",
    )
    assert here(*given) == 0
    assert ": learnt\n" in log(folder)
    assert summary(folder)["learnt"] is True
    assert "overfit: 4 training images, the same each epoch; they validate too" in log(folder)
    facts = summary(folder)
    assert facts["data"]["records"]["train"] == facts["data"]["records"]["val"] == 4
    assert facts["test"] is None
    assert facts["split_hash"] == run.summary["split_hash"], "the split is what it was"
    assert facts["epochs"] < 3, "it ends when it is learnt"
    capsys.readouterr()
    # Resumed like any other run, and not by another configuration.
    assert here(f"resume={folder}", "debug=fast") == 2
    assert "leave debug=fast out" in capsys.readouterr().err
    assert here(f"resume={folder}", "trainer.overfit_batches=2") == 2
    assert "trainer.overfit_batches" in capsys.readouterr().err


@pytest.mark.slow
def test_a_batch_is_learnt_by_heart(run: Any, here: Any, tmp_path: Path) -> None:
    """Four phantoms, to the goal that debug=overfit comes with; an experiment may watch a loss."""
    folder = tmp_path / "few"
    small = ["model=unet_lowered", "model.dropout=0", "optim.lr=0.003", "dataset.size=64"]
    given = run.arguments(
        *("debug=overfit", *small, "monitor=val/loss", "mode=min", f"hydra.run.dir={folder}")
    )
    given.remove("trainer.max_epochs=2")
    assert here(*given) == 0
    assert float(run.rows(folder)[-1]["val/dice"]) >= 0.99
    assert summary(folder)["epochs"] == len(run.rows(folder)) < 300
    assert re.search(r"INFO overfit: val/dice 0\.99\d\d after \d+ epochs: learnt\n", log(folder))


@pytest.mark.slow
@pytest.mark.parametrize(
    "ended",
    [
        ["trainer.max_epochs=1"],
        ["callbacks.early_stopping.patience=1", "optim.lr=0"],
    ],
)
def test_what_was_not_learnt_is_a_warning_and_exit_code_1(
    run: Any, here: Any, tmp_path: Path, ended: list[str]
) -> None:
    folder = tmp_path / "few"
    given = ["debug=overfit", "trainer.check_val_every_n_epoch=1", f"hydra.run.dir={folder}"]
    assert here(*run.arguments(*given, "trainer.max_epochs=9", *ended, "resume=true")) == 1
    assert "WARNING overfit: val/dice" in log(folder)
    assert "of 0.99: not learnt; look at panels/" in log(folder)
    assert summary(folder)["learnt"] is False
    assert summary(folder)["epochs"] < 9
    # The same command again has the same answer.
    assert here(*run.arguments(*given, "trainer.max_epochs=9", *ended, "resume=true")) == 1


@pytest.mark.slow
def test_the_other_jobs_of_a_sweep_still_run(run: Any, here: Any, tmp_path: Path) -> None:
    given = ["debug=overfit", "seed=1,2", "hydra.sweep.dir=both", "callbacks.last.every_n_epochs=1"]
    assert here("-m", *run.arguments(*given, "trainer.check_val_every_n_epoch=1")) == 0
    found = [summary(path.parent) for path in (tmp_path / "both").glob("*/summary.json")]
    assert [each["learnt"] for each in found] == [False, False]


def test_one_process_whatever_the_trainer_is_for() -> None:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        for name in ("fast", "overfit", "profile", "anomaly"):
            trainer = compose("train", ["trainer=ddp_cpu", f"debug={name}"]).trainer
            assert (trainer.devices, trainer.num_nodes, trainer.strategy) == (1, 1, "auto")


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("dataset.device_cache=true", "augment=device_light")])
def test_an_overfit_run_that_is_resumed_ends_as_one_that_never_was(
    run: Any, here: Any, tmp_path: Path, more: tuple[str, ...]
) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    given = run.arguments("trainer.overfit_batches=2", "schedule=constant", *more)
    assert here(*given, f"hydra.run.dir={whole}", "trainer.max_epochs=4") == 0
    assert here(*given, f"hydra.run.dir={halves}", "trainer.max_epochs=2") == 0
    assert here(f"resume={halves}", "trainer.max_epochs=4") == 0
    states = [
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (whole, halves)
    ]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


@pytest.mark.slow
def test_profile_leaves_its_table_in_the_run_folder(
    run: Any, here: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "profiled"
    given = ["debug=profile", "logger=none", f"hydra.run.dir={folder}"]
    assert here(*run.arguments(*given)) == 0
    table = (folder / "fit-profile.txt").read_text("utf-8")
    assert "run_training_epoch" in table
    assert "optimizer_step" in table
    assert "fit-profile.txt" in capsys.readouterr().out
    assert yaml.safe_load((folder / "config.yaml").read_text("utf-8"))["trainer"]["profiler"]


def test_anomaly_names_the_operation(
    run: Any,
    here: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A loss that is finite, and whose gradient is not: sqrt at 0."""
    forward = CrossEntropyDice.forward

    def spoilt(self: Any, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return forward(self, logits, target) + (0 * logits).sqrt().sum()

    monkeypatch.setattr(CrossEntropyDice, "forward", spoilt)
    folder = tmp_path / "bad"
    with suppress(RuntimeError):  # which the command line shows with its traceback
        assert here(*run.arguments("debug=anomaly", "logger=none", f"hydra.run.dir={folder}")) == 1
    told = capsys.readouterr().err + log(folder)
    assert "Backward0' returned nan values" in told
    assert "in spoilt" in told, "the line of the forward pass"


@pytest.mark.sampled
@pytest.mark.parametrize("value", ["-1", "1.5", "true", "many"])
def test_what_is_no_number_of_batches(
    run: Any, here: Any, tmp_path: Path, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(*run.arguments(f"trainer.overfit_batches={value}")) == 2
    assert "trainer.overfit_batches=" in capsys.readouterr().err
    assert list((tmp_path / "outputs").iterdir()) == []


def data_of(run: Any, batches: float, size: int = 4) -> SegmentationData:
    trainer = {**run.config["trainer"], "overfit_batches": batches}
    dataset = {**run.config["dataset"], "batch_size": size}
    config = {**run.config, "trainer": trainer, "dataset": dataset}
    data = build_data(config, build_reader(config))
    data.prepare_data()
    return data


# Of eight training images: batches, of how many, and images in all.
SIZES = [
    *((1, 4, 4), (2, 4, 8), (0.5, 4, 4), (1.0, 4, 8), (99, 4, 8)),
    *((1, 3, 3), (99, 3, 6), (1.0, 3, 6), (0.5, 3, 3), (0.3, 3, 2), (0.01, 3, 1), (1, 9, 8)),
]


@pytest.mark.parametrize(("batches", "size", "images"), SIZES)
def test_each_epoch_has_the_same_batches(run: Any, batches: float, size: int, images: int) -> None:
    data = data_of(run, batches, size)
    plain = build_data(run.config, build_reader(run.config))
    plain.prepare_data()
    few = data.indices("train")
    assert data.indices("val") == few
    assert len(few) == len(set(few)) == images
    assert set(few) <= set(plain.indices("train"))
    assert data.indices("test") == plain.indices("test")
    assert data.split_csv() == plain.split_csv()
    loader = data.train_dataloader()
    epochs = []
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        epochs.append([batch["index_B"].tolist() for batch in loader])
    assert epochs[0] == epochs[1]
    assert [index for batch in epochs[0] for index in batch] == few, "all of them train"
    assert [index for batch in data.val_dataloader() for index in batch["index_B"].tolist()] == few


def test_images_with_something_to_find_come_first(run: Any) -> None:
    data = data_of(run, 1)
    assert all(data.cache.mask(data.records[index].id).any() for index in data.indices("train"))
