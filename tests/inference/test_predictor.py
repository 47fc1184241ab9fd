"""The predictor's own promises; tests/commands/test_predict.py has those of the command."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import tifffile
import torch
from torch import nn

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.imaging.pixels import Pixels
from segkit.inference.predictor import Member, Predictor
from segkit.models.folding import fold_batch_norms
from segkit.models.network import wrap
from segkit.models.swin_unet import SwinUNet
from segkit.tasks.semantic.task import SemanticTask


def picture(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 8, 2, stride=2),
        nn.Conv2d(8, 1, 2, stride=2),
    )


def attention() -> nn.Module:
    return SwinUNet(in_channels=3, out_channels=1, width=8, depths=(1, 1), heads=(1, 2))


@pytest.mark.parametrize("make", [convolutions, attention])
def test_weights_rounded_once_answer_as_weights_rounded_each_time(
    make: Callable[[], nn.Module],
) -> None:
    torch.manual_seed(0)
    network = wrap(make(), 3).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    predictor = Predictor(
        [Member(network, None, 3)],
        task=SemanticTask(["background", "cell"]),
        device="cpu",
        precision="bf16-mixed",
    )
    image = picture(1)
    image_BCHW = torch.from_numpy(image[None]).permute(0, 3, 1, 2)
    folded = fold_batch_norms(network, image_BCHW)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        expected = folded(image_BCHW).float().sigmoid()[0].numpy()
    np.testing.assert_array_equal(predictor(image).probability, expected)
    for name, value in network.state_dict().items():
        assert value.dtype == before[name].dtype, "the caller's network stays as it was"
        assert torch.equal(value, before[name])


def test_rounded_and_folded_it_is_as_near_to_float32() -> None:
    torch.manual_seed(0)
    network = wrap(convolutions(), 3).eval()
    image = picture(2)
    image_BCHW = torch.from_numpy(image[None]).permute(0, 3, 1, 2)
    with torch.inference_mode():
        exact = network(image_BCHW).sigmoid()[0].numpy()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            plain = network(image_BCHW).float().sigmoid()[0].numpy()
    for precision, bound in (("32-true", 1e-6), ("bf16-mixed", 2 * np.abs(plain - exact).max())):
        predictor = Predictor(
            [Member(network, None, 3)],
            task=SemanticTask(["a", "b"]),
            device="cpu",
            precision=precision,
        )
        assert np.abs(predictor(image).probability - exact).max() <= bound


def test_a_network_that_takes_no_small_images() -> None:
    torch.manual_seed(0)
    network = wrap(smp.PAN("resnet18", encoder_weights=None, in_channels=3, classes=1), 3).eval()
    predictor = Predictor([Member(network, None, 3)], task=SemanticTask(["a", "b"]), device="cpu")
    image = np.tile(picture(3), (4, 4, 1))
    assert predictor(image).mask.shape == (256, 256)


def test_a_whole_image_that_memory_does_not_hold_is_refused_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    member = Member(wrap(convolutions(), 3), None, 3)
    predictor = Predictor([member], task=SemanticTask(["background", "cell"]), device="cpu")
    monkeypatch.setattr("segkit.inference.predictor._UNFORESEEN", 1000)
    assert predictor(picture(1)).mask.shape == (64, 64)
    # 64 × 64 pixels: their bytes, eight planes of floats and more are a quarter of a megabyte.
    monkeypatch.setattr(memory, "available", lambda: 200_000)
    with pytest.raises(SegkitError, match="64×64 pixels as a whole needs about") as caught:
        predictor(picture(1))
    assert caught.value.remedy == "cut it into tiles: tile=512"
    tile = predictor(picture(1), tile=32, overlap=8)
    assert tile.mask.shape == (64, 64)


@pytest.mark.parametrize("tile", [None, 32])
def test_an_image_of_other_channels_is_named(tile: int | None, tmp_path: Path) -> None:
    member = Member(wrap(convolutions(), 3).eval(), None, 3)
    predictor = Predictor([member], task=SemanticTask(["background", "cell"]), device="cpu")
    four = np.zeros((64, 64, 4), np.uint8)
    path = tmp_path / "four.tif"
    tifffile.imwrite(path, four, photometric="minisblack", metadata={"axes": "YXC"})
    for given, where in ((path, str(path)), (str(path), str(path)), (four, "image")):
        with pytest.raises(SegkitError, match="4 channels, and 3 are taken") as caught:
            predictor(given, tile=tile, overlap=8)
        assert caught.value.where == where
