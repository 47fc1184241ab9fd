"""From logits to classes."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_EDGE = 1e-7


class SemanticDecoder:
    """One logit for the foreground, or one for each class.

    Args:
        classes: names, background first.
        threshold: on the foreground's probability, where there is one.
    """

    def __init__(self, classes: Sequence[str], threshold: float) -> None:
        binary = len(classes) == 2
        self.threshold = threshold
        self.planes = tuple(classes[1:] if binary else classes)
        self.activation = "sigmoid" if binary else "softmax"

    def mean(self, outputs: Sequence[Tensor]) -> Tensor:
        """The logits whose probability is the mean of theirs; a single one stays as it is."""
        return mean_logits(outputs)

    def maps(self, outputs_BKHW: Tensor) -> Tensor:
        """Of each class, or of a binary task's foreground, (B, K, H, W) float32."""
        return probabilities(outputs_BKHW)

    def decode(self, outputs_BKHW: Tensor) -> Tensor:
        """The class of each pixel, (B, H, W) uint8."""
        return predicted_classes(outputs_BKHW, self.threshold)

    def answers(
        self, bands: Iterable[NDArray[np.float32]], *, maps: bool
    ) -> Iterator[tuple[NDArray[np.float32] | None, NDArray[np.uint8]]]:
        """A band at once: no pixel's class depends on another's."""
        for outputs in bands:
            outputs_1KHW = torch.from_numpy(outputs)[None]
            found = self.maps(outputs_1KHW)[0].numpy() if maps else None
            yield found, self.decode(outputs_1KHW)[0].numpy()

    def decode_maps(self, maps_BKHW: NDArray[np.float32]) -> NDArray[np.int64]:
        """The same of probabilities."""
        if maps_BKHW.shape[1] == 1:
            return (maps_BKHW[:, 0] > self.threshold).astype(np.int64)
        return np.asarray(maps_BKHW.argmax(axis=1), np.int64)


def predicted_classes(logits_BKHW: Tensor, threshold: float = 0.5) -> Tensor:
    """Return the class drawn at each pixel, (B, H, W) uint8.

    Args:
        logits_BKHW: (B, K, H, W) of any floating type, K at most 256.
        threshold: 0…1. For K = 1 a pixel is foreground where sigmoid(logit) > threshold; at 0 all
            pixels are, at 1 none. For K > 1, where the largest logit wins, it has no meaning.

    Raises:
        ValueError: the threshold is not within 0…1.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"a threshold is within 0…1, got {threshold}")
    if logits_BKHW.shape[1] > 1:
        return logits_BKHW.argmax(dim=1).to(torch.uint8)
    bound = float(torch.tensor(threshold, dtype=torch.float64).logit())
    # Compared in float32 at least: half precision would round the bound too.
    full = torch.promote_types(logits_BKHW.dtype, torch.float32)
    return (logits_BKHW[:, 0].to(full) > bound).to(torch.uint8)


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
