"""A network's outputs at the size of an image, whole or from the top down in bands of rows."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from segkit.core.contracts import Batch
from segkit.tasks.examining import Watcher

# Pixels that are scored at once.
_PART = 2**22
Part = tuple[Tensor, Tensor]


def count_each(
    count_parts: Callable[[int, Iterator[Part], Sequence[Watcher]], tuple[Tensor, Tensor]],
    outputs_BKHW: Tensor,
    batch: Batch,
    watchers: Sequence[Watcher],
    *,
    large: int,
) -> tuple[Tensor, list[Tensor]]:
    """What :meth:`segkit.tasks.parts.Scorer.count` gives, image by image.

    Args:
        count_parts: of the scorer.
        outputs_BKHW: see there, as of the others.
        batch: with the ground truth.
        watchers: are shown every image.
        large: pixels above which outputs are resized part by part.
    """
    # Without a watcher the position is not needed, and the device not waited for.
    indices = batch["index_B"].tolist() if watchers else [-1] * len(outputs_BKHW)
    truths = batch.get("native", batch["mask_BHW"])
    found = [
        count_parts(index, scored_parts(outputs_KHW, truth_HW, large), watchers)
        for index, outputs_KHW, truth_HW in zip(indices, outputs_BKHW, truths, strict=True)
    ]
    return torch.stack([counts for counts, _ in found]), [answer for _, answer in found]


def outputs_at(outputs_KHW: Tensor, size: Sequence[int]) -> Tensor:
    """Outputs (K, H, W) float32 at an image's own size, resized bilinearly."""
    return functional.interpolate(
        outputs_KHW[None].float(), size=tuple(size), mode="bilinear", align_corners=False
    )[0]


def scored_parts(outputs_KHW: Tensor, truth_HW: Tensor, large: int) -> Iterator[Part]:
    """Outputs (K, h, W) float and ground truth (h, W) of an image, at the size of that, by rows.

    Each part has some megapixels: what is computed from it takes several times the memory. Of
    more than ``large`` pixels the outputs themselves are resized part by part, which may round
    differently in the last bit.
    """
    rows, columns = truth_HW.shape
    own = outputs_KHW.shape[1:] == truth_HW.shape
    small = truth_HW.numel() <= large
    whole_KHW = outputs_KHW if own or not small else outputs_at(outputs_KHW, truth_HW.shape)
    step = max(1, _PART // columns)
    for top in range(0, rows, step):
        bottom = min(top + step, rows)
        if own or small:
            yield whole_KHW[:, top:bottom], truth_HW[top:bottom]
        else:
            yield _rows_at(outputs_KHW, (rows, columns), top, bottom), truth_HW[top:bottom]


def _rows_at(outputs_KHW: Tensor, size: tuple[int, int], top: int, bottom: int) -> Tensor:
    """Rows top…bottom-1 of :func:`outputs_at`."""
    high = outputs_KHW.shape[1]
    middles = torch.arange(top, bottom, dtype=torch.float32, device=outputs_KHW.device) + 0.5
    places = (middles * (high / size[0]) - 0.5).clamp_min(0)
    above = places.long().clamp_max(high - 1)
    below = (above + 1).clamp_max(high - 1)
    first = int(above[0])
    some_KHW = outputs_KHW[:, first : int(below[-1]) + 1]
    wide_KHW = outputs_at(some_KHW, (some_KHW.shape[1], size[1]))
    share = (places - above)[:, None]
    return wide_KHW[:, above - first].lerp(wide_KHW[:, below - first], share)
