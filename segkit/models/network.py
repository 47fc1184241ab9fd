"""What every network is wrapped in: raw pixels of any size in, logits of that size out.

Training, evaluation, prediction and the exported model all call this one module, so they all
preprocess alike.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Reduce = Callable[[Tensor], Tensor]
# Statistics of ImageNet's RGB in 0…1, which published encoder weights were trained with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class SegmentationNetwork(nn.Module):
    """Normalises, pads to the core's stride, runs the core, crops back.

    Args:
        core: maps (B, C, H, W) normalised float to (B, K, H, W) logits, H and W multiples of
            ``stride``.
        stride: what the core needs heights and widths to be a multiple of.
        mean, std: for each channel, in units of 0…1.

    Attributes:
        memory_format: that the core is given its images in; channels_last is the faster one.
        found: what came from elsewhere or was chosen, by argument of what built the network: the
            run records it, so that another release of a library does not move its logits.
        chosen: the same in words, with the reason, for the summary.
        reduce: what a task makes of the core's (B, K, H, W) outputs before anything else; None
            leaves them as they are.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, core: nn.Module, *, stride: int, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        self.core = core
        self.stride = stride
        self.reduce: Reduce | None = None
        self.found: dict[str, Any] = {}
        self.chosen: dict[str, str] = {}
        self.memory_format = torch.channels_last
        # Not in the state dict: they belong to the configuration, not to what was learnt.
        self.register_buffer("mean", 255 * torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    @property
    def any_size_exports(self) -> bool:
        """Whether an exported graph can leave height and width free."""
        return bool(getattr(self.core, "any_size_exports", True))

    @property
    def encoder(self) -> nn.Module | None:
        """The part that published weights belong to, or None for a network without one."""
        encoder = getattr(self.core, "encoder", None)
        return encoder if isinstance(encoder, nn.Module) else None

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """Raw pixels, uint8 or float in 0…255, to logits (B, K, H, W)."""
        rows, columns = image_BCHW.shape[-2:]
        normalised = (image_BCHW.to(self.mean.dtype) - self.mean) / self.std
        below, right = -rows % self.stride, -columns % self.stride
        # An exported graph pads by whatever the size asks for, so the step is always in it.
        if torch.compiler.is_exporting() or below or right:
            # Repeating the edge invents no border that the network could take for an object.
            normalised = functional.pad(normalised, (0, right, 0, below), mode="replicate")
        outputs: Tensor = self.core(normalised.contiguous(memory_format=self.memory_format))
        outputs = outputs[..., :rows, :columns]
        return self.reduce(outputs) if self.reduce else outputs


def wrap(core: nn.Module, in_channels: int) -> SegmentationNetwork:
    """Wrap a network that has no statistics of its own: ImageNet's, or their mean for grey.

    The stride is the core's ``stride`` attribute if it has one that is a number, or 32.
    """
    if isinstance(core, SegmentationNetwork):
        return core
    stride = getattr(core, "stride", 32)
    mean, std = channel_statistics(IMAGENET_MEAN, IMAGENET_STD, in_channels)
    stride = stride if isinstance(stride, int) else 32  # a convolution's is a pair
    return SegmentationNetwork(core, stride=stride, mean=mean, std=std)


def channel_statistics(
    mean: Sequence[float], std: Sequence[float], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Statistics of each channel: those of colour as they are, of grey their averages.

    Of other channels the first is taken for red, the second for green, the fourth for red again:
    so does SMP hand out the weights of the first layer.
    """
    if channels == 1:
        return (sum(mean) / len(mean),), (sum(std) / len(std),)
    places = [number % len(mean) for number in range(channels)]
    return tuple(mean[place] for place in places), tuple(std[place] for place in places)
