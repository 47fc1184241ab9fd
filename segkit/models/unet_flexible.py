"""U-Net whose depth, first kernel and dilation are settings: wide views first, small ones below.

After Ronneberger et al. 2015 (https://arxiv.org/abs/1505.04597); dilation as in Yu and Koltun 2016.
"""

from torch import Tensor, nn

from segkit.models.blocks import PlainUNet, transposed_up


class UNetFlexible(nn.Module):
    """Level by level filters double, kernels shrink by 2 to 3, dilation shrinks by 1 to 1.

    Args:
        in_channels: of the image.
        out_channels: logits.
        base_filters: at the image's own size.
        num_layers: sizes, the bridge included; images are padded to ``2 ** (num_layers - 1)``.
        base_kernels: of the first size, odd.
        dilation: of the first size.
        dropout: share of values, times the level: none at the first.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        base_filters: int,
        num_layers: int,
        base_kernels: int,
        dilation: int,
        dropout: float,
    ) -> None:
        super().__init__()
        levels = range(num_layers)
        dropouts = [dropout * level for level in levels]
        self.body = PlainUNet(
            in_channels=in_channels,
            widths=[base_filters * 2**level for level in levels],
            kernels=[max(3, base_kernels - 2 * level) for level in levels],
            dilations=[max(1, dilation - level) for level in levels],
            dropouts=dropouts,
            up=transposed_up,
            up_dropout=dropouts[-2::-1],
            norm=False,
        )
        self.stride = self.body.stride
        self.head = nn.Conv2d(base_filters, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, K, H, W), H and W multiples of ``stride``."""
        logits: Tensor = self.head(self.body(x))
        return logits
