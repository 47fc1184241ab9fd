"""MultiResUNet: each block sees three sizes at once, each skip is a short residual path.

Ibtehaz and Rahman 2020, "MultiResUNet: Rethinking the U-Net Architecture for Multimodal Biomedical
Image Segmentation" (https://arxiv.org/abs/1902.04049).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from segkit.models.blocks import transposed_up


def _conv(inputs: int, outputs: int, kernel: int = 3, *, active: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, kernel, padding="same", bias=False)]
    after = [nn.BatchNorm2d(outputs), *([nn.ReLU(inplace=True)] if active else [])]
    return nn.Sequential(*layers, *after)


class MultiResBlock(nn.Module):
    """Three 3×3 convolutions in a row, of W/6, W/3 and W/2 filters, joined, plus a 1×1 shortcut.

    W is ``alpha`` times ``filters``; :attr:`outputs` is their sum.
    """

    def __init__(self, inputs: int, filters: int, alpha: float) -> None:
        super().__init__()
        width = alpha * filters
        parts = [int(width / 6), int(width / 3), int(width / 2)]
        self.outputs = sum(parts)
        chain = zip([inputs, *parts[:-1]], parts, strict=True)
        self.convs = nn.ModuleList(_conv(*shape) for shape in chain)
        self.shortcut = _conv(inputs, self.outputs, 1, active=False)
        self.joined = nn.BatchNorm2d(self.outputs)
        self.after = nn.BatchNorm2d(self.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        found, y = [], x
        for convolve in self.convs:
            y = convolve(y)
            found.append(y)
        total = self.joined(torch.cat(found, dim=1)) + self.shortcut(x)
        out: Tensor = self.after(torch.relu(total))
        return out


class ResPath(nn.Module):
    """``length`` residual convolutions that bring what is kept nearer to what it is joined to."""

    def __init__(self, inputs: int, outputs: int, length: int) -> None:
        super().__init__()
        widths = [inputs, *[outputs] * length]
        shapes = list(pairwise(widths))
        self.convs = nn.ModuleList(_conv(*shape) for shape in shapes)
        self.shortcuts = nn.ModuleList(_conv(*shape, 1, active=False) for shape in shapes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in shapes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        for convolve, shortcut, norm in zip(self.convs, self.shortcuts, self.norms, strict=True):
            x = norm(torch.relu(convolve(x) + shortcut(x)))
        return x


class MultiResUNet(nn.Module):
    """Five sizes.

    Args:
        in_channels: of the image.
        out_channels: logits.
        base_filters: at the image's own size; they double at each size below.
        alpha: scales the filters of a block; 1.67 gives it about a U-Net's parameters.
    """

    stride = 16

    def __init__(
        self, *, in_channels: int, out_channels: int, base_filters: int, alpha: float
    ) -> None:
        super().__init__()
        filters = [base_filters * 2**level for level in range(5)]
        self.down, width = nn.ModuleList(), in_channels
        for count in filters:
            self.down.append(block := MultiResBlock(width, count, alpha))
            width = block.outputs
        self.pool = nn.MaxPool2d(2)
        self.paths, self.ups, self.blocks = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level, count in reversed(list(enumerate(filters[:-1]))):
            kept = self.down[level]
            assert isinstance(kept, MultiResBlock)
            self.paths.append(ResPath(kept.outputs, count, 4 - level))
            self.ups.append(transposed_up(width, count))
            self.blocks.append(block := MultiResBlock(2 * count, count, alpha))
            width = block.outputs
        self.head = nn.Conv2d(width, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, K, H, W), H and W multiples of ``stride``."""
        kept: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(self.pool(x) if level else x)
            kept.append(x)
        x = kept.pop()
        for path, up, block in zip(self.paths, self.ups, self.blocks, strict=True):
            x = block(torch.cat([up(x), path(kept.pop())], dim=1))
        logits: Tensor = self.head(x)
        return logits
