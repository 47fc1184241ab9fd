"""From logits to classes, at the network's size or at each image's own."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from segkit.contracts import Batch
from segkit.metrics import confusion_counts, predicted_classes


class Watcher(Protocol):
    """Sees every image as it is scored, and keeps what little it needs of it."""

    def watch(
        self, index: int, logits_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        """Take one image in.

        Args:
            index: position of its record.
            logits_KHW: (K, H, W) floating, at the size that is scored.
            prediction_HW: (H, W) uint8 class indices.
            truth_HW: (H, W) uint8 class indices.
        """


def logits_at(logits_KHW: Tensor, size: Sequence[int]) -> Tensor:
    """Logits (K, H, W) float32 at an image's own size, resized bilinearly."""
    return functional.interpolate(
        logits_KHW[None].float(), size=tuple(size), mode="bilinear", align_corners=False
    )[0]


def count(
    logits_BKHW: Tensor,
    batch: Batch,
    threshold: float,
    classes: int,
    watchers: Iterable[Watcher] = (),
) -> tuple[Tensor, Sequence[Tensor]]:
    """Hold a batch's prediction against its truth, at its own size where the batch has that.

    Args:
        logits_BKHW: of the network.
        batch: with the truth.
        threshold: on the probability, for binary tasks.
        classes: their number, background included.
        watchers: are shown every image.

    Returns:
        TP, FP, FN, TN (B, K, 4) int64, and the predicted classes, (H, W) uint8 each.
    """
    watchers = list(watchers)
    if "native" not in batch and not watchers:
        prediction_BHW = predicted_classes(logits_BKHW, threshold)
        return confusion_counts(prediction_BHW, batch["mask_BHW"], classes), list(prediction_BHW)
    counts, predictions = [], []
    # Without a watcher the position is not needed, and the device not waited for.
    indices = batch["index_B"].tolist() if watchers else [-1] * len(logits_BKHW)
    scored = scored_images(logits_BKHW, batch)
    for index, (logits_KHW, truth_HW) in zip(indices, scored, strict=True):
        found_HW = predicted_classes(logits_KHW[None], threshold)[0]
        counts.append(confusion_counts(found_HW[None], truth_HW[None], classes))
        predictions.append(found_HW)
        for watcher in watchers:
            watcher.watch(index, logits_KHW, found_HW, truth_HW)
    return torch.cat(counts), predictions


def scored_images(logits_BKHW: Tensor, batch: Batch) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (K, H, W) and truth (H, W) of each image of a batch, at the size it is scored at."""
    if "native" not in batch:
        yield from zip(logits_BKHW, batch["mask_BHW"], strict=True)
        return
    for logits_KHW, truth_HW in zip(logits_BKHW, batch["native"], strict=True):
        yield logits_at(logits_KHW, truth_HW.shape), truth_HW
