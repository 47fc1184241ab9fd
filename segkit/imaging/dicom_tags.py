"""The tags of DICOM files that pixels and groups need; no other is kept, nor what it holds."""

import io
import zlib
from collections.abc import Sequence
from typing import IO, Any

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from segkit.core.limits import check_bytes
from segkit.core.memory import require

_PREAMBLE, _MAGIC = 128, b"DICM"
# What is inflated at a time.
_FEED = 2**20


def read_tags(
    stream: IO[bytes],
    keywords: Sequence[str],
    name: str,
    *,
    until: int | None = None,
    inflate: int | None = None,
) -> Dataset:
    """A data set of these elements alone, its transfer syntax in ``file_meta``.

    Args:
        stream: of the file, from its beginning.
        keywords: DICOM's names of the elements.
        name: what to call the file in an error.
        until: the last element that is read.
        inflate: no more bytes than these are unpacked of a deflated file.

    Raises:
        SegkitError: a deflated file that unpacks to more than the bound.
        Exception: whatever pydicom raises.
    """
    meta, wanted = _meta(stream), [Tag(keyword) for keyword in keywords]

    def ends(tag: int, *_: object) -> bool:
        return until is not None and tag > until

    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        # pydicom would inflate whatever there is.
        found = io.BytesIO(_inflated(stream, name, inflate))
        tags = read_dataset(found, False, True, stop_when=ends, specific_tags=wanted)
    else:
        stream.seek(0)
        tags = read_partial(stream, stop_when=ends, force=True, specific_tags=wanted)
    if "TransferSyntaxUID" not in meta:
        implicit, little = tags.original_encoding
        plain = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else plain
    tags.file_meta = meta
    return tags


def _meta(stream: IO[bytes]) -> FileMetaDataset:
    """The elements of group 2, which stand first; the stream is left behind them."""
    head = stream.read(_PREAMBLE + len(_MAGIC))
    stream.seek(len(head) if head.endswith(_MAGIC) else 0)
    found = read_dataset(stream, False, True, stop_when=lambda tag, *_: tag >> 16 != 2)
    return FileMetaDataset(found)


def _inflated(stream: IO[bytes], name: str, most: int | None) -> bytes:
    unpack, parts, size = zlib.decompressobj(-zlib.MAX_WBITS), [], 0
    while most is None or size < most:
        packed = unpack.unconsumed_tail or stream.read(_FEED)
        part = unpack.decompress(packed, _FEED)
        if not part and (not packed or unpack.eof):
            break
        parts.append(part)
        size += len(part)
        check_bytes(size, "a deflated DICOM file", name)
        require(size, "a deflated DICOM file", where=name, remedy="export it again, uncompressed")
    return b"".join(parts)


def first(tags: Dataset, keyword: str) -> Any:
    """An element's value, the first of several; None where it is missing or empty."""
    value = tags.get(keyword)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        value = value[0] if len(value) else None
    return None if value == "" else value


def number(tags: Dataset, keyword: str) -> float | None:
    """The same of a number."""
    value = first(tags, keyword)
    return None if value is None else float(value)


def numbers(tags: Dataset, keyword: str) -> list[float]:
    """All values of an element of several numbers; none where it is missing, or of one."""
    value = tags.get(keyword)
    return [float(each) for each in value] if isinstance(value, Sequence) else []


def storage(tags: Dataset) -> str:
    """What kind of object a file is, as DICOM names it; "" where it does not say."""
    kind = tags.file_meta.get("MediaStorageSOPClassUID") or tags.get("SOPClassUID") or ""
    known = UID(str(kind))
    return known.name if not known.is_private and known.name != str(known) else ""


def holds_pixels(kind: str) -> bool:
    """Whether objects of this kind, see :func:`storage`, hold pixels; in doubt they do."""
    pictures = ("Image", "RT Dose", "Segmentation Storage", "Parametric Map")
    return not kind or (any(word in kind for word in pictures) and "Surface" not in kind)
