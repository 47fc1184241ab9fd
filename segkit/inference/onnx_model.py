"""A trained network as an ONNX graph, and the proof that it computes the same."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segkit.core.errors import SegkitError
from segkit.models.network import SegmentationNetwork
from segkit.tasks.parts import Decoder

INPUT, OUTPUT = "image", "probability"


class Probabilities(nn.Module):
    """Raw pixels as decoded, (B, H, W, C) uint8, to probabilities (B, K, H, W) float32.

    Args:
        network: normalises, pads and crops by itself.
        decoder: makes probabilities of its outputs.
    """

    def __init__(self, network: SegmentationNetwork, decoder: Decoder) -> None:
        super().__init__()
        self.network, self.decoder = network, decoder

    def forward(self, image_BHWC: Tensor) -> Tensor:
        """Any B, H and W."""
        return self.decoder.maps(self.network(image_BHWC.permute(0, 3, 1, 2)))


@dataclass(frozen=True, slots=True)
class Parity:
    """How far onnxruntime and torch are apart.

    Attributes:
        images: number of images compared.
        difference: the largest of a probability, 0…1.
        pixels: how many were compared.
        decided_otherwise: of these, how many the two give to different classes or objects.
    """

    images: int
    difference: float
    pixels: int
    decided_otherwise: int


def write_onnx(
    network: SegmentationNetwork,
    decoder: Decoder,
    channels: int,
    path: Path,
    *,
    opset: int,
    size: tuple[int, int] | None = None,
) -> None:
    """Write the graph; the batch stays free, and height and width too unless they are given.

    Args:
        network: in evaluation mode, float32, on the CPU.
        decoder: of its task.
        channels: of the images.
        path: ends in ``.onnx``.
        opset: version of the ONNX operators.
        size: rows and columns that the graph is to be bound to.

    Raises:
        SegkitError: the network has a part that ONNX cannot express.
    """
    # No multiples of the stride, and all different, so that no size is taken for fixed.
    rows, columns = size or (3 * network.stride + 5, 4 * network.stride + 7)
    example = torch.zeros(2, rows, columns, channels, dtype=torch.uint8)
    free = torch.export.Dim.DYNAMIC
    dynamic = {0: free} if size else {0: free, 1: free, 2: free}
    try:
        with _silent():
            program = torch.onnx.export(
                Probabilities(network, decoder).eval(),
                (example,),
                dynamo=True,
                dynamic_shapes=(dynamic,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=opset,
                verbose=False,
            )
    except Exception as error:
        if not type(error).__module__.startswith("torch"):
            raise
        told = str(error).strip() or type(error).__name__
        raise SegkitError(
            f"this network cannot be expressed in ONNX: {told.splitlines()[0]}",
            where=f"opset={opset}",
            remedy="try another opset=, or a network of segmentation-models-pytorch",
        ) from error
    assert program is not None
    program.save(path)


def compare(
    network: SegmentationNetwork,
    decoder: Decoder,
    path: Path,
    images: Iterable[NDArray[np.uint8]],
) -> Parity:
    """Run both on the same images, one after the other, each at its own size.

    Args:
        network: in evaluation mode, float32, on the CPU.
        decoder: of its task.
        path: of the ONNX file.
        images: (H, W, C) uint8 each.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    wrapped = Probabilities(network, decoder).eval()
    count, difference, pixels, otherwise = 0, 0.0, 0, 0
    for image in images:
        batch = image[None]
        (found,) = session.run([OUTPUT], {INPUT: batch})
        with torch.inference_mode():
            expected = wrapped(torch.tensor(batch)).numpy()
        # Unlike Python's max, it keeps a NaN.
        difference = float(np.maximum(difference, np.abs(found - expected).max()))
        otherwise += int((decoder.decode_maps(found) != decoder.decode_maps(expected)).sum())
        pixels += image.shape[0] * image.shape[1]
        count += 1
    return Parity(count, difference, pixels, otherwise)


@contextmanager
def _silent() -> Iterator[None]:
    """Without the exporter's remarks on its own inside."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
