"""From logits to classes, at the network's size or at each image's own."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from segkit.core.contracts import Batch
from segkit.core.view import LARGE
from segkit.tasks.metrics import confusion_counts, predicted_classes

# Pixels that are scored at once.
_PART = 2**22
_EDGE = 1e-7


class Watcher(Protocol):
    """Sees every image as it is scored, and keeps what little it needs of it."""

    def watch(
        self, index: int, logits_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        """Take one image in, or the next part of one: a large image comes in bands of rows.

        Args:
            index: position of its record; the parts of an image follow each other.
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
    *,
    large: int = LARGE * 10**6,
) -> tuple[Tensor, Sequence[Tensor]]:
    """Hold a batch's prediction against its truth, at its own size where the batch has that.

    Args:
        logits_BKHW: of the network.
        batch: with the truth.
        threshold: on the probability, for binary tasks.
        classes: their number, background included.
        watchers: are shown every image.
        large: pixels above which logits are brought to an image's size part by part.

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
    truths = batch.get("native", batch["mask_BHW"])
    for index, logits_KHW, truth_HW in zip(indices, logits_BKHW, truths, strict=True):
        parts = scored_parts(logits_KHW, truth_HW, large)
        counted_K4, found_HW = count_parts(index, parts, threshold, classes, watchers)
        counts.append(counted_K4)
        predictions.append(found_HW)
    return torch.stack(counts), predictions


Part = tuple[Tensor, Tensor]


def count_parts(
    index: int, parts: Iterable[Part], threshold: float, classes: int, watchers: Iterable[Watcher]
) -> tuple[Tensor, Tensor]:
    """Hold the prediction of one image against its truth, part by part.

    Args:
        index: position of its record.
        parts: logits (K, h, W) and truth (h, W) of each, from the top down.
        threshold: on the probability, for binary tasks.
        classes: their number, background included.
        watchers: are shown every part.

    Returns:
        TP, FP, FN, TN (K, 4) int64, and the predicted classes (H, W) uint8.
    """
    counts, predictions = [], []
    for logits_KHW, truth_HW in parts:
        found_HW = predicted_classes(logits_KHW[None], threshold)[0]
        counts.append(confusion_counts(found_HW[None], truth_HW[None], classes)[0])
        predictions.append(found_HW)
        for watcher in watchers:
            watcher.watch(index, logits_KHW, found_HW, truth_HW)
    if len(counts) == 1:
        return counts[0], predictions[0]
    return torch.stack(counts).sum(dim=0), torch.cat(predictions)


def scored_parts(logits_KHW: Tensor, truth_HW: Tensor, large: int) -> Iterator[Part]:
    """Logits (K, h, W) float and truth (h, W) of an image, at the size of its truth, by rows.

    Each part has some megapixels: what is computed from it takes several times the memory. Of
    more than ``large`` pixels the logits themselves are resized part by part, which may round
    differently in the last bit.
    """
    rows, columns = truth_HW.shape
    own = logits_KHW.shape[1:] == truth_HW.shape
    small = truth_HW.numel() <= large
    whole_KHW = logits_KHW if own or not small else logits_at(logits_KHW, truth_HW.shape)
    step = max(1, _PART // columns)
    for top in range(0, rows, step):
        bottom = min(top + step, rows)
        if own or small:
            yield whole_KHW[:, top:bottom], truth_HW[top:bottom]
        else:
            yield _rows_at(logits_KHW, (rows, columns), top, bottom), truth_HW[top:bottom]


def _rows_at(logits_KHW: Tensor, size: tuple[int, int], top: int, bottom: int) -> Tensor:
    """Rows top…bottom-1 of :func:`logits_at`."""
    high = logits_KHW.shape[1]
    middles = torch.arange(top, bottom, dtype=torch.float32, device=logits_KHW.device) + 0.5
    places = (middles * (high / size[0]) - 0.5).clamp_min(0)
    above = places.long().clamp_max(high - 1)
    below = (above + 1).clamp_max(high - 1)
    first = int(above[0])
    some_KHW = logits_KHW[:, first : int(below[-1]) + 1]
    wide_KHW = logits_at(some_KHW, (some_KHW.shape[1], size[1]))
    share = (places - above)[:, None]
    return wide_KHW[:, above - first].lerp(wide_KHW[:, below - first], share)


def mean_logits(logits: Sequence[Tensor]) -> Tensor:
    """The logits whose probability is the mean of theirs; a single one stays as it is."""
    if len(logits) == 1:
        return logits[0]
    total = torch.stack([probabilities(one) for one in logits]).mean(dim=0)
    if total.shape[1] == 1:
        return torch.logit(total, eps=_EDGE)
    return total.clamp_min(_EDGE).log()


def probabilities(logits_BKHW: Tensor) -> Tensor:
    """Of each class, or of a binary task's foreground, (B, K, H, W) float32."""
    wide = logits_BKHW.float()
    return wide.sigmoid() if wide.shape[1] == 1 else wide.softmax(dim=1)
