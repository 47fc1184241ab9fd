"""Inference: predict beside bare torch, onnxruntime and MONAI's sliding windows."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segkit.benchmarks.bare_loop import device_of, wait_for
from segkit.benchmarks.rounds import Rounds, interleaved
from segkit.benchmarks.timing import rates
from segkit.core.hardware import autocast
from segkit.inference.predictor import Member, Predictor
from segkit.models.network import SegmentationNetwork
from segkit.runs.build import build_data, build_network, build_reader
from segkit.tasks.named import build_task
from segkit.tasks.parts import Decoder

log = logging.getLogger(__name__)
Config = Mapping[str, Any]
Image = NDArray[np.uint8]
PART = "inference"
IMAGES, SIDE, TILE, OVERLAP = 16, 2048, 512, 64


def inference(config: Config, rounds: int, shown: Rounds) -> None:
    """Measure whole images and a large one in tiles, in one process.

    Args:
        config: as for :mod:`segkit.train`; weights are random, which costs the same.
        rounds: that are counted.
        shown: keeps what is found.
    """
    data = build_data(config, build_reader(config))
    data.prepare_data()
    task = build_task(config, data.classes)
    network = build_network(config, task).eval()
    predictor = Predictor(
        [Member(network, data.size, data.channels)],
        task=task,
        device=device_of(config["trainer"]).type,
    )
    dataset = data.dataset("all")
    images = [np.array(dataset[0, i]["image"]) for i in data.indices("all")[:IMAGES]]
    _whole(predictor, network, images, rounds, shown)
    _tiled(predictor, network, _large(images), rounds, shown)


def _large(images: list[Image]) -> Image:
    """One image of 2048 by 2048, of the small ones side by side."""
    row = np.concatenate([np.resize(image, images[0].shape) for image in images], axis=1)
    across, down = -(-SIDE // row.shape[1]), -(-SIDE // row.shape[0])
    return np.ascontiguousarray(np.tile(row, (down, across, 1))[:SIDE, :SIDE])


def _whole(
    predictor: Predictor,
    network: SegmentationNetwork,
    images: list[Image],
    rounds: int,
    shown: Rounds,
) -> None:
    device = torch.device(predictor.device)
    stacks = {
        "one by one": [image[None] for image in images],
        "in the same batches": [np.stack(b) for b in _batches(images, predictor.together)],
    }
    tensors = {
        how: [torch.from_numpy(some).permute(0, 3, 1, 2).to(device) for some in stack]
        for how, stack in stacks.items()
    }

    def ours() -> None:
        for some in _batches(images, predictor.together):
            for logits in predictor.whole(some):
                list(predictor.task.decoder.answers([logits], maps=True))

    def bare(how: str) -> None:
        with torch.inference_mode(), autocast(device, predictor.precision):
            for tensor in tensors[how]:
                network(tensor)
        wait_for(device)

    rivals: dict[str, Callable[[], object]] = {"segkit, mask and probability": ours}
    for how in stacks:
        rivals[f"bare torch, logits alone, {how}"] = partial(bare, how)
    with tempfile.TemporaryDirectory() as folder:
        if device.type == "cpu" and importlib.util.find_spec("onnxruntime"):
            ask = _onnx(network, predictor.task.decoder, images, Path(folder))
            for how, stack in stacks.items():
                rivals[f"onnxruntime, float32, {how}"] = partial(_each, ask, stack)
        what = f"{len(images)} images, {predictor.together} at once"
        goals = {name: 1.0 for name in rivals if name.startswith("onnxruntime")}
        rate = partial(rates, PART, amount=len(images), unit="images/s", goals=goals, what=what)
        interleaved(rivals, rounds, shown, rate)


def _batches(images: list[Image], most: int) -> list[list[Image]]:
    return [images[first : first + most] for first in range(0, len(images), most)]


def _each(ask: Callable[[Image], object], stack: list[Image]) -> None:
    for image_BHWC in stack:
        ask(image_BHWC)


def _onnx(
    network: SegmentationNetwork, decoder: Decoder, images: list[Image], folder: Path
) -> Callable[[Image], object]:
    import onnxruntime

    from segkit.inference.onnx_model import INPUT, OUTPUT, write_onnx

    size = None if network.any_size_exports else (images[0].shape[0], images[0].shape[1])
    write_onnx(network, decoder, images[0].shape[2], folder / "model.onnx", opset=18, size=size)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    return lambda image_BHWC: session.run([OUTPUT], {INPUT: image_BHWC})


def _tiled(
    predictor: Predictor,
    network: SegmentationNetwork,
    image: Image,
    rounds: int,
    shown: Rounds,
) -> None:
    rivals: dict[str, Callable[[], object]] = {
        "segkit": lambda: predictor(image, tile=TILE, overlap=OVERLAP)
    }
    goals = {}
    if importlib.util.find_spec("monai"):
        name = "MONAI sliding_window_inference"
        rivals[name] = _monai(predictor, network, image, predictor.precision)
        rivals[f"{name}, float32"] = _monai(predictor, network, image, "32-true")
        goals = dict.fromkeys((name, f"{name}, float32"), 1.0)
    else:
        log.warning("MONAI is not installed: pip install 'segkit[benchmark]' to compare with it")
    what = f"{SIDE}² pixels in tiles of {TILE}, overlap {OVERLAP}"
    amount = image.shape[0] * image.shape[1] / 1e6
    rate = partial(rates, PART, amount=amount, unit="megapixels/s", goals=goals, what=what)
    interleaved(rivals, rounds, shown, rate)


def _monai(
    predictor: Predictor, network: SegmentationNetwork, image: Image, precision: str
) -> Callable[[], object]:
    from monai.inferers import sliding_window_inference

    device = torch.device(predictor.device)

    def work() -> object:
        image_BCHW = torch.from_numpy(image[None]).permute(0, 3, 1, 2).to(device).float()
        with torch.inference_mode(), autocast(device, precision):
            logits = sliding_window_inference(
                image_BCHW,
                (TILE, TILE),
                sw_batch_size=8 if device.type == "cuda" else 1,
                predictor=network,
                overlap=OVERLAP / TILE,
                mode="gaussian",
            )
            assert isinstance(logits, torch.Tensor)
            # What segkit gives back too.
            decoder = predictor.task.decoder
            return decoder.decode(logits).cpu().numpy(), decoder.maps(logits).cpu().numpy()

    return work
