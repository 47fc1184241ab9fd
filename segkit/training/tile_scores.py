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
from segkit.tasks.decode import Part, Watcher, count_parts

_Pixels = NDArray[np.uint8]


class TileScorer:
    """Answers with the very code of predict, so that both find the same.

    Args:
        network: raw pixels to logits, with the weights that are scored; left as it is.
        loss: of logits and truth.
        threshold: on the probability, for binary tasks.
        data: that is scored.
        trainer: that scores it; its precision is taken.
    """

    def __init__(
        self,
        network: SegmentationNetwork,
        loss: nn.Module,
        threshold: float,
        data: SegmentationData,
        trainer: pl.Trainer,
    ) -> None:
        self.loss, self.threshold, self.data = loss, threshold, data
        self.device, precision = network.mean.device, str(trainer.precision)
        known = self.device.type in ("cpu", "cuda")
        # Predict knows no other devices; a network that is being trained must not be moved.
        member = Member(network if known else copy.deepcopy(network), None, data.channels)
        with torch.autocast(self.device.type, enabled=False):
            self.predictor = Predictor(
                [member],
                classes=data.classes,
                threshold=threshold,
                device=self.device.type if known else "cpu",
                precision=precision if precision in PRECISIONS else "32-true",
            )

    def score_batch(
        self, batch: Batch, watchers: Iterable[Watcher] = ()
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Score the one image that a batch names: counts (1, K, 4), masks and the loss."""
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
            TP, FP, FN, TN (K, 4) int64; the predicted classes (H, W) uint8; and the loss, the
            mean of that of the bands, weighted by their rows.
        """
        losses: list[Tensor] = []
        bands = self._bands(image, truth, losses)
        counts_K4, found_HW = count_parts(
            index, bands, self.threshold, len(self.data.classes), watchers
        )
        return counts_K4, found_HW, torch.stack(losses).sum() / len(image)

    def _bands(self, image: _Pixels, truth: _Pixels, losses: list[Tensor]) -> Iterator[Part]:
        with torch.autocast(self.device.type, enabled=False):
            for top, logits in self.predictor.bands(ArrayRows(image), self.data.large.view()):
                logits_KHW = torch.from_numpy(logits).to(self.device)
                rows = np.array(truth[top : top + logits.shape[1]])  # a copy, which may be written
                truth_HW = torch.from_numpy(rows).to(self.device)
                losses.append(self.loss(logits_KHW[None], truth_HW[None]) * len(rows))
                yield logits_KHW, truth_HW
