"""U-Net with batch norm and dropout, four sizes deep, for small colour images.

After Ronneberger et al. 2015 (https://arxiv.org/abs/1505.04597), with batch norm
(Ioffe and Szegedy 2015) and dropout behind each pooling and each joining.
"""

from functools import partial

from torch import Tensor, nn

from segkit.models.blocks import PlainUNet, transposed_up


class UNetClassic(nn.Module):
    """Filters double from ``n_filters`` to sixteen times as many.

    Args:
        in_channels: of the image.
        out_channels: logits.
        n_filters: at the image's own size.
        dropout: share of values.
        batch_norm: after each convolution.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        n_filters: int,
        dropout: float,
        batch_norm: bool,
    ) -> None:
        super().__init__()
        self.body = PlainUNet(
            in_channels=in_channels,
            widths=[n_filters * 2**level for level in range(5)],
            kernels=(3,) * 5,
            dilations=(1,) * 5,
            dropouts=(*(dropout,) * 4, 0),
            up=partial(transposed_up, kernel=3),
            up_dropout=(dropout,) * 4,
            norm=batch_norm,
            drop_after_pool=True,
        )
        self.stride = self.body.stride
        self.head = nn.Conv2d(n_filters, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, K, H, W), H and W multiples of ``stride``."""
        logits: Tensor = self.head(self.body(x))
        return logits
