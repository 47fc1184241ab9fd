"""Attention U-Net: what is kept is weighted by what was found below it.

Oktay et al. 2018, "Attention U-Net: Learning Where to Look for the Pancreas"
(https://arxiv.org/abs/1804.03999).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from segkit.models.blocks import DecoderBlock, Encoder, transposed_up


class AttentionGate(nn.Module):
    """Additive attention (equations 1 and 2 of the paper), one weight a pixel, 0…1."""

    def __init__(self, kept: int, gating: int, between: int) -> None:
        super().__init__()
        self.theta = nn.Conv2d(kept, between, 2, stride=2, bias=False)
        self.phi = nn.Conv2d(gating, between, 1)
        self.psi = nn.Conv2d(between, 1, 1)

    def forward(self, kept: Tensor, gating: Tensor) -> Tensor:
        """(B, ·, 2H, 2W) weighted by (B, ·, H, W)."""
        score = self.psi(torch.relu(self.theta(kept) + self.phi(gating)))
        weight = functional.interpolate(score.sigmoid(), size=kept.shape[-2:], mode="bilinear")
        return kept * weight


class AttentionUNet(nn.Module):
    """A U-Net of five sizes with batch norm and a gate on each skip.

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
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.gates = nn.ModuleList(AttentionGate(width, deep, width) for deep, width in pairs)
        self.up = nn.ModuleList(
            DecoderBlock(transposed_up(deep, width), 2 * width, width) for deep, width in pairs
        )
        self.head = nn.Conv2d(base_filters, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, K, H, W), H and W multiples of ``stride``."""
        kept = self.down(x)
        x = kept.pop()
        for gate, block in zip(self.gates, self.up, strict=True):
            x = block(x, gate(kept.pop(), x))
        logits: Tensor = self.head(x)
        return logits
