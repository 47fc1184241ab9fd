"""segkit's own networks: one contract for all, and what each is known by."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import nn

from segkit.inference.onnx_model import compare, write_onnx
from segkit.models.attention_unet import AttentionGate
from segkit.models.blocks import nearest_up, transposed_up
from segkit.models.multires_unet import MultiResBlock
from segkit.models.network import SegmentationNetwork, wrap
from segkit.tasks.semantic.task import SemanticTask

CONF = Path(__file__).parents[2] / "conf"
# Narrow ones, so that a step takes a moment.
NARROW = {
    "attention_unet": ["model.base_filters=4"],
    "multires_unet": ["model.base_filters=6"],
    "swin_unet": ["model.width=6", "model.heads=[1,2,2,2]"],
    "unet3plus": ["model.base_filters=2"],
    "unet_classic": ["model.n_filters=4"],
    "unet_flexible": ["model.base_filters=2", "model.num_layers=5"],
    "unet_lowered": [],
}


def build(name: str, channels: int, out_channels: int, *narrow: str) -> SegmentationNetwork:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        given = [f"model={name}", f"dataset.channels={channels}", *narrow]
        config = compose("train", overrides=given)
    return wrap(instantiate(config.model, out_channels=out_channels), channels)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_every_network_of_its_own_is_tried() -> None:
    own = {
        path.stem
        for path in (CONF / "model").glob("[!_]*.yaml")
        if "defaults: [_smp]" not in path.read_text("utf-8")
    }
    assert own == set(NARROW)


@pytest.mark.sampled
@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize(("channels", "out_channels"), [(3, 1), (1, 4)])
def test_any_size_and_a_gradient_for_every_parameter(
    name: str, channels: int, out_channels: int
) -> None:
    torch.manual_seed(0)
    network = build(name, channels, out_channels, *NARROW[name])
    image = torch.randint(0, 256, (2, channels, 37, 50), dtype=torch.uint8)
    logits = network(image)
    assert logits.shape == (2, out_channels, 37, 50)
    (logits * torch.randn_like(logits)).sum().backward()
    assert [n for n, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("name", NARROW)
def test_none_has_an_encoder_that_published_weights_belong_to(name: str) -> None:
    assert build(name, 1, 1, *NARROW[name]).encoder is None


@pytest.mark.slow
@pytest.mark.parametrize("name", NARROW)
def test_it_compiles(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, 1, 1, *NARROW[name]).eval()
    image = torch.randint(0, 256, (1, 1, 40, 64), dtype=torch.uint8)
    # Traced whole and differentiated, but not turned into machine code, which takes minutes.
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(image), network(image))


@pytest.mark.slow
@pytest.mark.parametrize("name", NARROW)
def test_it_exports(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(name, 1, 1, *NARROW[name]).eval()
    size = None if network.any_size_exports else (40, 64)
    decoder = SemanticTask(["background", "cell"]).decoder
    write_onnx(network, decoder, 1, tmp_path / "model.onnx", opset=18, size=size)
    rng = np.random.default_rng(0)
    sizes = [size] if size else [(37, 50), (128, 40)]
    images = [rng.integers(0, 256, (*shape, 1), np.uint8) for shape in sizes]
    parity = compare(network, decoder, tmp_path / "model.onnx", images)
    assert parity.difference < 1e-5


@pytest.mark.parametrize("name", NARROW)
def test_each_pixel_is_where_it_was(name: str) -> None:
    """What changes in a corner of the image changes that corner of the answer most."""
    torch.manual_seed(0)
    network = build(name, 1, 1, *NARROW[name]).eval()
    dark = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    lit = dark.clone()
    lit[..., :24, 40:] = 255
    with torch.no_grad():
        change = (network(lit) - network(dark)).abs()[0, 0]
    corners = {
        (r, c): float(change[r : r + 24, c : c + 24].mean()) for r in (0, 40) for c in (0, 40)
    }
    assert max(corners, key=lambda corner: corners[corner]) == (0, 40)


def test_unet_lowered_has_the_parameters_it_was_published_with() -> None:
    assert parameters(build("unet_lowered", 1, 1)) == 1_941_093


def test_unet3plus_has_the_parameters_of_the_paper() -> None:
    """26.97 million without deep supervision (table 1)."""
    network = build("unet3plus", 3, 1, "model.base_filters=64")
    assert round(parameters(network) / 1e6, 2) == 26.97


def test_swin_unet_has_the_parameters_of_the_paper() -> None:
    """27.17 million."""
    assert round(parameters(build("swin_unet", 3, 1)) / 1e6, 2) == 27.17


def test_multires_unet_has_the_parameters_of_the_paper() -> None:
    """7,262,750 (table 3), which rounds the filters of some blocks otherwise."""
    assert parameters(build("multires_unet", 3, 1)) == pytest.approx(7_262_750, rel=0.005)


def test_unet_classic_doubles_its_filters() -> None:
    network = build("unet_classic", 3, 1)
    widths = [m.out_channels for m in network.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert widths == [128, 64, 32, 16]


def test_unet_flexible_looks_wide_first() -> None:
    network = build("unet_flexible", 3, 1, "model.base_filters=2")
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)][:16:2]
    assert [conv.kernel_size[0] for conv in convs] == [9, 7, 5, 3, 3, 3, 3, 3]
    assert [conv.dilation[0] for conv in convs] == [3, 2, 1, 1, 1, 1, 1, 1]
    assert [conv.out_channels for conv in convs] == [2 * 2**level for level in range(8)]
    drops = [m.p for m in network.modules() if isinstance(m, nn.Dropout)][:8]
    assert drops == pytest.approx([0.06 * level for level in range(8)])


def test_a_gate_gives_weights_between_nothing_and_all() -> None:
    torch.manual_seed(0)
    gate = AttentionGate(4, 8, 4)
    kept, gating = torch.rand(1, 4, 8, 8) + 1, torch.randn(1, 8, 4, 4)
    with torch.no_grad():
        share = gate(kept, gating) / kept
    assert float(share.min()) > 0
    assert float(share.max()) < 1
    # One weight a pixel, for all channels.
    torch.testing.assert_close(share[:, :1].expand_as(share), share)


def test_a_multires_block_has_a_sixth_a_third_and_a_half() -> None:
    block = MultiResBlock(3, 32, 1.67)
    assert [conv[0].out_channels for conv in block.convs] == [8, 17, 26]  # type: ignore[index]
    assert block.outputs == 51


@pytest.mark.parametrize(
    "up", [nearest_up(3, 5), transposed_up(3, 5), transposed_up(3, 5, kernel=3)]
)
def test_enlarging_is_twofold(up: nn.Module) -> None:
    assert up(torch.zeros(1, 3, 7, 4)).shape == (1, 5, 14, 8)
