"""The exported graph: any size, raw pixels, and the same probabilities as torch."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segkit.core.errors import SegkitError
from segkit.inference.onnx_model import Probabilities, compare, write_onnx
from segkit.models.network import SegmentationNetwork
from segkit.tasks.semantic.decoder import SemanticDecoder
from segkit.tasks.semantic.task import SemanticTask

# torch takes seconds to trace the first graph.
pytestmark = pytest.mark.slow
SIZES = [(8, 8), (5, 9), (31, 200), (33, 1)]


class Core(nn.Module):
    """Halves and doubles the size, so that padding to an even one is needed."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.down = nn.Conv2d(channels, 4, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(4, classes, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        up: Tensor = self.up(torch.relu(self.down(x)))
        return up


def network(channels: int = 3, classes: int = 1) -> SegmentationNetwork:
    mean, std = (0.5,) * channels, (0.25,) * channels
    return SegmentationNetwork(Core(channels, classes), stride=2, mean=mean, std=std).eval()


def decoder(classes: int = 1) -> SemanticDecoder:
    """Of as many logits."""
    names = [f"class {number}" for number in range(max(classes, 2))]
    return SemanticTask(names).decoder


def image(rows: int, columns: int, channels: int = 3) -> NDArray[np.uint8]:
    rng = np.random.default_rng(rows * columns)
    return rng.integers(0, 256, (rows, columns, channels), dtype=np.uint8)


@pytest.mark.parametrize(("channels", "classes"), [(3, 1), (1, 4)])
def test_it_computes_the_same_at_any_size(tmp_path: Path, channels: int, classes: int) -> None:
    path, built = tmp_path / "model.onnx", network(channels, classes)
    write_onnx(built, decoder(classes), channels, path, opset=18)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    images = [image(*size, channels) for size in SIZES]
    parity = compare(built, decoder(classes), path, images)
    assert (parity.images, parity.pixels) == (4, sum(a * b for a, b in SIZES))
    assert parity.difference < 1e-6
    assert parity.decided_otherwise == 0
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": np.stack([image(12, 20, channels)] * 3)})
    assert found.shape == (3, classes, 12, 20)
    assert found.dtype == np.float32
    if classes > 1:
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_a_model_that_computes_otherwise_is_found_out(tmp_path: Path) -> None:
    path, built = tmp_path / "model.onnx", network()
    write_onnx(built, decoder(), 3, path, opset=18)
    core = built.core
    assert isinstance(core, Core)
    with torch.no_grad():
        assert core.up.bias is not None
        core.up.bias += 1
    parity = compare(built, decoder(), path, [image(16, 16)])
    assert parity.difference > 0.01
    assert parity.decided_otherwise > 0


def test_probabilities_are_of_the_logits() -> None:
    built, pixels = network(classes=3), torch.from_numpy(image(6, 10)[None])
    with torch.no_grad():
        logits = built(pixels.permute(0, 3, 1, 2))
        torch.testing.assert_close(Probabilities(built, decoder(3))(pixels), logits.softmax(1))


class NotFinite(nn.Module):
    """A network in which something went wrong."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :1] * torch.nan


def test_what_is_not_a_number_is_a_difference(tmp_path: Path) -> None:
    mean, std = (0.5,) * 3, (0.25,) * 3
    broken = SegmentationNetwork(NotFinite(), stride=2, mean=mean, std=std).eval()
    write_onnx(broken, decoder(), 3, tmp_path / "model.onnx", opset=18)
    images = [image(8, 8), image(9, 9)]
    parity = compare(network(), decoder(), tmp_path / "model.onnx", images)
    assert np.isnan(parity.difference)


class Unknown(nn.Module):
    """An operation that ONNX does not have."""

    def forward(self, x: Tensor) -> Tensor:
        spectrum: Tensor = torch.linalg.svd(x).S
        return spectrum[..., None].expand(-1, -1, -1, x.shape[-1])[:, :1]


def test_what_onnx_cannot_express_is_said(tmp_path: Path) -> None:
    built = SegmentationNetwork(Unknown(), stride=1, mean=(0.5,), std=(0.5,)).eval()
    with pytest.raises(SegkitError, match="cannot be expressed in ONNX"):
        write_onnx(built, decoder(), 1, tmp_path / "model.onnx", opset=18)


def test_an_exporter_that_gives_no_reason_is_named_by_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **settings: object) -> None:
        del args, settings
        raise torch.onnx.OnnxExporterError

    monkeypatch.setattr(torch.onnx, "export", fails)
    with pytest.raises(SegkitError, match="in ONNX: OnnxExporterError"):
        write_onnx(network(), decoder(), 3, tmp_path / "model.onnx", opset=18)
