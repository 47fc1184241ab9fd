"""U-Net with a quarter of the original's filters, for large grey images on small machines.

After Ronneberger et al. 2015 (https://arxiv.org/abs/1505.04597): 16 to 256 filters, dropout of a
half at the two deepest sizes, enlarged by repetition; 1,941,093 parameters for one channel and
one class.
"""

from torch import Tensor, nn

from segkit.models.blocks import PlainUNet, conv, nearest_up

WIDTHS = (16, 32, 64, 128, 256)


class UNetLowered(nn.Module):
    """Two channels before the last layer, as the original has for its two classes.

    Args:
        in_channels: of the image.
        out_channels: logits; with several classes the layer before has as many as they are.
        dropout: at the two deepest sizes.
    """

    def __init__(self, *, in_channels: int, out_channels: int, dropout: float) -> None:
        super().__init__()
        self.body = PlainUNet(
            in_channels=in_channels,
            widths=WIDTHS,
            kernels=(3,) * 5,
            dilations=(1,) * 5,
            dropouts=(0, 0, 0, dropout, dropout),
            up=nearest_up,
            up_dropout=(0,) * 4,
            norm=False,
        )
        self.stride = self.body.stride
        between = max(2, out_channels)
        self.head = nn.Sequential(
            conv(WIDTHS[0], between, 3), nn.ReLU(inplace=True), nn.Conv2d(between, out_channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, K, H, W), H and W multiples of ``stride``."""
        logits: Tensor = self.head(self.body(x))
        return logits
