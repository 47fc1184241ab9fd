"""What segkit's own networks are made of: one convolution block, one decoder block, one U-Net."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def conv_block(
    inputs: int, outputs: int, *, kernel: int = 3, dilation: int = 1, norm: bool = True
) -> nn.Sequential:
    """Two convolutions of one size, each with a ReLU, batch norm between them if wanted.

    Weights are drawn as by He et al. 2015, normal, fan in; biases start at zero.
    """
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(conv(channels, outputs, kernel, dilation=dilation))
        layers.extend([nn.BatchNorm2d(outputs)] if norm else [])
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def conv(inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> nn.Conv2d:
    """A convolution that keeps height and width; He's normal weights."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding="same", dilation=dilation)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def nearest_up(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the size by repetition, then a 2×2 convolution (Ronneberger et al. 2015)."""
    layer = nn.Conv2d(inputs, outputs, 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    # One row and column below and to the right, so that an even kernel keeps the size.
    same = nn.ZeroPad2d((0, 1, 0, 1))
    return nn.Sequential(nn.Upsample(scale_factor=2), same, layer, nn.ReLU(inplace=True))


def transposed_up(inputs: int, outputs: int, *, kernel: int = 2) -> nn.ConvTranspose2d:
    """Twice the size by a transposed convolution of 2×2 or 3×3."""
    odd = kernel % 2
    return nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding=odd, output_padding=odd)


class Encoder(nn.Module):
    """A block at each size, halved by the largest of four pixels in between.

    Args:
        in_channels: of the image.
        widths: channels at each size, from the image's own down.
    """

    def __init__(self, in_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        inputs = [in_channels, *widths[:-1]]
        self.blocks = nn.ModuleList(
            conv_block(*shape) for shape in zip(inputs, widths, strict=True)
        )
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, C, H, W) to what was found at each size, from the image's own down."""
        found: list[Tensor] = []
        for level, block in enumerate(self.blocks):
            x = block(self.pool(x) if level else x)
            found.append(x)
        return found


class DecoderBlock(nn.Module):
    """Enlarge, join what was kept at this size, drop out, convolve.

    Args:
        up: enlarges twofold, from ``inputs`` channels to ``enlarged``.
        merged: channels after joining: ``enlarged`` plus those kept.
        outputs: channels given on.
        dropout: share of values, 0…1.
        norm: batch norm after each convolution.
    """

    def __init__(
        self, up: nn.Module, merged: int, outputs: int, *, dropout: float = 0.0, norm: bool = True
    ) -> None:
        super().__init__()
        self.up = up
        self.drop = nn.Dropout(dropout)
        self.convs = conv_block(merged, outputs, norm=norm)

    def forward(self, x: Tensor, kept: Tensor) -> Tensor:
        """(B, inputs, H, W) and (B, ·, 2H, 2W) to (B, outputs, 2H, 2W)."""
        joined = torch.cat([kept, self.up(x)], dim=1)
        out: Tensor = self.convs(self.drop(joined))
        return out


class PlainUNet(nn.Module):
    """The U-Net of Ronneberger et al. 2015 with its choices left open.

    Args:
        in_channels: of the image.
        widths: channels at each size, from the image's own down to the bridge.
        kernels, dilations: of the convolutions on the way down, one for each size.
        dropouts: on the way down, one for each size.
        up: makes the enlarging part from (inputs, outputs).
        up_dropout: after joining, on the way up.
        norm: batch norm after each convolution.
        drop_after_pool: drop out behind the pooling, and so not in what is kept.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        widths: Sequence[int],
        kernels: Sequence[int],
        dilations: Sequence[int],
        dropouts: Sequence[float],
        up: Callable[[int, int], nn.Module],
        up_dropout: Sequence[float],
        norm: bool,
        drop_after_pool: bool = False,
    ) -> None:
        super().__init__()
        self.stride = 2 ** (len(widths) - 1)
        self.drop_after_pool = drop_after_pool
        inputs = [in_channels, *widths[:-1]]
        self.down = nn.ModuleList(
            conv_block(*shape, kernel=kernel, dilation=dilation, norm=norm)
            for *shape, kernel, dilation in zip(inputs, widths, kernels, dilations, strict=True)
        )
        self.drops = nn.ModuleList(nn.Dropout(share) for share in dropouts)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(
            DecoderBlock(up(deep, width), 2 * width, width, dropout=share, norm=norm)
            for deep, width, share in zip(widths[:0:-1], widths[-2::-1], up_dropout, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W), H and W multiples of ``stride``, to (B, widths[0], H, W)."""
        kept: list[Tensor] = []
        for level, (convs, drop) in enumerate(zip(self.down, self.drops, strict=True)):
            x = convs(x)
            x = x if self.drop_after_pool else drop(x)
            if level + 1 < len(self.down):
                kept.append(x)
                x = self.pool(x)
            x = drop(x) if self.drop_after_pool else x
        for block in self.up:
            x = block(x, kept.pop())
        return x
