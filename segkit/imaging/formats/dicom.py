"""DICOM; how it is decoded: :mod:`segkit.imaging.dicom`."""

from typing import IO

from segkit.core.planes import PLAIN, SLICES, Planes
from segkit.imaging.dicom_facts import Header
from segkit.imaging.formats.base import HEAD, Format, Open, Picture, Slicing, Volume

_PREAMBLE, _MAGIC = 128, b"DICM"


def _known(head: bytes) -> bool:
    """With its magic bytes; or with none, as old files are: from an element of group 2 or 8 on."""
    if head[_PREAMBLE : _PREAMBLE + len(_MAGIC)] == _MAGIC:
        return True
    group, low, kind = head[:2], head[3:4], head[4:8]
    explicit = kind[:2].isalpha() and kind[:2].isupper()
    return group in (b"\x02\0", b"\x08\0") and low == b"\0" and (explicit or kind[1:] == b"\0\0\0")


def header(stream: IO[bytes]) -> Header | None:
    """What a DICOM file says before its pixels; None where it cannot be read."""
    from segkit.imaging.dicom_header import read_header

    return read_header(stream)


def spacing(stream: IO[bytes]) -> tuple[float, float] | None:
    """Height and width of a pixel in µm; None where a DICOM file does not say."""
    from segkit.imaging.dicom_header import read_spacing

    return read_spacing(stream)


def _read(data: bytes, name: str, indexed: bool, planes: Planes = PLAIN) -> Picture:
    # pydicom takes a third of a second, which only its files are worth.
    from segkit.imaging.dicom import decode_dicom

    return decode_dicom(data, name, indexed=indexed, planes=planes)


def _volume(opened: Open, name: str, slicing: Slicing) -> Volume | None:
    if slicing.planes.z != SLICES:
        return None
    with opened() as stream:
        if not _known(stream.read(HEAD)):
            return None  # another format by this name
    from segkit.imaging.dicom_volume import open_frames

    return open_frames(opened, name)


FORMAT = Format("DICOM", (".dcm", ".dicom"), _known, _read, stack=_read, volume=_volume)
