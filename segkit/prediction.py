"""From logits to classes, at the network's size or at each image's own."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from segkit.contracts import Batch
from segkit.metrics import confusion_counts, predicted_classes


def at_size(logits_KHW: Tensor, size: Sequence[int], threshold: float) -> Tensor:
    """Classes (H, W) uint8 at an image's own size, from logits resized bilinearly."""
    resized = functional.interpolate(
        logits_KHW[None].float(), size=tuple(size), mode="bilinear", align_corners=False
    )
    return predicted_classes(resized, threshold)[0]


def count(
    logits_BKHW: Tensor, batch: Batch, threshold: float, classes: int
) -> tuple[Tensor, Sequence[Tensor]]:
    """Hold a batch's prediction against its truth, at its own size where the batch has that.

    Args:
        logits_BKHW: of the network.
        batch: with the truth.
        threshold: on the probability, for binary tasks.
        classes: their number, background included.

    Returns:
        TP, FP, FN, TN (B, K, 4) int64, and the predicted classes, (H, W) uint8 each.
    """
    if "native" not in batch:
        prediction_BHW = predicted_classes(logits_BKHW, threshold)
        return confusion_counts(prediction_BHW, batch["mask_BHW"], classes), list(prediction_BHW)
    pairs = zip(logits_BKHW, batch["native"], strict=True)
    predictions = [at_size(logits, truth.shape, threshold) for logits, truth in pairs]
    pairs = zip(predictions, batch["native"], strict=True)
    counts = [confusion_counts(found[None], truth[None], classes) for found, truth in pairs]
    return torch.cat(counts), predictions
