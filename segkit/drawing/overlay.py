"""Pictures of masks, as arrays and PNG files.

The colours are Okabe and Ito's, safe for the colour-blind (Color Universal Design, 2008).
"""

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segkit.core.files import write_bytes
from segkit.imaging.channels import as_grey, as_rgb

Picture = NDArray[np.uint8]

SKY, ORANGE, GREEN = (86, 180, 233), (230, 159, 0), (0, 158, 115)
YELLOW, BLUE, VERMILLION, PURPLE = (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167)
# RGB of class 0, 1, 2 …; class 0, the background, is never painted; after the last, from 1 again.
CLASS_COLOURS: Picture = np.array(
    [(0, 0, 0), ORANGE, SKY, GREEN, PURPLE, YELLOW, BLUE, VERMILLION], np.uint8
)
DARK = (28, 28, 32)  # behind a mask that is shown alone
# RGB of what neither has (never painted), both have, is missed, and is added.
AGREEMENT_COLOURS: Picture = np.array([(0, 0, 0), GREEN, SKY, VERMILLION], np.uint8)


def overlay(image: Picture, mask: Picture, *, alpha: float = 0.35) -> Picture:
    """Paint the classes of a mask over an image, each with a full-colour line just inside its rim.

    Args:
        image: (H, W) or (H, W, C) uint8; see :func:`segkit.imaging.channels.as_rgb`.
        mask: (H, W) uint8 class indices; 0 is left as it is.
        alpha: share of the class colour inside, 0 … 1: ``(1 - alpha) image + alpha colour``.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ValueError: image and mask differ in size.
    """
    if mask.shape != image.shape[:2]:
        raise ValueError(f"a mask of shape {mask.shape} for an image of shape {image.shape}")
    span = len(CLASS_COLOURS) - 1
    colours = CLASS_COLOURS[np.where(mask > 0, (mask.astype(np.int16) - 1) % span + 1, 0)]
    share = np.where(mask > 0, np.float32(alpha), np.float32(0))
    for label in np.unique(mask[mask > 0]):
        share[_rim(mask == label)] = 1
    return _mix(image, colours, share)


def agreement(image: Picture, truth: Picture, prediction: Picture) -> Picture:
    """Paint where a binary prediction is right, misses, or draws too much.

    Args:
        image: (H, W) or (H, W, C) uint8; see :func:`segkit.imaging.channels.as_rgb`.
        truth: (H, W) uint8, foreground where not 0.
        prediction: (H, W) uint8, likewise.

    Returns:
        (H, W, 3) uint8 in :data:`AGREEMENT_COLOURS`; mistakes are painted more strongly.
    """
    drawn, there = prediction > 0, truth > 0
    labels = np.select([drawn & there, there, drawn], [1, 2, 3], 0).astype(np.uint8)
    share = np.array([0, 0.4, 0.9, 0.9], np.float32)[labels]
    # Of the union: a line between a hit and its own mistakes would hide thin mistakes.
    share[_rim(labels > 0)] = 1
    # On grey: a stain's own colours would mix with these into others.
    return _mix(as_grey(image), AGREEMENT_COLOURS[labels], share)


def _rim(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a region that lie along its edge, but not along the image's."""
    # Lines keep their visual weight on large images.
    reach = 2 * max(1, round(max(region.shape) / 512)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    inside = np.asarray(cv2.erode(region.astype(np.uint8), disc), np.bool_)
    return region & ~inside


def _mix(image: Picture, colours: Picture, share: NDArray[np.float32]) -> Picture:
    base = as_rgb(image).astype(np.float32)
    return np.rint(base + share[..., None] * (colours - base)).astype(np.uint8)


def encode_png(image: Picture) -> bytes:
    """The bytes of a PNG file of (H, W) or (H, W, 3) uint8."""
    stream = io.BytesIO()
    # Half the time of the default, an eighth of optimize=True: 11 % larger, written each epoch.
    Image.fromarray(image).save(stream, "PNG", compress_level=3)
    return stream.getvalue()


def encode_webp(image: Picture, *, quality: int = 80) -> bytes:
    """The bytes of a WebP file of (H, W, 3) uint8; ``quality`` is 0…100."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "WEBP", quality=quality)
    return stream.getvalue()


def save_png(path: str | Path, image: Picture) -> None:
    """Write (H, W) or (H, W, 3) uint8 as a PNG that appears whole or not at all."""
    write_bytes(path, encode_png(image))
