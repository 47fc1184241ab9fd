"""DICOM files of one image, as their tags say they are shown.

Stored values go through the modality's table or line (of a CT to Hounsfield units), then through
the file's first window or table of values of interest, then MONOCHROME1 is inverted (PS3.3,
C.11). A file without a window keeps the values of the modality. Colours become RGB.

No message repeats what pydicom says, which may quote any element: those that name a patient.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder

from segkit.core.errors import SegkitError
from segkit.core.limits import check_bytes, check_memory, check_pixels
from segkit.core.planes import PLAIN, Planes
from segkit.imaging.dicom_codecs import add_to, check_frame
from segkit.imaging.dicom_frames import chosen, together
from segkit.imaging.dicom_tables import coloured, measured, narrowed, shown
from segkit.imaging.dicom_tags import first, holds_pixels, read_tags, storage
from segkit.imaging.formats.base import Picture
from segkit.imaging.quiet import without_pydicom_log

Pixels = NDArray[Any]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_NEEDED = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
_PALETTES = [f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")]
_TAGS = (
    *("SOPClassUID", *_NEEDED, "BitsStored", "HighBit", "PixelRepresentation"),
    *("PlanarConfiguration", "NumberOfFrames", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept"),
    *("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *(f"{table}Descriptor" for table in _PALETTES),
    *(f"{table}Data" for table in _PALETTES),
    *(f"Segmented{table}Data" for table in _PALETTES),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths", *_PIXELS),
)
_PALETTE, _GREY = "PALETTE COLOR", ("MONOCHROME1", "MONOCHROME2")
# Decoders give those of JPEG 2000 as RGB.
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_KINDS = {1: (*_GREY, _PALETTE), 3: _COLOUR}
_BITS = (1, 8, 16, 32, 64)
_DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg; or export it uncompressed"


def decode_dicom(data: bytes, name: str, *, indexed: bool, planes: Planes = PLAIN) -> Picture:
    """Decode a DICOM file, which must be one image, or become one by the settings.

    Args:
        data: the bytes of the file.
        name: what to call the file in an error.
        indexed: keep the values as they are stored, in a palette or not: a mask.
        planes: which of several frames are the image.

    Returns:
        uint8 where the file has a window, or stores up to 8 bits; else whole numbers or float32.

    Raises:
        SegkitError: it is damaged, holds no pixels, or many frames of which none was chosen, is
            beyond the bounds, or is compressed as nothing here unpacks.
    """
    with undisclosed(name):
        tags = checked(data, name)
        frames = chosen(int(first(tags, "NumberOfFrames") or 1), planes.z, name)
        pictures = (frame(tags, at, name, indexed=indexed) for at in frames)
        return together(pictures, len(frames), planes.z)


@contextmanager
def undisclosed(name: str) -> Iterator[None]:
    """Say that a file is damaged, and nothing of what pydicom says of it, which may quote it."""
    try:
        with without_pydicom_log():
            yield
    except SegkitError:
        raise
    except Exception:  # pydicom and its decoders have families of exceptions
        raise _refused("a DICOM file that is damaged or was cut off", name) from None


def checked(data: bytes, name: str) -> Dataset:
    """The tags of a file, pixels among them, which are as they must be to be decoded.

    Raises:
        SegkitError: see :func:`decode_dicom`.
        Exception: whatever pydicom raises.
    """
    tags = read_tags(io.BytesIO(data), _TAGS, name)
    _check(tags, name)
    return tags


def _refused(what: str, name: str, remedy: str = "export the file again") -> SegkitError:
    return SegkitError(what, where=name, remedy=remedy)


def _check(tags: Dataset, name: str) -> None:
    """Refuse what is no single image, and sizes beyond the bounds.

    Raises:
        SegkitError: with what is wrong.
    """
    if not any(keyword in tags for keyword in _PIXELS):
        if holds_pixels(kind := storage(tags)):
            raise _refused("a DICOM file that has no pixels, or lost them", name)
        raise _refused(f"a DICOM file without pixels: {kind}", name, "leave it out")
    for keyword in (*_NEEDED, *(("BitsStored", "PixelRepresentation") * ("PixelData" in tags))):
        if first(tags, keyword) is None:
            raise _refused(f"a DICOM file without the element {keyword}", name)
    rows, columns, samples, bits = (
        int(tags[keyword].value) for keyword in ("Rows", "Columns", "SamplesPerPixel", _NEEDED[-1])
    )
    check_pixels(rows, columns, name)
    check_memory(rows, columns, name, deep=bits > 8)
    check_bytes(rows * columns * samples * max(bits // 8, 1), "a DICOM image", name)
    if tags.PhotometricInterpretation not in _KINDS.get(samples, ()):
        what = f"a DICOM image of {samples} samples a pixel whose colours are not understood"
        raise _refused(what, name, f"export it as {', '.join(_GREY)} or RGB")
    used, high = tags.get("BitsStored", bits), first(tags, "HighBit")
    if bits not in _BITS or not 1 <= used <= bits or high not in (None, used - 1):
        what = f"a DICOM image whose {used} bits a sample lie in {bits} in an odd way"
        raise _refused(what, name)


def frame(tags: Dataset, at: int, name: str, *, indexed: bool = False) -> Picture:
    """One frame of :func:`checked` tags; see :func:`decode_dicom`."""
    stored = stored_frame(tags, at, name)
    if tags.SamplesPerPixel == 3 or indexed:
        return Picture(stored)
    if tags.PhotometricInterpretation == _PALETTE:
        return Picture(coloured(tags, stored))
    return _grey(tags, stored, at)


def stored_frame(tags: Dataset, at: int, name: str) -> Pixels:
    """(H, W) of one frame as stored, or (H, W, 3) RGB; of the type that its bits need."""
    syntax = tags.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
        add_to(decoder)
        known = decoder.is_available
    except NotImplementedError:
        known = False
    if not known:
        how = syntax.name if syntax.name != syntax else "something unknown"
        raise _refused(f"a DICOM image compressed as {how}", name, _DECODERS)
    if syntax.is_encapsulated:
        tags.setdefault("PlanarConfiguration", 0)
        frames = int(first(tags, "NumberOfFrames") or 1)
        packed = get_frame(tags.PixelData, at, number_of_frames=frames)
        shape = (tags.Rows, tags.Columns, tags.SamplesPerPixel)
        check_frame(packed, syntax, shape, tags.BitsAllocated // 8)
    pixels, said = decoder.as_array(tags, index=at)
    if tags.SamplesPerPixel == 3 and said["photometric_interpretation"] != "RGB":
        raise ValueError("colours that are not RGB")
    if pixels.dtype.kind == "f":
        return np.asarray(pixels.astype(pixels.dtype.newbyteorder("=")))
    # A scanner stores 8 bits in 16, too.
    return narrowed(pixels, *_span(tags, pixels))


def _span(tags: Dataset, stored: Pixels) -> tuple[float, float]:
    """Lowest and highest value that may be stored, by the bits; or that is, where more are used."""
    found = stored.min().item(), stored.max().item()
    if stored.dtype.kind == "f":
        return found
    most = 2 ** int(tags.BitsStored)
    low = -most // 2 if tags.PixelRepresentation else 0
    return min(low, found[0]), max(low + most - 1, found[1])


def _grey(tags: Dataset, stored: Pixels, at: int) -> Picture:
    """The chain of C.11 on (H, W)."""
    if not np.isfinite(stored).all():
        return Picture(stored)  # which no picture can be made of: refused where it is scaled
    inverted = tags.PhotometricInterpretation == "MONOCHROME1"
    span = _span(tags, stored)
    values, low, high = measured(tags, stored, span, at)
    padded = _padded(tags, stored, span)
    if padded.any() and not padded.all():
        seen = values[~padded]
        # What nothing was measured at is as dark as the darkest that was.
        values[padded] = seen.max() if inverted else seen.min()
    share = shown(tags, values, at)
    if inverted:
        values = _mirrored(values, low, high)
    if share is not None:
        return Picture(_bytes(1 - share if inverted else share), measured=values)
    if values.dtype == np.uint8 and high < 255:
        # Two bits are 0…3, which stand for 0…255.
        return Picture(_bytes(values / high), measured=values)
    return Picture(values)


def _bytes(share: Pixels) -> NDArray[np.uint8]:
    return np.asarray(np.rint(255 * share), np.uint8)


def _mirrored(values: Pixels, low: float, high: float) -> Pixels:
    if values.dtype.kind == "f":
        return np.asarray((low + high) - values, values.dtype)
    return narrowed(int(low + high) - values.astype(np.int64), low, high)


def _padded(tags: Dataset, stored: Pixels, span: tuple[float, float]) -> NDArray[np.bool_]:
    """Where nothing was measured."""
    ends = [first(tags, key) for key in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if ends[0] is None or stored.dtype.kind == "f":
        return np.zeros(stored.shape, np.bool_)
    turn = 2 ** int(tags.BitsAllocated)
    low, high = sorted(_signed(int(ends[0] if end is None else end), span, turn) for end in ends)
    return np.asarray((stored >= low) & (stored <= high))


def _signed(value: int, span: tuple[float, float], turn: int) -> int:
    """As pixels are: some writers give the element the other of its two types."""
    if value > span[1] and span[0] < 0:
        return value - turn
    return value + turn if value < 0 <= span[0] else value
