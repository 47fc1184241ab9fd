"""What the samples of a TIFF page stand for: its photometric tag, its bits, and its alpha."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.imaging.colour_spaces import cmyk_to_rgb, lab_to_rgb, ycbcr_to_rgb
from segkit.imaging.formats.base import Picture
from segkit.imaging.tiff_checks import JPEG

Pixels = NDArray[Any]

_WHITE, _BLACK, _RGB, _PALETTE, _MASK, _CMYK, _YCBCR, _CIELAB, _ICCLAB = 0, 1, 2, 3, 4, 5, 6, 8, 9
# Samples that are the pixel's colour; further ones are extra.
_SAMPLES = {_WHITE: 1, _BLACK: 1, _RGB: 3, _PALETTE: 1, _MASK: 1}
_SAMPLES |= {_CMYK: 4, _YCBCR: 3, _CIELAB: 3, _ICCLAB: 3}
_TAG, _INK_SET, _COEFFICIENTS, _REFERENCE = 262, 332, 529, 532
# Associated, with which colours stay multiplied, and unassociated.
_ALPHA = (1, 2)
# JPEG 2000 of YCbCr.
_APERIO = 33003


def palette_of(page: Any) -> NDArray[np.uint8] | None:
    """(N, 3) uint8 colours of a page of indices, or None.

    Raises:
        ValueError: fewer colours than there may be indices, or none.
    """
    if page.photometric != _PALETTE:
        return None
    if page.colormap is None or page.colormap.shape[1] < 2**page.bitspersample:
        raise ValueError("a palette of too few colours")
    # The standard says 16 bits a colour; some writers store 8.
    colours = page.colormap >> 8 if page.colormap.max() > 255 else page.colormap
    return np.asarray(np.moveaxis(colours, 0, -1), np.uint8)


def keeps_values(page: Any, name: str) -> bool:
    """Whether an image shows what a mask stores: no palette, and black at 0."""
    return _kind(page, name) not in (_WHITE, _PALETTE)


class Photometric:
    """Turns a page's samples into pixels; knows all of the page that it needs.

    Args:
        page: of an open file.
        name: what to call the file in an error.
        indexed: keep what is stored of a mask: indices of a palette, low values as they are, and
            0 for white.

    Attributes:
        samples: of a pixel, as stored.
        dtype: of the pixels.

    Raises:
        SegkitError: an interpretation that segkit does not read.
        ValueError: one that does not fit the samples.
    """

    def __init__(self, page: Any, name: str, *, indexed: bool = False) -> None:
        self.samples, self._kind = page.samplesperpixel, _kind(page, name)
        stored = np.dtype(page.dtype)
        # What differs between the samples, as in RGB of 5, 6 and 5 bits, tifffile scales to 8.
        self._bits = page.bitspersample if isinstance(page.bitspersample, int) else 8
        if not 0 < self._bits <= 128:
            raise ValueError(f"{self._bits} bits a sample")
        self._top = 2**self._bits - 1
        self._colours = _SAMPLES[self._kind]
        if self.samples < self._colours:
            raise ValueError(f"{self.samples} samples a pixel, of which {self._colours} are colour")
        extra = tuple(page.extrasamples)[: self.samples - 1]
        places = [place for place, what in enumerate(extra) if what in _ALPHA]
        self._alpha = self.samples - len(extra) + places[0] if places else None
        self._palette = None if indexed else palette_of(page)
        self._white = self._kind == _WHITE and not indexed
        self._low = 1 < self._bits < 8 and self._kind != _PALETTE and not indexed
        self._convert = None if _decoded_as_rgb(page) else self._conversion(page, stored, name)
        if self._white and stored.kind == "f":
            raise _unread("floats of which 0 is white, and none is said to be black", name)
        if self._kind == _PALETTE and self.samples - bool(places) > 1:
            raise _unread("a palette beside further channels", name)
        self.dtype = np.dtype(np.uint8) if self._palette is not None else stored
        if self._convert:
            self.dtype = np.dtype(f"u{stored.itemsize}")

    def _conversion(
        self, page: Any, stored: np.dtype[Any], name: str
    ) -> Callable[[Pixels], Pixels] | None:
        kind = self._kind
        if kind not in (_CMYK, _YCBCR, _CIELAB, _ICCLAB):
            return None
        wide = self._bits in (8, 16) or (kind == _CMYK and self._bits < 16)
        if stored.kind not in "bui" or not wide:
            what = f"{_named(page.photometric)} of {self._bits} bits a sample ({stored})"
            raise _unread(what, name)
        if kind == _CMYK:
            if page.tags.valueof(_INK_SET, 1) != 1:
                raise _unread("inks other than cyan, magenta, yellow and black", name)
            return partial(cmyk_to_rgb, top=max(self._top, 255))
        if kind == _YCBCR:
            weights = _rationals(page.tags.valueof(_COEFFICIENTS), 3)
            reference = _rationals(page.tags.valueof(_REFERENCE), 6)
            return partial(ycbcr_to_rgb, top=self._top, weights=weights, reference=reference)
        return partial(lab_to_rgb, icc=kind == _ICCLAB)

    def __call__(self, samples: Pixels) -> Picture:
        """Pixels, and alpha where the page has it.

        Args:
            samples: (..., H, W), or (..., H, W, S) where a pixel has several, as decoded.

        Returns:
            Pixels of (..., H, W) or (..., H, W, C), and alpha (..., H, W).
        """
        if self.samples == 1:
            return Picture(self._tones(samples))
        alpha = None
        if self._alpha is not None:
            alpha = samples[..., self._alpha]
            samples = np.delete(samples, self._alpha, axis=-1)
        if self._convert:
            samples = _stretched(samples, self._top) if self._bits < 8 else samples
            shown = self._convert(samples[..., : self._colours])
            rest = samples[..., self._colours :]
            if rest.shape[-1]:
                shown = np.concatenate([shown, rest.astype(shown.dtype)], axis=-1)
        else:
            flat = samples[..., 0] if samples.shape[-1] == 1 else samples
            shown = self._tones(flat)
        return Picture(shown, alpha)

    def _tones(self, values: Pixels) -> Pixels:
        if self._palette is not None:
            values = values.astype(np.uint8) if values.dtype == np.bool_ else values
            return np.asarray(self._palette[values], np.uint8)
        if self._white:
            signed = values.dtype.kind in "ib"
            values = np.invert(values) if signed else values.dtype.type(self._top) - values
        return _stretched(values, self._top) if self._low else values


def _stretched(values: Pixels, top: int) -> Pixels:
    """0…top, of fewer than 8 bits, as 0…255."""
    table = (np.arange(top + 1) * 255 + top // 2) // top
    return table.astype(np.uint8)[values.astype(np.uint8)]


def _kind(page: Any, name: str) -> int:
    # tifffile takes a page without the tag for white at 0; nobody else does.
    if _TAG not in page.tags and page.photometric == _WHITE:
        return _BLACK
    # OpenSlide has it so, whatever this tag says; others write RGB under the same number.
    if page.compression == _APERIO and page.is_svs:
        return _YCBCR
    if page.photometric not in _SAMPLES:
        what = f"photometric interpretation {_named(page.photometric)}"
        raise _unread(f"{what}; segkit reads grey, RGB, palettes, CMYK, YCbCr and Lab", name)
    return int(page.photometric)


def _unread(what: str, name: str) -> SegkitError:
    return SegkitError(what, where=name, remedy="save it as grey, in which 0 is black, or as RGB")


def _named(kind: Any) -> str:
    return str(getattr(kind, "name", kind))


def _decoded_as_rgb(page: Any) -> bool:
    """Whether the decoder of JPEG has made RGB of YCbCr already."""
    plain = page.planarconfig == 1 and not page.extrasamples
    return page.photometric == _YCBCR and page.compression in JPEG and plain


def _rationals(stored: Any, count: int) -> tuple[float, ...] | None:
    """Numbers of a tag of so many rationals; None where a page does not have it."""
    if stored is None:
        return None
    if len(stored) != 2 * count or 0 in stored[1::2]:
        raise ValueError("a damaged tag of YCbCr")
    return tuple(a / b for a, b in zip(stored[::2], stored[1::2], strict=True))
