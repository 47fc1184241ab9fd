"""The memory of a step, foreseen: against tensors counted by hand, and against the step itself."""

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from segkit.core import memory
from segkit.models.footprint import footprint
from segkit.models.network import wrap
from segkit.tasks.losses import BinaryCrossEntropy, CrossEntropyDice
from segkit.tasks.semantic.task import SemanticTask
from segkit.training.batch_size import _restart_peak

MIB = 2**20
LOSS = CrossEntropyDice(entropy_weight=1.0, dice_weight=1.0, smooth=1.0, per_image=False)


class Doubled(nn.Module):
    """Holds its input and its output at a time, and nothing that can be learnt."""

    def forward(self, image_BCHW: Tensor) -> Tensor:
        return image_BCHW.float() * 2


class Largest(nn.Module):
    """A loss that holds next to nothing."""

    def forward(self, outputs_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        del target_BHW
        return outputs_BKHW.max()


def mask(shape_BHW: tuple[int, ...]) -> Tensor:
    return SemanticTask(["background", "cell"]).objective.example(shape_BHW)


def test_by_hand() -> None:
    """Bytes, floats of the image, and twice them; in training the mask's bytes too."""
    pixels = 4 * 256 * 256
    found = footprint(Doubled(), (4, 1, 256, 256), precision="32-true")
    assert found == pixels * (1 + 4 + 4)
    trained = footprint(
        Doubled(), (4, 1, 256, 256), precision="32-true", loss=Largest(), target=mask
    )
    assert trained == pixels * (1 + 1 + 4 + 4)


def test_it_grows_with_the_pixels_and_takes_no_memory_itself() -> None:
    network = wrap(smp.Unet("resnet18", encoder_weights=None), 3)
    small, large = (
        footprint(
            network,
            (1, 3, side, side),
            precision="bf16-mixed",
            loss=LOSS,
            target=mask,
            training=True,
        )
        for side in (2048, 8192)
    )
    assert small is not None
    assert large is not None
    assert large / (16 * small) == pytest.approx(1, abs=0.2)
    assert large > 20 * 2**30


@pytest.mark.skipif(not memory.resident(), reason="this system does not tell")
@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_it_is_what_the_step_takes(training: bool, precision: str) -> None:
    torch.manual_seed(0)
    network = wrap(smp.Unet("mobilenet_v2", encoder_weights=None), 3)
    network.to(memory_format=torch.channels_last)
    shape = (4, 3, 256, 256) if training else (1, 3, 1024, 1024)
    expected = footprint(
        network, shape, precision=precision, loss=LOSS, target=mask, training=training
    )
    network.train(training)
    before = _restart_peak()
    with torch.set_grad_enabled(training):
        image_BHWC = torch.zeros(shape[0], *shape[2:], 3, dtype=torch.uint8)
        truth_BHW = torch.zeros(shape[0], *shape[2:], dtype=torch.uint8)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss = LOSS(network(image_BHWC.permute(0, 3, 1, 2)), truth_BHW)
        if training:
            loss.backward()
    taken = memory.most_held() - before
    assert expected is not None
    # Kernels take some to work with: in a bare pass, of few tensors, as much again and more; where
    # the CPU has no bfloat16, they work on copies in float32.
    most = 1.5 if training else 2.5 if precision == "32-true" else 6
    assert 0.25 * expected - 64 * MIB < taken < most * expected + 128 * MIB


def test_the_network_is_left_as_it_was() -> None:
    network = wrap(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)), 3).eval()
    network.core[0].train()  # type: ignore[index]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    assert footprint(network, (2, 3, 64, 64), precision="32-true", training=True)
    assert torch.equal(state, torch.get_rng_state())
    assert [m.training for m in network.modules()] == [False, False, True, False]
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(p.grad is None for p in network.parameters())


class Asking(nn.Module):
    """Needs real numbers to go on."""

    def forward(self, image_BCHW: Tensor) -> Tensor:
        return image_BCHW.float() if float(image_BCHW.float().mean()) > 3 else image_BCHW * 2.0


def test_what_cannot_be_foreseen_is_not() -> None:
    assert footprint(Asking(), (1, 1, 64, 64), precision="32-true") is None


def test_the_loss_counts() -> None:
    shape, loss = (1, 1, 512, 512), BinaryCrossEntropy()
    without = footprint(Doubled(), shape, precision="32-true")
    with_it = footprint(Doubled(), shape, precision="32-true", loss=loss, target=mask)
    assert without is not None
    assert with_it is not None
    assert with_it > without
