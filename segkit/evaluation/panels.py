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
from segkit.tasks.parts import Scorer
from segkit.tasks.tally import Counted
from segkit.training.module import SegmentationModule
from segkit.training.tile_scores import TileScorer

NAMES = ("worst", "median", "best")
_HEIGHT = 256  # of a picture: outlines are to be seen, and these are drawn once, not each epoch


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
        module: with the weights and the task that were scored.
        data: that was scored.
        trainer: that scored them; its device and precision are taken.
        counted: of the split.
        most: rows of each.
    """
    task = module.task
    scores = task.scorer.each(counted.counts, task.headline[0])
    # The Trainer leaves a network on the CPU.
    module.to(trainer.strategy.root_device).eval()
    for name, places in extremes(task.scorer, counted.counts, most).items():
        path = folder / f"{name}.png"
        # One of an earlier evaluation would tell of other scores.
        path.unlink(missing_ok=True)
        rows = [_row(module, data, trainer, counted.indices[p], float(scores[p])) for p in places]
        if rows:
            save_png(path, panel(rows, task.painter, height=_HEIGHT))


def extremes(scorer: Scorer, counts: NDArray[np.int64], most: int) -> dict[str, list[int]]:
    """Places of the images to show, by name; images without a score are left out."""
    rising = scorer.ranked(counts)
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
        shape = panel_size(shape, _HEIGHT)
        prediction, truth = resize_mask(prediction, shape), resize_mask(truth, shape)
    # The network may be given another aspect than the image has.
    caption = module.task.words.caption(score)
    return PanelRow(record.id, resize_image(image, shape), truth, prediction, caption)


@torch.inference_mode()
def _predict(
    module: SegmentationModule, data: SegmentationData, trainer: pl.Trainer, index: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    batch = collate([data.dataset("test")[0, index]])
    # As it was scored: what is drawn must have the score that is written beside it.
    if not batch["image_BCHW"].numel():
        tiles = TileScorer(module.task, module.network, module.loss, data, trainer)
        _, (found_HW,), _ = tiles.score_batch(batch)
        return found_HW.cpu().numpy(), data.cache.mask(data.records[index].id)
    precision = trainer.precision_plugin
    with precision.test_step_context():
        image_BCHW = precision.convert_input(batch["image_BCHW"].to(module.device))
        outputs_BKHW = module(image_BCHW).cpu()
    (truth_HW,) = batch.get("native", batch["mask_BHW"])
    _, (found_HW,) = module.task.scorer.count(outputs_BKHW, batch, large=data.large.pixels)
    return found_HW.numpy(), truth_HW.numpy()
