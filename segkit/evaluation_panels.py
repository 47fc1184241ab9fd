"""The worst, median and best images of an evaluation, as panels."""

from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray

from segkit.data.datamodule import SegmentationData
from segkit.data.loading import collate
from segkit.drawing import save_png
from segkit.evaluation_tables import image_dice
from segkit.images import resize_image
from segkit.metrics import predicted_classes
from segkit.panel import PanelRow, panel
from segkit.prediction import scored_images
from segkit.tally import Counted
from segkit.task import SegmentationTask

NAMES = ("worst", "median", "best")


def draw_panels(
    folder: Path,
    task: SegmentationTask,
    data: SegmentationData,
    trainer: pl.Trainer,
    counted: Counted,
    *,
    most: int = 4,
) -> None:
    """Write ``worst.png``, ``median.png`` and ``best.png``.

    The few images are predicted once more: to keep every mask would take the memory of the split.

    Args:
        folder: where to write.
        task: with the weights and the threshold that were scored.
        data: that was scored.
        trainer: that scored them; its device and precision are taken.
        counted: of the split.
        most: rows of each.
    """
    scores = image_dice(counted.counts_NK4)
    # The Trainer leaves a network on the CPU.
    task.to(trainer.strategy.root_device).eval()
    for name, places in chosen(counted.counts_NK4, most).items():
        path = folder / f"{name}.png"
        # One of an earlier evaluation would tell of other scores.
        path.unlink(missing_ok=True)
        rows = [_row(task, data, trainer, counted.indices[p], float(scores[p])) for p in places]
        if rows:
            save_png(path, panel(rows, classes=task.classes))


def chosen(counts_NK4: NDArray[np.int64], most: int) -> dict[str, list[int]]:
    """Places of the images to show, by name; images without a defined Dice are left out.

    Of equal Dice those with more wrong pixels are worse, and those with more found are better.
    """
    scores = image_dice(counts_NK4)
    found = counts_NK4[:, 1:, 0].sum(axis=1)
    wrong = counts_NK4[:, 1:, 1:3].sum(axis=(1, 2))
    known = np.flatnonzero(~np.isnan(scores))
    rising = sorted(known.tolist(), key=lambda p: (scores[p], -wrong[p], found[p], -p))
    middle = max(0, (len(rising) - most) // 2)
    shown = (rising[:most], rising[middle : middle + most], rising[::-1][:most])
    return dict(zip(NAMES, shown, strict=True))


def _row(
    task: SegmentationTask, data: SegmentationData, trainer: pl.Trainer, index: int, score: float
) -> PanelRow:
    record = data.records[index]
    prediction, truth = _predict(task, data, trainer, index)
    # The network may be given another aspect than the image has.
    image = resize_image(data.cache.image(record.id), (truth.shape[0], truth.shape[1]))
    return PanelRow(record.id, image, truth, prediction, score)


@torch.inference_mode()
def _predict(
    task: SegmentationTask, data: SegmentationData, trainer: pl.Trainer, index: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    batch = collate([data.dataset("test")[0, index]])
    precision = trainer.precision_plugin
    # As it was scored: what is drawn must have the Dice that is written beside it.
    with precision.test_step_context():
        image_BCHW = precision.convert_input(batch["image_BCHW"].to(task.device))
        logits_BKHW = task(image_BCHW).cpu()
    logits_KHW, truth_HW = next(scored_images(logits_BKHW, batch))
    prediction_HW = predicted_classes(logits_KHW[None], task.threshold)[0]
    return prediction_HW.numpy(), truth_HW.numpy()
