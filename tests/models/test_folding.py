"""Batch norms folded into convolutions: the same answer, or none folded."""

import warnings
from collections.abc import Callable

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from segkit.models.folding import fold_batch_norms


def trained(network: nn.Module) -> nn.Module:
    """As after a training: no norm is the identity."""
    draw = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            assert module.running_var is not None
            module.running_mean.normal_(0.0, 0.2, generator=draw)
            module.running_var.uniform_(0.5, 2.0, generator=draw)
            module.weight.data.uniform_(0.5, 2.0, generator=draw)
            module.bias.data.normal_(0.0, 0.2, generator=draw)
    return network.eval()


def image() -> Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def largest(network: nn.Module, other: nn.Module) -> float:
    """The largest difference of two answers, of the largest answer."""
    with torch.inference_mode():
        expected = network(image())
        return float((other(image()) - expected).abs().max() / expected.abs().max())


def test_one_layer_by_hand() -> None:
    network = trained(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)))
    convolution, norm = network[0], network[1]  # type: ignore[index]
    folded = fold_batch_norms(network, image())
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight, bias = folded[0].weight, folded[0].bias  # type: ignore[index]
    torch.testing.assert_close(weight, convolution.weight * factor.view(-1, 1, 1, 1))
    torch.testing.assert_close(bias, norm.bias - norm.running_mean * factor)
    assert norms(folded) == 0


@pytest.mark.parametrize("encoder", ["mobilenet_v2", "resnet18", "vgg11_bn"])
def test_networks_have_no_norm_left(encoder: str) -> None:
    torch.manual_seed(0)
    network = trained(smp.Unet(encoder, encoder_weights=None, in_channels=3, classes=1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folded = fold_batch_norms(network, image())
    assert norms(folded) == 0
    assert largest(network, folded) < 1e-4
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), "the caller's network stays as it was"


class Watched(nn.Module):
    """What the convolution gives is used once more, besides its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        given = self.convolution(image_BCHW)
        answer: Tensor = given + self.norm(given)
        return answer


class Twice(nn.Module):
    """One convolution, two norms."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.first, self.second = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        once = self.first(self.convolution(image_BCHW))
        answer: Tensor = self.second(self.convolution(once))
        return answer


def between() -> nn.Module:
    """The activation gives back the convolution's own tensor, changed."""
    return nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(3))


def batch_statistics() -> nn.Module:
    """A norm by the batch's own statistics, in evaluation too."""
    return nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3, track_running_stats=False))


class Seldom(Watched):
    """The other use shows on few images."""

    def forward(self, image_BCHW: Tensor) -> Tensor:
        given = self.convolution(image_BCHW)
        answer: Tensor = self.norm(given) + torch.relu(given - 100)
        return answer


class Training(Watched):
    """A norm that stays in training mode."""

    def forward(self, image_BCHW: Tensor) -> Tensor:
        answer: Tensor = self.norm(self.convolution(image_BCHW))
        return answer

    def train(self, mode: bool = True) -> "Training":
        super().train(mode)
        self.norm.train(mode=True)
        self.norm.momentum = 0.0  # two answers are the same
        return self


def spectral() -> nn.Module:
    """A convolution whose weight is computed anew by a hook."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 3, 3)), nn.BatchNorm2d(3))


class Small(nn.Module):
    """Takes no image of this size."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))

    def forward(self, image_BCHW: Tensor) -> Tensor:
        answer: Tensor = self.layers(image_BCHW)
        if image_BCHW.shape[-1] == 32:
            raise RuntimeError("too small")
        return answer


def test_a_network_that_does_not_take_the_image_is_left() -> None:
    network = trained(Small())
    assert fold_batch_norms(network, image()[..., :32]) is network
    assert fold_batch_norms(network, image()) is not network


class Named(Training):
    """The norm is given its input by name."""

    def forward(self, image_BCHW: Tensor) -> Tensor:
        answer: Tensor = self.norm(input=self.convolution(image_BCHW))
        return answer

    def train(self, mode: bool = True) -> "Named":
        nn.Module.train(self, mode)
        return self


def test_a_norm_is_given_its_input_by_name() -> None:
    network = trained(Named())
    folded = fold_batch_norms(network, image())
    assert norms(folded) == 0
    assert largest(network, folded) < 1e-5


def test_within_inference_mode() -> None:
    with torch.inference_mode():
        network = trained(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
        folded = fold_batch_norms(network, image())
        assert largest(network, folded) < 1e-5


@pytest.mark.parametrize(
    "make", [Watched, Twice, Seldom, Training, spectral, between, batch_statistics]
)
def test_what_cannot_be_folded_is_not(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    network = trained(make())
    folded = fold_batch_norms(network, image())
    assert norms(folded) == norms(network) > 0
    assert largest(network, folded) == 0.0


def test_a_layer_under_two_names() -> None:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))
            self.stages = nn.ModuleList([self.first, nn.Sequential(self.first[1])])

        def forward(self, image_BCHW: Tensor) -> Tensor:
            answer: Tensor = self.stages[0](image_BCHW)
            return answer

    torch.manual_seed(0)
    network = trained(Listed())
    folded = fold_batch_norms(network, image())
    assert norms(folded) == 0
    assert largest(network, folded) < 1e-5
