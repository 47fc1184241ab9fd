"""Swin-Unet: a U-Net whose blocks are shifted-window transformers.

Cao et al. 2021, "Swin-Unet: Unet-like Pure Transformer for Medical Image Segmentation"
(https://arxiv.org/abs/2105.05537); the blocks are timm's (Liu et al. 2021).
"""

from collections.abc import Sequence

import torch
from timm.models.swin_transformer import PatchMerging, SwinTransformerBlock
from torch import Tensor, nn

WINDOW = 7


def _blocks(width: int, heads: int, count: int) -> nn.Sequential:
    """Every second block shifts its windows by half; the mask follows the size at hand."""
    return nn.Sequential(
        *(
            SwinTransformerBlock(
                width,
                input_resolution=(8 * WINDOW, 8 * WINDOW),
                num_heads=heads,
                window_size=WINDOW,
                shift_size=WINDOW // 2 if number % 2 else 0,
                always_partition=True,
                dynamic_mask=True,
            )
            for number in range(count)
        )
    )


class PatchExpanding(nn.Module):
    """Every pixel to ``scale``² pixels of ``outputs`` channels each, by one linear layer."""

    def __init__(self, inputs: int, outputs: int, scale: int) -> None:
        super().__init__()
        self.expand = nn.Linear(inputs, outputs * scale**2, bias=False)
        self.shuffle = nn.PixelShuffle(scale)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        """(B, H, W, inputs) to (B, scale·H, scale·W, outputs)."""
        larger = self.shuffle(self.expand(x_BHWC).permute(0, 3, 1, 2))
        normed: Tensor = self.norm(larger.permute(0, 2, 3, 1))
        return normed


class SwinUNet(nn.Module):
    """Four sizes, from a quarter of the image's down.

    Args:
        in_channels: of the image.
        out_channels: logits.
        width: channels at a quarter of the size; they double at each size below.
        depths: blocks at each size, on the way down and again on the way up.
        heads: of attention, at each size.
    """

    stride = 32
    # The windows' padding and masks make expressions of free sizes that tracing never ends on.
    any_size_exports = False

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        width: int,
        depths: Sequence[int],
        heads: Sequence[int],
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(len(depths))]
        self.embed = nn.Conv2d(in_channels, width, 4, stride=4)
        self.embed_norm = nn.LayerNorm(width)
        self.down = nn.ModuleList(_blocks(*s) for s in zip(widths, heads, depths, strict=True))
        self.merge = nn.ModuleList(PatchMerging(w) for w in widths[:-1])
        self.deepest_norm = nn.LayerNorm(widths[-1])
        self.expand, self.join, self.up = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(len(depths) - 1)):
            self.expand.append(PatchExpanding(widths[level + 1], widths[level], 2))
            self.join.append(nn.Linear(2 * widths[level], widths[level]))
            self.up.append(_blocks(widths[level], heads[level], depths[level]))
        self.norm = nn.LayerNorm(width)
        self.last = PatchExpanding(width, width, 4)
        self.head = nn.Conv2d(width, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, K, H, W), H and W multiples of ``stride``."""
        y_BHWC = self.embed_norm(self.embed(x).permute(0, 2, 3, 1))
        kept: list[Tensor] = []
        for level, blocks in enumerate(self.down):
            y_BHWC = blocks(self.merge[level - 1](y_BHWC) if level else y_BHWC)
            kept.append(y_BHWC)
        y_BHWC = self.deepest_norm(kept.pop())
        for expand, join, blocks in zip(self.expand, self.join, self.up, strict=True):
            y_BHWC = blocks(join(torch.cat([expand(y_BHWC), kept.pop()], dim=-1)))
        full_BHWC = self.last(self.norm(y_BHWC))
        logits: Tensor = self.head(full_BHWC.permute(0, 3, 1, 2))
        return logits
