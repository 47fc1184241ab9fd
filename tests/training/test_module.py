"""The task: what one step does, what it tells of an epoch, and that it repeats exactly."""

from functools import partial
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
from torch import Tensor, nn

from segkit.core.errors import SegkitError
from segkit.training.schedules import plateau
from tests.training.small_module import WARNINGS, MakeData, Watch, make_task, make_trainer

pytestmark = WARNINGS


def test_training_lowers_the_loss(make_data: MakeData) -> None:
    watch = Watch()
    make_trainer(8, watch).fit(make_task(lr=3e-2), datamodule=make_data())
    assert len(watch.losses) == 16
    assert np.mean(watch.losses[-4:]) < 0.75 * np.mean(watch.losses[:2])


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_seed_gives_the_same_losses(make_data: MakeData, workers: int) -> None:
    """Twice in one process, and whatever the number of workers."""
    sequences = []
    for number in (0, workers):
        watch = Watch()
        data = make_data(num_workers=number)
        make_trainer(3, watch).fit(make_task(), datamodule=data)
        sequences.append(watch.losses)
    assert len(sequences[0]) == 6
    assert sequences[0] == sequences[1]
    assert len(set(sequences[0])) == 6, "every step saw the same"


def test_another_seed_gives_other_losses(make_data: MakeData) -> None:
    sequences = []
    for seed in (0, 1):
        watch = Watch()
        make_trainer(1, watch).fit(make_task(), datamodule=make_data(seed=seed))
        sequences.append(watch.losses)
    assert sequences[0] != sequences[1]


@pytest.mark.parametrize(("monitor", "cuts"), [("val/precision", 0), ("val/dice", 2)])
def test_a_score_that_is_undefined_leaves_the_rate(
    make_data: MakeData, monitor: str, cuts: int
) -> None:
    """Nothing is drawn: precision is 0 / 0, and Dice 0 in each of three epochs."""
    falls = partial(plateau, monitor=monitor, mode="max", factor=0.5, patience=0, min_lr=0.0)
    module, trainer = make_task(lr=1e-2, threshold=1.0, schedule=falls), make_trainer(3)
    trainer.fit(module, datamodule=make_data())
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(1e-2 * 0.5**cuts)


class _NotFinite(nn.Module):
    """A loss that breaks at one step."""

    def __init__(self, at: int, value: float) -> None:
        super().__init__()
        self.at, self.value, self.calls = at, value, 0

    def forward(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        del target_BHW
        self.calls += 1
        return logits_BKHW.mean() * (self.value if self.calls == self.at else 1.0)


@pytest.mark.parametrize(("at", "value"), [(1, np.nan), (2, np.inf)])
def test_a_loss_that_is_not_finite_stops_the_run(
    make_data: MakeData, at: int, value: float
) -> None:
    """In the middle of an epoch, and at its last step."""
    data = make_data()
    task = make_task(loss=_NotFinite(at, value))
    with pytest.raises(SegkitError, match="the loss became") as error:
        make_trainer(3).fit(task, datamodule=data)
    batch: Any = list(data.train_dataloader())[at - 1]
    ids = [data.records[i].id for i in batch["index_B"].tolist()]
    assert error.value.where == f"records {', '.join(ids)}"
    assert task.current_epoch == 0


def test_images_and_loss_are_of_the_epoch(make_data: MakeData) -> None:
    watch, task = Watch(), make_task()
    seen: list[tuple[int, float]] = []

    class Look(pl.Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            del trainer
            assert pl_module.images_per_second() > 0
            seen.append((pl_module.throughput.images, pl_module.training_loss()))

    make_trainer(2, watch, Look()).fit(task, datamodule=make_data())
    assert [images for images, _ in seen] == [6, 6]
    expected = [np.mean(watch.losses[:2]), np.mean(watch.losses[2:])]
    assert [loss for _, loss in seen] == pytest.approx(expected)
