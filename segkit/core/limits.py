"""How large an image may be before it is decoded: a bound that each command sets for itself.

A header of thirty bytes can claim more memory than any machine has. The bound is a context's own
(:mod:`contextvars`) and not an argument of every reader; threads that decode are started in a copy
of the context. What is set in such a copy ends with it.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.core.values import number

DEFAULT_MEGAPIXELS = 1024
KEY = "max_megapixels"
MEGAPIXELS = number(0, above=True, remedy=f"give what memory holds: {KEY}={DEFAULT_MEGAPIXELS}")
# Four channels of 16 bits, or two of single precision. Of a file as it lies on the disk, too.
_BYTES_A_PIXEL = 8
# What a pixel of an image and its mask takes until they are ready, measured; of 16 bits, what
# scales them too.
_DECODED, _DEEP = 14, 56


_bound: ContextVar[float] = ContextVar("megapixels", default=DEFAULT_MEGAPIXELS)


def limit_images(megapixels: Any) -> None:
    """Set the bound of this context, in millions of pixels.

    Raises:
        SegkitError: not a number above 0.
    """
    MEGAPIXELS.check(KEY, megapixels)
    _bound.set(float(megapixels))


@contextmanager
def limited_to(megapixels: Any) -> Iterator[None]:
    """Set the bound for a while; see :func:`limit_images`."""
    before = _bound.get()
    limit_images(megapixels)
    try:
        yield
    finally:
        _bound.set(before)


def most_pixels() -> int:
    """Pixels that an image may have, its channels not counted."""
    return int(_bound.get() * 1e6)


def most_bytes() -> int:
    """Bytes that a file, a member of an archive or a decoded image may have."""
    return most_pixels() * _BYTES_A_PIXEL


def check_pixels(height: int, width: int, name: str) -> None:
    """Refuse an image of more pixels than the bound.

    Raises:
        SegkitError: naming its size, the bound and the key that raises it.
    """
    if height * width > most_pixels():
        raise _too_large(f"an image of {width}×{height} pixels", height * width, name)


def check_memory(height: int, width: int, name: str, *, deep: bool) -> None:
    """Refuse an image that memory does not hold while it is decoded; wait where it will.

    Args:
        height: rows.
        width: columns.
        name: what to call the image in an error.
        deep: whether it has more than 8 bits, and is scaled.

    Raises:
        SegkitError: with what is needed, and what there is.
    """
    memory.take(
        height * width * (_DEEP if deep else _DECODED),
        f"decoding an image of {width}×{height} pixels",
        where=name,
        remedy="cut the image into parts",
    )


def check_bytes(count: int, what: str, name: str) -> None:
    """Refuse what takes more bytes than an image at the bound.

    Args:
        count: of bytes.
        what: has so many, such as ``a file``.
        name: what to call it in an error.

    Raises:
        SegkitError: naming the size, the bound and the key that raises it.
    """
    if count > most_bytes():
        raise _too_large(f"{what} of {count / 1e6:,.0f} MB", count / _BYTES_A_PIXEL, name)


def _too_large(what: str, pixels: float, name: str) -> SegkitError:
    return SegkitError(
        f"{what}; the limit is {_bound.get():g} megapixels of {_BYTES_A_PIXEL} bytes",
        where=name,
        remedy=f"raise the limit, if memory holds it: {KEY}={math.ceil(pixels / 1e6)}",
    )
