"""From a file of many planes to one image: its axes are what the file says, or the settings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.planes import MAX, MEAN, PLAIN, Planes
from segkit.imaging.formats.base import Picture
from segkit.imaging.photometric import Photometric

Pixels = NDArray[Any]

_WHOLE = "whole"
# tifffile's letters for pages of which the file does not say what they are.
_UNKNOWN = "IQ"
_NAMES = {"Z": "a stack of planes", "T": "a time series", "C": "channels"}


def arranged(
    stored: Pixels,
    axes: str,
    shown: Photometric,
    name: str,
    planes: Planes = PLAIN,
    *,
    whole: bool = False,
) -> Picture:
    """The image of a series of pages.

    Args:
        stored: samples as decoded, of any number of axes.
        axes: a letter for each, as tifffile has them: S are samples of a pixel.
        shown: makes pixels of samples.
        name: of the file.
        planes: the settings.
        whole: give all planes of a stack.

    Returns:
        Pixels (H, W) or (H, W, C), alpha (H, W); with ``whole`` the planes come before rows.

    Raises:
        SegkitError: axes that nobody knows, or several planes of which none was chosen.
    """
    shape, axes = settled(axes, stored.shape, shown.samples, name, planes)
    stored = stored.reshape(shape)
    if "S" in axes:
        stored = np.moveaxis(stored, axes.index("S"), -1)
        axes = axes.replace("S", "")
    picture = shown(stored)
    several = picture.pixels.ndim > len(axes)
    z = _WHOLE if whole else planes.z
    pixels = one_image(picture.pixels, axes + "S" * several, name, z)
    alpha = None if picture.alpha is None else one_image(picture.alpha, axes, name, z)
    return Picture(pixels, alpha)


def settled(
    axes: str, shape: tuple[int, ...], samples: int, name: str, planes: Planes
) -> tuple[tuple[int, ...], str]:
    """Shape and letters of the axes that have more than one place, by the file or the settings.

    Raises:
        SegkitError: axes that nobody knows.
    """
    place = _samples_at(axes, shape, samples)
    if place is not None:
        axes = f"{axes[:place]}S{axes[place + 1 :]}"
    kept = [n for n, axis in enumerate(axes) if axis in "YX" or shape[n] != 1 or n == place]
    shape = tuple(shape[n] for n in kept)
    return shape, _known("".join(axes[n] for n in kept), shape, name, planes.axes)


def _samples_at(axes: str, shape: tuple[int, ...], samples: int) -> int | None:
    """Where the samples of a pixel are: a description may call them otherwise, such as C."""
    if samples == 1:
        return None
    places = [axes.find("S"), len(axes) - 1, len(axes) - 3]
    found = [n for n in places if n >= 0 and shape[n] == samples]
    if not found:
        raise ValueError(f"{samples} samples a pixel, which are no axis of {axes}")
    return found[0]


def _known(axes: str, shape: tuple[int, ...], name: str, given: str | None) -> str:
    """The letters of the axes: those that were given, where they fit, or the file's own."""
    place = axes.find("S")
    if given is not None and len(given) == len(axes) and (place < 0 or given[place] == "C"):
        return given if place < 0 else f"{given[:place]}S{given[place + 1 :]}"
    own = axes.replace("S", "")
    if not set(own) & set(_UNKNOWN) and len(set(own)) == len(own) and {"Y", "X"} <= set(own):
        return axes
    raise _refused(shape, axes, name, "pages that do not say what they are", _ways(axes))


def _ways(axes: str) -> str:
    """What the settings may call axes of which some are not known."""
    plain, pages = axes.replace("S", "C"), [axis for axis in axes if axis not in "YXS"]
    words = {"C": "channels", "Z": "planes of a stack", "T": "points in time"}
    if len(pages) != 1 or not {"Y", "X"} <= set(axes):
        ways = "dataset.axes=ZCYX if it is a stack of channels"
    else:
        ways = "; ".join(
            f"dataset.axes={plain.replace(pages[0], letter)} if they are {what}"
            for letter, what in words.items()
            if letter not in plain
        )
    return f"say it, in the order of its axes: {ways}; to predict, axes= does the same"


def check_one(shape: tuple[int, ...], axes: str, name: str, z: int | str | None) -> str:
    """Refuse planes of which nobody said which are the image; gives the axis that they lie along.

    Args:
        shape: of an image of any number of planes.
        axes: a letter for each place.
        name: of the file.
        z: of the settings.

    Raises:
        SegkitError: with what to set.
    """
    along = [axis for axis in axes if axis not in "YXCS"]
    if {"C", "S"} <= set(axes):
        what, remedy = "channels of several samples each", "write each of these pictures as a file"
        raise _refused(shape, axes, name, what, remedy)
    if len(along) > 1:
        several = " and ".join(_NAMES.get(axis, f"axis {axis}") for axis in along)
        remedy = "write a file for each place on one of these axes"
        raise _refused(shape, axes, name, several, remedy)
    if not along or z in (_WHOLE, MAX, MEAN):
        return "".join(along)
    count = shape[axes.index(along[0])]
    if isinstance(z, int) and z < count:
        return along[0]
    what = _NAMES.get(along[0], f"planes along an axis {along[0]}")
    if isinstance(z, int):
        what += f", the last of which is {count - 1}, counted from 0"
    remedy = (
        "take the brightest of its planes by dataset.z=max; their mean by dataset.z=mean; one "
        f"plane, of a mask too if it is a stack, by its number: dataset.z={count // 2}; or, of "
        "masks that are stacks, each plane as an image: dataset.z=slices; to predict, z= does the "
        "same"
    )
    raise _refused(shape, axes, name, what, remedy)


def one_image(pixels: Pixels, axes: str, name: str, z: int | str | None) -> Pixels:
    """(H, W) or (H, W, C): one plane of many, or what they have in common.

    What it takes, and raises: :func:`check_one`.
    """
    along = check_one(pixels.shape, axes, name, z)
    if along and z != _WHOLE:
        pixels = _chosen(pixels, axes.index(along), z)
        axes = axes.replace(along, "")
    order = [axes.index(axis) for axis in (*along, *"YXCS") if axis in axes]
    return np.transpose(pixels, order)


def _chosen(pixels: Pixels, place: int, z: int | str | None) -> Pixels:
    if z == MAX:
        return np.asarray(pixels.max(axis=place))
    if z == MEAN:
        mean = pixels.mean(axis=place, dtype=np.float64)
        # What was counted in whole numbers stays in the range of its type.
        return np.asarray(mean if pixels.dtype.kind == "f" else np.rint(mean), pixels.dtype)
    assert isinstance(z, int)
    return np.asarray(np.take(pixels, z, axis=place))


def _refused(shape: tuple[int, ...], axes: str, name: str, what: str, remedy: str) -> SegkitError:
    size = "×".join(map(str, shape))
    return SegkitError(f"{what} ({size}, axes {axes})", where=name, remedy=remedy)
