"""What a predictor is made of."""

from dataclasses import dataclass

from torch import nn

from segkit.core.channels import Channels
from segkit.core.intensity import STORED, Intensity
from segkit.core.planes import PLAIN, Planes


@dataclass(frozen=True, slots=True)
class Member:
    """One network, and what it was trained to see.

    Attributes:
        network: raw pixels (B, C, H, W) to outputs (B, K, H, W).
        size: rows and columns that whole images are resized to; None leaves them as they are.
        channels: that it takes: their number, or their places.
        intensity: how stored values became 0…255.
        depths: types that its images were stored in; none where that is not known.
        planes: which of a file's many are the image; of several members the first one's counts.
    """

    network: nn.Module
    size: tuple[int, int] | None
    channels: Channels
    intensity: Intensity = STORED
    depths: tuple[str, ...] = ()
    planes: Planes = PLAIN
