"""The channels of an image: those that a network takes, and those that a picture shows."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.channels import Channels
from segkit.core.errors import SegkitError

Bytes = NDArray[np.uint8]


def to_channels(image: Bytes, channels: Channels, name: str = "image") -> Bytes:
    """Give an image the channels that a network takes.

    Args:
        image: (H, W) or (H, W, C) uint8, without alpha.
        channels: places of those to take, from 0; or their number. Then one channel may be
            repeated to three, and three weighted to grey, 0.299 R + 0.587 G + 0.114 B (ITU-R
            BT.601).
        name: what to call the image in an error.

    Returns:
        (H, W, N) uint8, contiguous.

    Raises:
        SegkitError: the image has other channels.
    """
    planes = image[..., None] if image.ndim == 2 else image
    has = planes.shape[2]
    if isinstance(channels, tuple):
        if max(channels) >= has:
            raise _unfit(name, has, f"channel {max(channels)}, counted from 0, is to be taken")
        return np.ascontiguousarray(planes[..., list(channels)])
    if has == channels:
        return np.ascontiguousarray(planes)
    if (has, channels) == (1, 3):
        return np.repeat(planes, 3, axis=2)
    if (has, channels) == (3, 1):
        return as_grey(planes)[..., None]
    raise _unfit(name, has, f"{channels} are taken")


def _unfit(name: str, has: int, taken: str) -> SegkitError:
    return SegkitError(
        f"the image has {has} channel{'s' * (has > 1)}, and {taken}",
        where=name,
        remedy="give images of the channels that were trained on; a training takes as many as "
        "there are by dataset.channels=auto, some of them by 'dataset.channels=[0,1]'",
    )


def as_rgb(image: Bytes) -> Bytes:
    """What a picture shows of an image: grey as grey, of many channels the first three.

    Args:
        image: (H, W) or (H, W, C) uint8; two channels are shown as red and green.

    Returns:
        (H, W, 3) uint8, contiguous.
    """
    planes = image[..., None] if image.ndim == 2 else image
    if planes.shape[2] == 1:
        return np.repeat(planes, 3, axis=2)
    if planes.shape[2] == 2:
        planes = np.concatenate([planes, np.zeros_like(planes[..., :1])], axis=2)
    return np.ascontiguousarray(planes[..., :3])


def shown_as(count: int) -> str:
    """What :func:`as_rgb` shows of an image of so many channels, in words; of grey and RGB none."""
    if count in (1, 3):
        return ""
    if count == 2:
        return "channels 0 and 1 as red and green"
    return f"of {count} channels 0, 1 and 2 as red, green and blue"


def as_grey(image: Bytes) -> Bytes:
    """(H, W) uint8 of (H, W) or (H, W, C): colour is weighted as by :func:`to_channels`."""
    planes = image[..., None] if image.ndim == 2 else image
    if planes.shape[2] == 1:
        return np.ascontiguousarray(planes[..., 0])
    return np.asarray(cv2.cvtColor(as_rgb(planes), cv2.COLOR_RGB2GRAY), np.uint8)


def flat(pixels: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 1) as (H, W); anything else as it is."""
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def together(files: Sequence[tuple[str, NDArray[Any]]]) -> NDArray[Any]:
    """The channels of all files of an image, by what to call each in an error; of one, itself.

    Raises:
        SegkitError: one is of another size.
    """
    if len(files) == 1:
        return files[0][1]
    planes = [np.atleast_3d(pixels) for _, pixels in files]
    for (where, _), own in zip(files, planes, strict=True):
        if own.shape[:2] != planes[0].shape[:2]:
            height, width = planes[0].shape[:2]
            raise SegkitError(
                f"{own.shape[1]}×{own.shape[0]} pixels, of an image of {width}×{height}",
                where=where,
                remedy="give all files of an image the same size",
            )
    return np.concatenate(planes, axis=2)
