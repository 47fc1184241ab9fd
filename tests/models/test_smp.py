"""Networks of segmentation-models-pytorch, as the YAML files name them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from segkit.core.errors import SegkitError
from segkit.models.network import IMAGENET_MEAN, IMAGENET_STD, SegmentationNetwork
from segkit.models.smp import smp_network

CONF = Path(__file__).parents[2] / "conf"
MODELS = sorted(
    path.stem
    for path in (CONF / "model").glob("[!_]*.yaml")
    if "defaults: [_smp]" in path.read_text("utf-8")
)


def build(name: str, channels: int, out_channels: int) -> SegmentationNetwork:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose("train", overrides=[f"model={name}", f"dataset.channels={channels}"])
    network = instantiate(config.model, out_channels=out_channels)
    assert isinstance(network, SegmentationNetwork)
    return network


def test_the_models_were_found() -> None:
    assert "unet_mnv2" in MODELS
    assert len(MODELS) >= 7


@pytest.mark.sampled
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("channels", "out_channels"), [(3, 1), (1, 4)])
def test_every_model_takes_a_step(name: str, channels: int, out_channels: int) -> None:
    torch.manual_seed(0)
    network = build(name, channels, out_channels)
    image = torch.randint(0, 256, (2, channels, 64, 50), dtype=torch.uint8)
    logits = network(image)
    assert logits.shape == (2, out_channels, 64, 50)
    weights = torch.randn_like(logits)
    (logits * weights).sum().backward()
    assert network.encoder is not None
    assert len(list(network.encoder.parameters())) > 30
    without = [name for name, p in network.named_parameters() if p.grad is None]
    assert without == []
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    torch.optim.SGD(network.parameters(), lr=1e-3).step()
    moved = [n for n, p in network.named_parameters() if not torch.equal(p, before[n])]
    # A gradient of exactly zero is possible where batch norm follows a bias; none is for most.
    assert len(moved) > 0.9 * len(before)
    assert all(torch.isfinite(p).all() for p in network.parameters())


def unet(encoder: str, *, weights: str | None = None, channels: int = 3) -> SegmentationNetwork:
    return smp_network(
        architecture=smp.Unet,
        encoder=encoder,
        encoder_weights=weights,
        in_channels=channels,
        out_channels=1,
    )


def test_an_encoder_of_timm() -> None:
    network = unet("tu-resnet18", channels=1)
    assert network.eval()(torch.zeros(1, 1, 40, 33)).shape == (1, 1, 40, 33)


def test_colour_weights_of_timm_serve_one_channel(tmp_path: Path) -> None:
    colour, path = unet("tu-resnet18").encoder, tmp_path / "colour.pth"
    assert colour is not None
    torch.save(colour.state_dict(), path)
    grey = unet("tu-resnet18", weights=str(path), channels=1).encoder
    assert grey is not None
    first = colour.state_dict()["model.conv1.weight"]
    summed = grey.state_dict()["model.conv1.weight"]
    torch.testing.assert_close(summed, first.sum(1, keepdim=True))


@pytest.mark.parametrize(
    ("encoder", "near"), [("resnet35", "'resnet34'"), ("tu-resnet19", "'tu-resnet18'")]
)
def test_an_unknown_encoder_names_near_misses(encoder: str, near: str) -> None:
    with pytest.raises(SegkitError, match="unknown encoder") as error:
        unet(encoder)
    assert near in error.value.remedy
    assert error.value.where == "model.encoder"


def test_an_encoder_that_the_architecture_cannot_use() -> None:
    with pytest.raises(SegkitError, match="UnetPlusPlus cannot be built") as error:
        smp_network(
            architecture=smp.UnetPlusPlus,
            encoder="mit_b0",
            encoder_weights=None,
            in_channels=3,
            out_channels=1,
        )
    assert error.value.where == "model.encoder=mit_b0"


@pytest.mark.parametrize(
    ("encoder", "mean"),
    [
        ("resnet18", IMAGENET_MEAN),
        ("xception", (0.5, 0.5, 0.5)),
        ("tu-resnet18", IMAGENET_MEAN),
        ("tu-tf_efficientnet_lite0", (0.5, 0.5, 0.5)),
        ("dpn68", (124 / 255, 117 / 255, 104 / 255)),
    ],
)
def test_statistics_are_those_the_published_weights_were_trained_with(
    encoder: str, mean: tuple[float, ...]
) -> None:
    torch.testing.assert_close(unet(encoder).mean.flatten(), 255 * torch.tensor(mean))


def test_statistics_that_were_recorded_outlive_another_timm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def built(**recorded: list[float]) -> SegmentationNetwork:
        torch.manual_seed(0)
        return smp_network(
            architecture=smp.Unet,
            encoder="tu-resnet18",
            encoder_weights=None,
            in_channels=3,
            out_channels=1,
            **recorded,
        ).eval()

    image = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    before = built()
    assert before.found == {"mean": list(IMAGENET_MEAN), "std": list(IMAGENET_STD)}
    newer = SimpleNamespace(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda _: newer)
    assert not torch.equal(built()(image), before(image))
    assert torch.equal(built(**before.found)(image), before(image))


@pytest.mark.parametrize(
    "given",
    [{"mean": [0.5]}, {"mean": 0.5}, {"std": [0.2, 0, 0.2]}, {"std": ["a"] * 3}, {"mean": "abc"}],
    ids=str,
)
def test_statistics_that_no_image_has(given: dict[str, Any]) -> None:
    with pytest.raises(SegkitError, match="of 3 channels, in units of 0…1") as error:
        smp_network(
            architecture=smp.Unet,
            encoder="resnet18",
            encoder_weights=None,
            in_channels=3,
            out_channels=1,
            **given,
        )
    assert error.value.where.startswith("model.")


def test_grey_images_take_the_average_statistics() -> None:
    grey = 255 * torch.tensor([sum(IMAGENET_STD) / 3])
    torch.testing.assert_close(unet("resnet18", channels=1).std.flatten(), grey)


@pytest.mark.parametrize("encoder", ["efficientnet-b0", "tu-efficientnet_lite0"])
def test_no_weight_is_left_without_a_gradient(encoder: str) -> None:
    """Several processes would wait for one for ever."""
    network = unet(encoder)
    network(torch.zeros(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_weights_for_colour_serve_grey_images(tmp_path: Path) -> None:
    """SMP sums the first layer's weights over the colours."""
    torch.manual_seed(0)
    colour = unet("resnet18")
    assert colour.encoder is not None
    path = tmp_path / "resnet18.pth"
    torch.save(colour.encoder.state_dict(), path)
    grey = unet("resnet18", weights=str(path), channels=1)
    assert grey.encoder is not None
    first = colour.encoder.state_dict()["conv1.weight"].sum(1, keepdim=True)
    torch.testing.assert_close(grey.encoder.state_dict()["conv1.weight"], first)
