"""UNet 3+: every decoder sees every size.

Huang et al. 2020, "UNet 3+: A Full-Scale Connected UNet for Medical Image Segmentation"
(https://arxiv.org/abs/2004.08790), without deep supervision.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from segkit.models.blocks import Encoder


def _fuse(inputs: int, outputs: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class UNet3Plus(nn.Module):
    """Five sizes; each decoder joins five inputs of ``base_filters`` channels each.

    Args:
        in_channels: of the image.
        out_channels: logits.
        base_filters: at the image's own size; they double at each size below.
    """

    stride = 16

    def __init__(self, *, in_channels: int, out_channels: int, base_filters: int) -> None:
        super().__init__()
        widths = [base_filters * 2**level for level in range(5)]
        self.down = Encoder(in_channels, widths)
        joined = 5 * base_filters
        self.gather, self.fuse = nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(4)):
            # At or above this size what the encoder kept, below it what was decoded before.
            below = [joined] * (3 - level) + [widths[-1]]
            sources = [*widths[: level + 1], *below]
            self.gather.append(nn.ModuleList(_fuse(width, base_filters) for width in sources))
            self.fuse.append(_fuse(joined, joined))
        self.head = nn.Conv2d(joined, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, K, H, W), H and W multiples of ``stride``."""
        kept = self.down(x)
        decoded = kept[-1:]
        for level, gather, fuse in zip(reversed(range(4)), self.gather, self.fuse, strict=True):
            sources = [*kept[: level + 1], *decoded]
            assert isinstance(gather, nn.ModuleList)
            same = [_resize(y, at - level) for at, y in enumerate(sources)]
            parts = [part(y) for part, y in zip(gather, same, strict=True)]
            decoded.insert(0, fuse(torch.cat(parts, dim=1)))
        logits: Tensor = self.head(decoded[0])
        return logits


def _resize(x: Tensor, smaller: int) -> Tensor:
    """Bilinear values of what is ``smaller`` halvings below, maxima of what lies above."""
    if smaller > 0:
        return functional.interpolate(x, scale_factor=2**smaller, mode="bilinear")
    return functional.max_pool2d(x, 2**-smaller) if smaller else x
