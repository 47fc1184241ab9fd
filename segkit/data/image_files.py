"""Which files are images: by their suffix, and where none is, by how they begin.

Of DICOM files some hold none: directories, reports, plans. They are passed over with a word.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import IO

from segkit.imaging.dicom_facts import Header
from segkit.imaging.formats import dicom
from segkit.imaging.formats.base import HEAD
from segkit.imaging.formats.registry import bare, format_of, suffixes

Open = Callable[[str], IO[bytes]]


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """What was found among names.

    Attributes:
        images: names of images, in the order in which all were given.
        without_pixels: names of DICOM files without an image, and what they are.
        headers: of all DICOM files.
    """

    images: list[str]
    without_pixels: dict[str, str]
    headers: dict[str, Header]


NONE = ImageFiles([], {}, {})


def image_files(names: Sequence[str], open_file: Open) -> ImageFiles:
    """Find the images among names; files without a suffix are looked into where no other is one.

    Args:
        names: of files.
        open_file: gives a stream of one.
    """
    suffixed = [name for name in names if name.lower().endswith(suffixes())]
    found = _with_pixels(suffixed, open_file)
    if found.images:
        return found
    others = [name for name in names if bare(name) == name and _begins_well(name, open_file)]
    more = _with_pixels(others, open_file)
    empty, headers = found.without_pixels | more.without_pixels, found.headers | more.headers
    return ImageFiles(more.images, empty, headers)


def _with_pixels(names: Sequence[str], open_file: Open) -> ImageFiles:
    headers = dicom_headers(names, open_file)
    empty = {n: f"DICOM without pixels ({h.kind})" for n, h in headers.items() if not h.pixels}
    return ImageFiles([name for name in names if name not in empty], empty, headers)


def _begins_well(name: str, open_file: Open) -> bool:
    with suppress(Exception), closing(open_file(name)) as stream:
        return format_of(stream.read(HEAD)) is not None
    return False


def dicom_headers(names: Iterable[str], open_file: Open) -> dict[str, Header]:
    """Those of files that may be DICOM by their names, and are; of what can be read.

    Args:
        names: of files.
        open_file: gives a stream of one.
    """
    found: dict[str, Header] = {}
    for name in names:
        if bare(name) != name and not name.lower().endswith(dicom.FORMAT.suffixes):
            continue
        with suppress(Exception), closing(open_file(name)) as stream:
            if dicom.FORMAT.known(stream.read(HEAD)):
                stream.seek(0)
                if (header := dicom.header(stream)) is not None:
                    found[name] = header
    return found
