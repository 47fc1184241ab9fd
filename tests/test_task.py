"""The task: what one step does, what is counted, what is frozen, and that it repeats exactly."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import albumentations
import cv2
import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segkit.config_limits import MONITORS
from segkit.contracts import Stage
from segkit.data.augment import Augmentation
from segkit.data.datamodule import SegmentationData
from segkit.data.dsb2018 import Dsb2018
from segkit.data.splits import SplitSpec
from segkit.errors import SegkitError
from segkit.losses import CrossEntropyDice
from segkit.models.network import wrap
from segkit.schedules import constant
from segkit.task import SegmentationTask

pytestmark = [
    # Advice of Lightning's that the command leaves out too, and a notice of torch's to Lightning.
    pytest.mark.filterwarnings("ignore:.*does not have many workers.*"),
    pytest.mark.filterwarnings("ignore:.*number of training batches.*"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated"),
]


class TinyUnet(nn.Module):
    """An encoder with batch norm, and one layer that draws."""

    stride = 4

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        )
        self.head = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoder(image_BCHW))
        return logits


class Watch(pl.Callback):
    """Remembers each step's loss, and the state of the encoder in each epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.encoder: list[dict[str, Any]] = []

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        del trainer, batch, batch_idx
        self.losses.append(float(outputs["loss"]))
        encoder = pl_module.network.encoder
        learns = {parameter.requires_grad for parameter in encoder.parameters()}
        modes = {module.training for module in encoder.modules()}
        state = {key: value.clone() for key, value in encoder.state_dict().items()}
        self.encoder.append({"learns": learns, "trains": modes, "state": state})


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")


@pytest.fixture
def make_data(phantom_root: Path, caches: Path) -> Callable[..., SegmentationData]:
    def make(**changes: Any) -> SegmentationData:
        settings: dict[str, Any] = {
            "reader": Dsb2018(phantom_root),
            "name": "phantom",
            "split": SplitSpec(val=0.25, test=0.25),
            "augmentation": Augmentation(transforms=[albumentations.HorizontalFlip(p=0.5)]),
            "size": (32, 32),
            "crop": None,
            "channels": 3,
            "batch_size": 3,
            "num_workers": 0,
            "score_by": "image",
            "score_at": "native",
            "on_bad_record": "error",
            "cache_dir": caches,
            "panel_ids": None,
            "panel_count": 2,
            "seed": 0,
        }
        return SegmentationData(**(settings | changes))

    return make


def make_task(*, seed: int = 0, lr: float = 1e-2, **changes: Any) -> SegmentationTask:
    torch.manual_seed(seed)
    settings: dict[str, Any] = {
        "network": wrap(TinyUnet(), 3),
        "loss": CrossEntropyDice(entropy_weight=1.0, dice_weight=1.0, smooth=1.0, per_image=False),
        "optimizer": partial(torch.optim.AdamW, lr=lr),
        "schedule": constant,
        "classes": ("background", "nucleus"),
        "threshold": 0.5,
        "freeze_encoder": 0,
    }
    return SegmentationTask(**(settings | changes))


def make_trainer(epochs: int = 2, *callbacks: pl.Callback, **changes: Any) -> pl.Trainer:
    settings: dict[str, Any] = {
        "accelerator": "cpu",
        "max_epochs": epochs,
        "callbacks": list(callbacks),
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "use_distributed_sampler": False,
        "num_sanity_val_steps": 0,
    }
    return pl.Trainer(**(settings | changes))


MakeData = Callable[..., SegmentationData]


def counts(prediction: NDArray[Any], truth: NDArray[Any]) -> list[int]:
    """TP, FP, FN, TN of the foreground, by hand."""
    p, t = prediction.astype(bool), truth.astype(bool)
    return [int(n.sum()) for n in (p & t, p & ~t, ~p & t, ~p & ~t)]


@torch.no_grad()
def logits_of(task: SegmentationTask, data: SegmentationData, record_id: str) -> NDArray[Any]:
    image = torch.from_numpy(np.array(data.cache.image(record_id))).permute(2, 0, 1)
    logits: NDArray[Any] = task.network.eval()(image[None])[0, 0].numpy()
    return logits


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


def test_validation_counts_are_those_taken_by_hand(make_data: MakeData) -> None:
    task, data = make_task(), make_data()
    make_trainer(1).fit(task, datamodule=data)
    counted = task.counted["val"]
    assert counted.indices == data.indices("val")
    assert len(counted.indices) == 3
    dices = []
    for index, found in zip(counted.indices, counted.counts_NK4, strict=True):
        record = data.records[index].id
        truth = data.cache.mask(record)
        tp, fp, fn, tn = counts(logits_of(task, data, record) > 0, truth)
        assert found[1].tolist() == [tp, fp, fn, tn]
        dices.append(2 * tp / (2 * tp + fp + fn))
    assert task.scores["val"]["all"].dice == pytest.approx(np.mean(dices))
    logged = task.trainer.callback_metrics
    assert float(logged["val/dice"]) == pytest.approx(np.mean(dices))
    assert float(logged["val/loss"]) == pytest.approx(counted.loss)


def test_every_monitor_is_known_after_an_epoch(make_data: MakeData) -> None:
    task = make_task()
    make_trainer(1).fit(task, datamodule=make_data())
    assert set(MONITORS) <= set(task.trainer.callback_metrics)


def test_the_validation_loss_is_the_mean_over_images(make_data: MakeData) -> None:
    """Batches of 2 and 1 images must not count alike."""
    losses = []
    for size in (1, 2, 3):
        task = make_task(loss=_MeanOfLogits())
        trainer = make_trainer()
        trainer.validate(task, datamodule=make_data(batch_size=size), verbose=False)
        losses.append(task.counted["val"].loss)
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


class _MeanOfLogits(nn.Module):
    def forward(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        del target_BHW
        return logits_BKHW.mean()


def test_the_kept_masks_are_the_predictions_of_the_panels(make_data: MakeData) -> None:
    task, data = make_task(), make_data(panel_count=2)
    make_trainer(1).fit(task, datamodule=data)
    kept = task.counted["val"].kept
    assert sorted(kept) == sorted(data.panel_indices())
    for index, mask in kept.items():
        expected = logits_of(task, data, data.records[index].id) > 0
        np.testing.assert_array_equal(mask.astype(bool), expected)


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_native_scores_are_those_taken_by_hand(make_data: MakeData, threshold: float) -> None:
    """Logits at 24×40 are brought to the images' own 64×64, and compared there."""
    task, data = make_task(threshold=threshold), make_data(size=(24, 40))
    trainer = make_trainer(1)
    trainer.fit(task, datamodule=data)
    trainer.test(task, datamodule=data, verbose=False)
    counted = task.counted["test"]
    assert counted.indices == data.indices("test")
    for index, found in zip(counted.indices, counted.counts_NK4, strict=True):
        record = data.records[index]
        truth = data.reader.read(record).mask
        assert truth is not None
        assert truth.shape == (64, 64)
        logits = logits_of(task, data, record.id)
        assert logits.shape == (24, 40)
        resized = cv2.resize(logits, (64, 64), interpolation=cv2.INTER_LINEAR)
        probability = 1 / (1 + np.exp(-resized.astype(np.float64)))
        # Two implementations may round a pixel at the very threshold apart.
        close = int((np.abs(probability - threshold) < 1e-4).sum())
        expected = counts(probability > threshold, truth)
        assert np.abs(found[1] - expected).max() <= close
        assert close < 40


def test_scores_at_network_size_when_asked(make_data: MakeData) -> None:
    task, data = make_task(), make_data(score_at="network")
    trainer = make_trainer(1)
    trainer.fit(task, datamodule=data)
    trainer.test(task, datamodule=data, verbose=False)
    assert task.counted["test"].counts_NK4[:, 1].sum(axis=1).tolist() == [32 * 32] * 3


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


@pytest.mark.parametrize("check_every", [1.0, 0.5])
def test_the_encoder_is_frozen_and_then_thawed(make_data: MakeData, check_every: float) -> None:
    """A validation in the middle of an epoch changes nothing."""
    watch = Watch()
    task = make_task(freeze_encoder=1)
    before = {k: v.clone() for k, v in task.network.encoder.state_dict().items()}  # type: ignore[union-attr]
    trainer = make_trainer(2, watch, val_check_interval=check_every)
    trainer.fit(task, datamodule=make_data())
    frozen, thawed = watch.encoder[:2], watch.encoder[2:]
    assert [s["learns"] for s in frozen] == [{False}] * 2
    assert [s["trains"] for s in frozen] == [{False}] * 2
    for step in frozen:  # neither weights nor the averages of batch norm
        assert all(torch.equal(step["state"][key], before[key]) for key in before)
    assert [s["learns"] for s in thawed] == [{True}] * 2
    assert [s["trains"] for s in thawed] == [{True}] * 2
    last = thawed[-1]["state"]
    assert not any(torch.equal(last[key], before[key]) for key in before)


def test_the_encoder_may_stay_frozen(make_data: MakeData) -> None:
    watch = Watch()
    task = make_task(freeze_encoder=-1)
    head = task.network.core.head.weight.clone()  # type: ignore[union-attr,operator]
    make_trainer(2, watch).fit(task, datamodule=make_data())
    assert [s["learns"] for s in watch.encoder] == [{False}] * 4
    assert [s["trains"] for s in watch.encoder] == [{False}] * 4
    assert not torch.equal(task.network.core.head.weight, head)  # type: ignore[union-attr,arg-type]


def test_freezing_needs_an_encoder() -> None:
    with pytest.raises(SegkitError, match="no encoder that could be frozen") as error:
        make_task(network=wrap(nn.Conv2d(3, 1, 1), 3), freeze_encoder=2)
    assert error.value.where == "freeze_encoder=2"


def test_images_and_loss_are_of_the_epoch(make_data: MakeData) -> None:
    watch, task = Watch(), make_task()
    seen: list[tuple[int, float]] = []

    class Look(pl.Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            del trainer
            assert pl_module.images_per_second() > 0
            seen.append((pl_module.pace.images, pl_module.training_loss()))

    make_trainer(2, watch, Look()).fit(task, datamodule=make_data())
    assert [images for images, _ in seen] == [6, 6]
    expected = [np.mean(watch.losses[:2]), np.mean(watch.losses[2:])]
    assert [loss for _, loss in seen] == pytest.approx(expected)


@pytest.mark.parametrize("stage", ["val", "test"])
def test_scoring_changes_nothing(make_data: MakeData, stage: Stage) -> None:
    task, data = make_task(), make_data()
    before = {k: v.clone() for k, v in task.state_dict().items()}
    trainer = make_trainer()
    run = trainer.validate if stage == "val" else trainer.test
    run(task, datamodule=data, verbose=False)
    assert all(torch.equal(v, before[k]) for k, v in task.state_dict().items())
