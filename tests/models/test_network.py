"""The wrapper of every network: normalise, pad, run, crop."""

import pytest
import torch
from torch import Tensor, nn

from segkit.models.network import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    SegmentationNetwork,
    channel_statistics,
    wrap,
)
from segkit.tasks.losses import BinaryCrossEntropy
from segkit.tasks.semantic.objective import difference


class Watched(nn.Module):
    """Gives back the first channel of what it is given, and remembers it."""

    stride = 8

    def __init__(self) -> None:
        super().__init__()
        self.seen = torch.zeros(0)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        self.seen = image_BCHW
        return image_BCHW[:, :1]


def network(channels: int = 3, stride: int = 8) -> tuple[SegmentationNetwork, Watched]:
    core = Watched()
    mean, std = channel_statistics(IMAGENET_MEAN, IMAGENET_STD, channels)
    return SegmentationNetwork(core, stride=stride, mean=mean, std=std), core


def pixels(channels: int, rows: int, columns: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (2, channels, rows, columns)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 1), (16, 31), (33, 24)])
def test_any_size_in_the_same_size_out(channels: int, size: tuple[int, int]) -> None:
    wrapped, core = network(channels)
    image = pixels(channels, *size)
    assert wrapped(image).shape == (2, 1, *size)
    assert all(side % 8 == 0 for side in core.seen.shape[-2:])
    # No more than what is needed is added.
    assert all(seen - own < 8 for seen, own in zip(core.seen.shape[-2:], size, strict=True))


def test_bytes_and_floats_are_the_same() -> None:
    wrapped, _ = network()
    image = pixels(3, 13, 11)
    torch.testing.assert_close(wrapped(image), wrapped(image.float()), rtol=0, atol=0)


def test_normalisation_is_imagenets() -> None:
    wrapped, core = network()
    image = pixels(3, 16, 8)
    wrapped(image)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    torch.testing.assert_close(core.seen, (image / 255 - mean) / std)


def test_a_multiple_of_the_stride_is_not_padded() -> None:
    wrapped, core = network()
    wrapped(pixels(3, 24, 32))
    assert core.seen.shape == (2, 3, 24, 32)


def test_padding_repeats_the_edge_and_leaves_the_image_alone() -> None:
    wrapped, core = network()
    image = pixels(3, 7, 9)
    wrapped(image)
    padded = core.seen.clone()
    whole, core_of_whole = network(stride=1)
    whole(image)
    torch.testing.assert_close(padded[..., :7, :9], core_of_whole.seen, rtol=0, atol=0)
    torch.testing.assert_close(padded[..., 7:, :9], padded[..., 6:7, :9], rtol=0, atol=0)
    edge = padded[..., 8:9].expand(-1, -1, -1, 7)
    torch.testing.assert_close(padded[..., 9:], edge, rtol=0, atol=0)


def test_other_channels_take_the_average() -> None:
    mean, std = channel_statistics((0.1, 0.2, 0.6), (0.2, 0.2, 0.5), 1)
    assert mean == pytest.approx((0.3,))
    assert std == pytest.approx((0.3,))
    assert channel_statistics((0.1, 0.2, 0.6), (1, 1, 1), 3) == ((0.1, 0.2, 0.6), (1, 1, 1))
    assert len(channel_statistics((0.1, 0.2, 0.6), (1, 1, 1), 4)[0]) == 4


def test_wrap_takes_the_cores_stride_and_never_wraps_twice() -> None:
    wrapped = wrap(Watched(), 1)
    assert wrapped.stride == 8
    assert wrap(wrapped, 1) is wrapped
    assert wrap(nn.Conv2d(3, 1, 1), 3).stride == 32


def test_only_a_module_counts_as_encoder() -> None:
    core = Watched()
    assert wrap(core, 3).encoder is None
    core.encoder = nn.Conv2d(3, 3, 1)
    assert wrap(core, 3).encoder is core.encoder


def test_statistics_are_not_learnt_weights() -> None:
    wrapped, _ = network()
    assert not wrapped.state_dict()
    assert {name for name, _ in wrapped.named_buffers()} == {"mean", "std"}


class Twofold(nn.Module):
    """Two logits a pixel, background and foreground."""

    stride = 4

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        logits: Tensor = self.head(image_BCHW)
        return logits


def test_two_logits_are_their_softmax_and_its_cross_entropy() -> None:
    wrapped = wrap(Twofold(), 1)
    image, target = pixels(1, 10, 6), (pixels(1, 10, 6)[:, 0] > 127).long()
    both = wrapped(image)
    wrapped.reduce = difference
    one = wrapped(image)
    assert one.shape == (2, 1, 10, 6)
    torch.testing.assert_close(one[:, 0].sigmoid(), both.softmax(dim=1)[:, 1])
    torch.testing.assert_close(
        BinaryCrossEntropy()(one, target), nn.functional.cross_entropy(both, target)
    )
