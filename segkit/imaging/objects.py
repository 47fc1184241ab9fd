"""Label images: read as stored, or drawn object by object."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.imaging.channels import flat
from segkit.imaging.masks import mask_keys
from segkit.imaging.pixels import Pixels

LARGEST = 2**31 - 1
# Rows and columns of the image, and which of their pixels an object has.
Part = tuple[tuple[slice, slice], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Objects drawn one over the other, the later over the earlier.

    Attributes:
        labels: (H, W) int32; the k-th object, counted from 1, has the label k.
        foreground: pixels of any object.
        shared: of these, pixels of two or more.
        vanished: objects that had pixels, and have none left.
    """

    labels: NDArray[np.int32]
    foreground: int
    shared: int
    vanished: int


def draw(shape: tuple[int, int], parts: Iterable[Part]) -> Drawn:
    """Draw objects into an empty image of rows and columns."""
    labels = np.zeros(shape, np.int32)
    shared = np.zeros(shape, np.bool_)
    number = visible = 0
    for number, (box, part) in enumerate(parts, start=1):
        near = filled(part)  # a mask of the whole image is nearly empty
        here, inside = labels[box][near], part[near]
        shared[box][near] |= inside & (here > 0)
        here[inside] = number
        visible += inside.size > 0
    areas: NDArray[np.int64] = np.bincount(labels.ravel(), minlength=number + 1)[1:]
    left = int(np.count_nonzero(areas))
    return Drawn(labels, int(areas.sum()), int(shared.sum()), visible - left)


def filled(pixels: Pixels) -> tuple[slice, slice]:
    """The rows and columns of (H, W) or (H, W, C) beyond which all is 0; empty where all is."""
    planes = flat(pixels)
    planes = planes if planes.ndim == 2 else np.asarray(planes.any(axis=2))
    planes = planes if planes.dtype.itemsize == 1 else np.asarray(planes != 0)
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(planes).view(np.uint8))
    return slice(top, top + height), slice(left, left + width)


def stored_labels(pixels: Pixels, name: str) -> NDArray[np.int32]:
    """A label image as it is stored: every value above 0 is an object, and stays its label.

    Args:
        pixels: (H, W), or (H, W, C) with equal colours, as decoded with palette indices; whole
            numbers of any type, floats among them.
        name: what to call the file in an error.

    Returns:
        (H, W) int32.

    Raises:
        MaskDoubtError: colours, or values that are not whole.
        SegkitError: a value is negative, or too large for int32.
    """
    keys = mask_keys(pixels, name)
    least, most = (int(keys.min()), int(keys.max())) if keys.size else (0, 0)
    if least < 0:
        raise SegkitError(
            f"a label image holds {least}, but labels count from 1 and 0 is the background",
            where=name,
            remedy="write 0 where there is no object",
        )
    if most > LARGEST:
        raise SegkitError(
            f"a label image holds {most}, and labels go up to {LARGEST}",
            where=name,
            remedy="number the objects from 1 on: skimage.segmentation.relabel_sequential",
        )
    return keys.astype(np.int32)
