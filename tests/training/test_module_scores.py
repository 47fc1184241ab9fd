"""What the task counts: losses and scores of validation and test are those taken by hand."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segkit.core.contracts import Stage
from segkit.data.datamodule import SegmentationData
from segkit.training.module import SegmentationModule
from tests.training.small_module import WARNINGS, MakeData, make_task, make_trainer

pytestmark = WARNINGS


def counts(prediction: NDArray[Any], truth: NDArray[Any]) -> list[int]:
    """TP, FP, FN, TN of the foreground, by hand."""
    p, t = prediction.astype(bool), truth.astype(bool)
    return [int(n.sum()) for n in (p & t, p & ~t, ~p & t, ~p & ~t)]


@torch.no_grad()
def logits_of(module: SegmentationModule, data: SegmentationData, record_id: str) -> NDArray[Any]:
    image = torch.from_numpy(np.array(data.cache.image(record_id))).permute(2, 0, 1)
    logits: NDArray[Any] = module.network.eval()(image[None])[0, 0].numpy()
    return logits


def test_validation_counts_are_those_taken_by_hand(make_data: MakeData) -> None:
    module, data = make_task(), make_data()
    make_trainer(1).fit(module, datamodule=data)
    counted = module.counted["val"]
    assert counted.indices == data.indices("val")
    assert len(counted.indices) == 3
    dices = []
    for index, found in zip(counted.indices, counted.counts, strict=True):
        record = data.records[index].id
        truth = data.cache.mask(record)
        tp, fp, fn, tn = counts(logits_of(module, data, record) > 0, truth)
        assert found[1].tolist() == [tp, fp, fn, tn]
        dices.append(2 * tp / (2 * tp + fp + fn))
    assert module.scores["val"]["all"]["dice"] == pytest.approx(np.mean(dices))
    logged = module.trainer.callback_metrics
    assert float(logged["val/dice"]) == pytest.approx(np.mean(dices))
    assert float(logged["val/loss"]) == pytest.approx(counted.loss)


def test_every_monitor_is_known_after_an_epoch(make_data: MakeData) -> None:
    module = make_task()
    make_trainer(1).fit(module, datamodule=make_data())
    monitors = {"val/loss", *(f"val/{name}" for name in module.task.monitors)}
    assert {"val/dice", "val/iou"} <= monitors
    assert monitors <= set(module.trainer.callback_metrics)


def test_the_validation_loss_is_the_mean_over_images(make_data: MakeData) -> None:
    """Batches of 2 and 1 images must not count alike."""
    losses = []
    for size in (1, 2, 3):
        module = make_task(loss=_MeanOfLogits())
        trainer = make_trainer()
        trainer.validate(module, datamodule=make_data(batch_size=size), verbose=False)
        losses.append(module.counted["val"].loss)
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


class _MeanOfLogits(nn.Module):
    def forward(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        del target_BHW
        return logits_BKHW.mean()


def test_the_kept_masks_are_the_predictions_of_the_panels(make_data: MakeData) -> None:
    module, data = make_task(), make_data(panel_count=2)
    make_trainer(1).fit(module, datamodule=data)
    kept = module.counted["val"].kept
    assert sorted(kept) == sorted(data.panel_indices())
    for index, mask in kept.items():
        expected = logits_of(module, data, data.records[index].id) > 0
        np.testing.assert_array_equal(mask.astype(bool), expected)


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_native_scores_are_those_taken_by_hand(make_data: MakeData, threshold: float) -> None:
    """Logits at 24×40 are brought to the images' own 64×64, and compared there."""
    module, data = make_task(threshold=threshold), make_data(size=(24, 40))
    trainer = make_trainer(1)
    trainer.fit(module, datamodule=data)
    trainer.test(module, datamodule=data, verbose=False)
    counted = module.counted["test"]
    assert counted.indices == data.indices("test")
    for index, found in zip(counted.indices, counted.counts, strict=True):
        record = data.records[index]
        truth = data.reader.read(record).mask
        assert truth is not None
        assert truth.shape == (64, 64)
        logits = logits_of(module, data, record.id)
        assert logits.shape == (24, 40)
        resized = cv2.resize(logits, (64, 64), interpolation=cv2.INTER_LINEAR)
        probability = 1 / (1 + np.exp(-resized.astype(np.float64)))
        # Two implementations may round a pixel at the very threshold apart.
        close = int((np.abs(probability - threshold) < 1e-4).sum())
        expected = counts(probability > threshold, truth)
        assert np.abs(found[1] - expected).max() <= close
        assert close < 40


def test_scores_at_network_size_when_asked(make_data: MakeData) -> None:
    module, data = make_task(), make_data(score_at="network")
    trainer = make_trainer(1)
    trainer.fit(module, datamodule=data)
    trainer.test(module, datamodule=data, verbose=False)
    assert module.counted["test"].counts[:, 1].sum(axis=1).tolist() == [32 * 32] * 3


@pytest.mark.parametrize("stage", ["val", "test"])
def test_scoring_changes_nothing(make_data: MakeData, stage: Stage) -> None:
    module, data = make_task(), make_data()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    trainer = make_trainer()
    run = trainer.validate if stage == "val" else trainer.test
    run(module, datamodule=data, verbose=False)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
