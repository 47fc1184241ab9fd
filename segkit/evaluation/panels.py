"""The worst, median and best images of an evaluation, as panels."""

from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray

from segkit.data.datamodule import SegmentationData
from segkit.data.dataset import collate
from segkit.drawing.overlay import save_png
from segkit.drawing.panel import PanelRow, panel, panel_size
from segkit.imaging.pixels import resize_image, resize_mask
from segkit.tasks.decode import count_parts, scored_parts
from segkit.tasks.score_tables import image_dice
from segkit.tasks.tally import Counted
from segkit.training.module import SegmentationModule
from segkit.training.tile_scores import TileScorer

NAMES = ("worst", "median", "best")


def draw_panels(
    folder: Path,
    module: SegmentationModule,
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
        module: with the weights and the threshold that were scored.
        data: that was scored.
        trainer: that scored them; its device and precision are taken.
        counted: of the split.
        most: rows of each.
    """
    scores = image_dice(counted.counts_NK4)
    # The Trainer leaves a network on the CPU.
    module.to(trainer.strategy.root_device).eval()
    for name, places in chosen(counted.counts_NK4, most).items():
        path = folder / f"{name}.png"
        # One of an earlier evaluation would tell of other scores.
        path.unlink(missing_ok=True)
        rows = [_row(module, data, trainer, counted.indices[p], float(scores[p])) for p in places]
        if rows:
            save_png(path, panel(rows, classes=module.classes))


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
    module: SegmentationModule,
    data: SegmentationData,
    trainer: pl.Trainer,
    index: int,
    score: float,
) -> PanelRow:
    record = data.records[index]
    image = data.cache.image(record.id)
    prediction, truth = _predict(module, data, trainer, index)
    shape = (truth.shape[0], truth.shape[1])
    if truth.size > data.large.pixels:  # a dozen of these are not held whole to be drawn
        shape = panel_size(shape)
        prediction, truth = resize_mask(prediction, shape), resize_mask(truth, shape)
    # The network may be given another aspect than the image has.
    return PanelRow(record.id, resize_image(image, shape), truth, prediction, score)


@torch.inference_mode()
def _predict(
    module: SegmentationModule, data: SegmentationData, trainer: pl.Trainer, index: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    batch = collate([data.dataset("test")[0, index]])
    # As it was scored: what is drawn must have the Dice that is written beside it.
    if not batch["image_BCHW"].numel():
        tiles = TileScorer(module.network, module.loss, module.threshold, data, trainer)
        _, (found_HW,), _ = tiles.score_batch(batch)
        return found_HW.cpu().numpy(), data.cache.mask(data.records[index].id)
    precision = trainer.precision_plugin
    with precision.test_step_context():
        image_BCHW = precision.convert_input(batch["image_BCHW"].to(module.device))
        logits_BKHW = module(image_BCHW).cpu()
    (truth_HW,) = batch.get("native", batch["mask_BHW"])
    parts = scored_parts(logits_BKHW[0], truth_HW, data.large.pixels)
    _, prediction_HW = count_parts(index, parts, module.threshold, len(module.classes), ())
    return prediction_HW.numpy(), truth_HW.numpy()
