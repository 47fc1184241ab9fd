"""Any architecture of segmentation-models-pytorch with any of its or timm's encoders."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import segmentation_models_pytorch as smp
import timm
from torch import nn

from segkit.config.sizes import AUTO
from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.home import at_home
from segkit.models.network import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    SegmentationNetwork,
    channel_statistics,
)
from segkit.models.weights import automatic_weights, load_encoder_weights, require_hub

# Statistics of 0…1 that published weights were trained with, by the start of the encoder's name,
# where they are not ImageNet's. SMP keeps them on the hub only.
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_OTHER_STATISTICS = {
    "inception": _HALF,
    "xception": _HALF,
    "timm-tf_efficientnet_lite": _HALF,
    "dpn": ((124 / 255, 117 / 255, 104 / 255), (1 / (0.0167 * 255),) * 3),
}
# What SMP leaves of EfficientNet's classifier: no feature passes it, and processes that train
# together would wait for its gradient.
_UNUSED = {
    "efficientnet-": ("_conv_head", "_bn1"),
    "timm-efficientnet-": ("conv_head", "bn2"),
    "timm-tf_efficientnet_": ("conv_head", "bn2"),
}


def smp_network(
    *,
    architecture: Callable[..., nn.Module],
    encoder: str,
    encoder_weights: str | None,
    in_channels: int,
    out_channels: int,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> SegmentationNetwork:
    """Build a network of segmentation-models-pytorch.

    Args:
        architecture: an SMP model class, with its own arguments bound if need be.
        encoder: a name SMP knows, or ``tu-<name>`` for timm's.
        encoder_weights: None for random ones, a published name (``imagenet``), a file, or
            ``auto``: see :func:`segkit.models.weights.automatic_weights`.
        in_channels: of the image; weights for 3 channels are added up for 1.
        out_channels: 1 for a binary task, else the number of classes.
        mean: of each channel, in 0…1; None for what the encoder's published weights expect.
        std: likewise.

    Raises:
        SegkitError: an unknown encoder or weights, an encoder this architecture cannot use, or
            statistics that no image has.
    """
    _check_encoder(encoder)
    chosen = ""
    if encoder_weights == AUTO:
        encoder_weights, chosen = automatic_weights(encoder)
    published = dict(zip(("mean", "std"), _statistics(encoder, in_channels), strict=True))
    statistics = published | {k: v for k, v in (("mean", mean), ("std", std)) if v is not None}
    _check_statistics(statistics, in_channels)
    from_timm = encoder.startswith("tu-")
    from_file = (
        encoder_weights is not None and at_home(encoder_weights, "model.encoder_weights").is_file()
    )
    fetch_from_timm = from_timm and encoder_weights is not None and not from_file
    if fetch_from_timm and not chosen:
        require_hub(f"model.encoder_weights={encoder_weights}", encoder)
    try:
        core = architecture(
            encoder_name=encoder,
            encoder_weights=True if fetch_from_timm else None,
            in_channels=in_channels if from_timm else 3,
            classes=out_channels,
        )
    except (ValueError, NotImplementedError, KeyError) as error:
        raise SegkitError(
            f"{_name(architecture)} cannot be built on this encoder: {error}",
            where=f"model.encoder={encoder}",
            remedy="choose another encoder, or an architecture such as model=unet_mnv2",
        ) from error
    part: Any = core.encoder
    for start, names in _UNUSED.items():
        for name in names if encoder.startswith(start) else ():
            delattr(part, name)
    if encoder_weights is not None and not fetch_from_timm:
        load_encoder_weights(part, encoder, encoder_weights)
    if not from_timm:
        part.set_in_channels(in_channels, pretrained=encoder_weights is not None)
    stride = int(getattr(part, "output_stride", 32))
    network = SegmentationNetwork(core, stride=stride, **statistics)
    network.found = {name: [float(v) for v in values] for name, values in statistics.items()}
    if chosen:
        network.found["encoder_weights"], network.chosen["encoder weights"] = (
            encoder_weights,
            chosen,
        )
    return network


def _check_encoder(name: str) -> None:
    known = smp.encoders.get_encoder_names()
    if name in known:
        return
    if name.startswith("tu-"):
        base = name.removeprefix("tu-").split(".")[0]
        if timm.is_model(base):
            return
        known = [f"tu-{model}" for model in timm.list_models()]
    raise SegkitError(
        f"unknown encoder {name!r}", where="model.encoder", remedy=did_you_mean(name, known)
    )


def _statistics(encoder: str, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What the published weights of this encoder expect, ImageNet's where nothing is known."""
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    if encoder.startswith("tu-"):
        published = timm.get_pretrained_cfg(encoder.removeprefix("tu-"))
        if published is not None:
            mean, std = published.mean, published.std
    for start, statistics in _OTHER_STATISTICS.items():
        if encoder.startswith(start):
            mean, std = statistics
    return channel_statistics(mean, std, channels)


def _check_statistics(given: Mapping[str, Any], channels: int) -> None:
    for name, values in given.items():
        several = isinstance(values, list | tuple) and len(values) == channels
        known = several and all(isinstance(v, int | float) and math.isfinite(v) for v in values)
        if not known or (name == "std" and min(values) <= 0):
            raise SegkitError(
                f"{values!r} is not the {name} of {channels} channels, in units of 0…1",
                where=f"model.{name}={values}",
                remedy="leave it out: the network then takes what its encoder's weights expect",
            )


def _name(architecture: Callable[..., nn.Module]) -> str:
    target = architecture.func if isinstance(architecture, functools.partial) else architecture
    return getattr(target, "__name__", type(target).__name__)
