"""Pictures that are in a data set twice: the same pixels, or nearly the same.

Near copies are looked for by a perceptual hash and confirmed by a correlation. The hash is the
signs of the 63 lowest frequencies of a discrete cosine transform about their median (Zauner,
Implementation and Benchmarking of Perceptual Image Hash Functions, 2010). A change of
brightness, contrast, size or file format leaves it nearly as it was; so does a quarter turn or a
mirror, since every hash is compared in all eight positions of a square. A copy that shows another
section of the picture is not found.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.imaging.channels import as_grey, flat
from segkit.imaging.pixels import Pixels

# Of 63 bits; random pictures differ by 31.5 ± 4.
MOST_BITS = 12
# Of two thumbnails without their coarse shading, which pictures of one microscope, or of one part
# of the body, share: radiographs of different people reach 0.93, copies stay above 0.95.
LEAST_CORRELATION = 0.94
# Aspects this much apart are of different pictures.
_ASPECT = 1.03
_SIDE, _BLOCK, _SHADING = 32, 8, 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """What a picture is recognised by: 4 kB, whatever its size.

    Attributes:
        digest: hash of the decoded pixels; equal for equal pictures in any file format.
        thumbnail: (32, 32) float32, mean grey of each cell, 0…255.
        aspect: width over height.
    """

    digest: str
    thumbnail: NDArray[np.float32]
    aspect: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two positions in a list of signatures, the smaller one first.

    Attributes:
        first: position.
        second: position.
        exact: whether all pixels are the same.
        correlation: of the thumbnails, -1 … 1; 1 for an exact pair.
        turned: whether one is a turned or mirrored copy of the other.
    """

    first: int
    second: int
    exact: bool
    correlation: float
    turned: bool = False


def sign(image: NDArray[np.uint8], stored: Pixels | None = None) -> Signature:
    """The signature of one picture.

    Args:
        image: (H, W) or (H, W, C) uint8.
        stored: the pixels before they were scaled to 8 bits, where they were.
    """
    grey = as_grey(image)
    # Averages, not 8-bit values: what is faint must not be lost to rounding.
    small = cv2.resize(grey.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    digest = pixel_digest(image if stored is None else stored)
    return Signature(digest, np.asarray(small, np.float32), grey.shape[1] / grey.shape[0])


def pixel_digest(pixels: Pixels) -> str:
    """Sixteen hexadecimal digits over shape and values; grey saved as colour is still grey."""
    planes = flat(pixels)
    if planes.ndim == 3 and (planes == planes[..., :1]).all():
        planes = planes[..., 0]
    digest = hashlib.blake2b(f"{planes.shape} {planes.dtype}".encode(), digest_size=8)
    digest.update(np.ascontiguousarray(planes).data)
    return digest.hexdigest()


def find_pairs(
    signatures: Sequence[Signature],
    *,
    priorities: Sequence[int] | None = None,
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> list[Pair]:
    """All near pairs, and each exact copy with one of its kind, in order of position.

    Blank pictures are like every other blank one: only their exact copies are paired. Time grows
    with the square of the number, about 3 s for 10,000 pictures.

    Args:
        signatures: of the pictures.
        priorities: of each; the lowest of a kind, the first of equals, stands for all its exact
            copies: they are paired with it, and it alone is compared with other kinds.
        watch: iterates over the rounds of the search, for a progress bar.
    """
    firsts: dict[str, int] = {}
    order = range(len(signatures))
    for position in order if priorities is None else sorted(order, key=priorities.__getitem__):
        firsts.setdefault(signatures[position].digest, position)
    exact = []
    for position, signature in enumerate(signatures):
        first = firsts[signature.digest]
        if first != position:
            low, high = sorted((first, position))
            exact.append(Pair(low, high, exact=True, correlation=1.0))
    told = [p for p in firsts.values() if float(np.ptp(signatures[p].thumbnail)) >= 2]
    unique = sorted(told)
    near = _near([signatures[p] for p in unique], watch)
    found = [
        Pair(unique[a], unique[b], exact=False, correlation=r, turned=turned)
        for a, b, r, turned in near
    ]
    return sorted(exact + found, key=lambda pair: (pair.first, pair.second))


def _near(
    signatures: Sequence[Signature], watch: Callable[[Sequence[int]], Iterable[int]]
) -> Iterator[tuple[int, int, float, bool]]:
    if not signatures:
        return
    thumbnails = np.stack([signature.thumbnail for signature in signatures])
    codes = np.array([_code(thumbnail) for thumbnail in thumbnails], np.uint64)
    details = np.stack([_detail(thumbnail) for thumbnail in thumbnails])
    aspects = np.array([signature.aspect for signature in signatures])
    for index in watch(range(len(signatures) - 1)):
        turned = np.array([_code(side) for side in _positions(thumbnails[index])], np.uint64)
        apart = np.bitwise_count(turned[:, None] ^ codes[None, index + 1 :])
        later = index + 1 + np.flatnonzero(apart.min(axis=0) <= MOST_BITS)
        if not later.size:
            continue
        versions = np.stack([v.ravel() for v in _positions(details[index])])
        fits = _fits(aspects[index], aspects[later])
        scores = np.where(fits, versions @ details[later].reshape(len(later), -1).T, -1)
        best = scores.argmax(axis=0)
        for column, other in enumerate(later):
            score = float(scores[best[column], column])
            if score >= LEAST_CORRELATION:
                yield index, int(other), min(1.0, score), bool(best[column])


def _fits(aspect: float, others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(8, N): in which of its positions a picture has the aspect of the others."""
    upright, lying = others / aspect, others * aspect
    rows = [np.abs(np.log(ratio)) <= np.log(_ASPECT) for ratio in (upright, lying)]
    return np.stack([rows[position % 2] for position in range(8)])


def _positions(square: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The eight ways to lay down a square, as it is first; odd ones lie on their side."""
    return [np.rot90(side, turns) for side in (square, square[:, ::-1]) for turns in range(4)]


def _code(thumbnail: NDArray[np.float32]) -> int:
    waves = cv2.dct(np.ascontiguousarray(thumbnail))[:_BLOCK, :_BLOCK].ravel()[1:]
    bits = waves > np.median(waves)
    return int(np.packbits(np.append(bits, False)).view(">u8")[0])


def _detail(thumbnail: NDArray[np.float32]) -> NDArray[np.float32]:
    """The thumbnail without its coarse shading, of mean 0 and length 1."""
    shading = cv2.GaussianBlur(thumbnail, (0, 0), _SHADING, borderType=cv2.BORDER_REFLECT)
    fine = thumbnail - shading
    fine -= fine.mean()
    return np.asarray(fine / max(float(np.linalg.norm(fine)), 1e-6), np.float32)
