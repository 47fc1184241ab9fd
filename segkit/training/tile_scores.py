"""Scores images that are too large to be answered whole: in tiles, as predict answers them."""

import copy
from collections.abc import Iterable, Iterator

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segkit.core.contracts import Batch
from segkit.core.view import PRECISIONS
from segkit.data.datamodule import SegmentationData
from segkit.imaging.bands import ArrayRows
from segkit.inference.predictor import Member, Predictor
from segkit.models.network import SegmentationNetwork
from segkit.tasks.base import Task
from segkit.tasks.examining import Watcher
from segkit.tasks.outputs import Part

_Pixels = NDArray[np.uint8]


class TileScorer:
    """Answers with the very code of predict, so that both find the same.

    Args:
        task: that they are scored by.
        network: raw pixels to outputs, with the weights that are scored; left as it is.
        loss: of outputs and target.
        data: that is scored.
        trainer: that scores it; its precision is taken.
    """

    def __init__(
        self,
        task: Task,
        network: SegmentationNetwork,
        loss: nn.Module,
        data: SegmentationData,
        trainer: pl.Trainer,
    ) -> None:
        self.task, self.loss, self.data = task, loss, data
        self.device, precision = network.mean.device, str(trainer.precision)
        known = self.device.type in ("cpu", "cuda")
        # Predict knows no other devices; a network that is being trained must not be moved.
        member = Member(network if known else copy.deepcopy(network), None, data.channels)
        with torch.autocast(self.device.type, enabled=False):
            self.predictor = Predictor(
                [member],
                task=task,
                device=self.device.type if known else "cpu",
                precision=precision if precision in PRECISIONS else "32-true",
            )

    def score_batch(
        self, batch: Batch, watchers: Iterable[Watcher] = ()
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Score the one image that a batch names: counts (1, …), answers and the loss."""
        (index,) = batch["index_B"].tolist()
        record, cache = self.data.records[index].id, self.data.cache
        found = self.score(index, cache.image(record), cache.mask(record), watchers)
        return found[0][None], [found[1]], found[2]

    def score(
        self, index: int, image: _Pixels, truth: _Pixels, watchers: Iterable[Watcher]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Score one image.

        Args:
            index: position of its record.
            image: (H, W, C) uint8; a view of a file is read a row of tiles at a time.
            truth: (H, W) uint8 class indices.
            watchers: are shown every band of rows.

        Returns:
            Its counts, its answer (H, W), and the loss, the mean of that of the bands, weighted by
            their rows.
        """
        losses: list[Tensor] = []
        bands = self._bands(image, truth, losses)
        counts, found_HW = self.task.scorer.count_parts(index, bands, watchers)
        return counts, found_HW, torch.stack(losses).sum() / len(image)

    def _bands(self, image: _Pixels, truth: _Pixels, losses: list[Tensor]) -> Iterator[Part]:
        with torch.autocast(self.device.type, enabled=False):
            for top, outputs in self.predictor.bands(ArrayRows(image), self.data.large.view()):
                outputs_KHW = torch.from_numpy(outputs).to(self.device)
                # A copy, which may be written to.
                rows = np.array(truth[top : top + outputs.shape[1]])
                truth_HW = torch.from_numpy(rows).to(self.device)
                batch = Batch(
                    image_BCHW=outputs_KHW[None, :0],  # which no target is made of
                    mask_BHW=truth_HW[None],
                    index_B=torch.tensor([-1]),
                )
                target = self.task.objective.target(batch)
                losses.append(self.loss(outputs_KHW[None], target) * len(rows))
                yield outputs_KHW, truth_HW
