"""The formats of image files that are read: one file of this folder each, with a ``FORMAT``."""

from functools import cache
from importlib import import_module
from pathlib import Path, PurePosixPath

from segkit.imaging.formats.base import HEAD, Format

_NO_FORMATS = ("__init__", "base", "pillow", "registry")
_OME = ".ome"


@cache
def formats() -> tuple[Format, ...]:
    """All of them, by the names of their files."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    own = [name for name in names if name not in _NO_FORMATS]
    return tuple(import_module(f"{__package__}.{name}").FORMAT for name in own)


def format_of(head: bytes) -> Format | None:
    """That of a file that begins so; None where none knows it."""
    return next((each for each in formats() if each.known(head[:HEAD])), None)


@cache
def suffixes() -> tuple[str, ...]:
    """Ends of the names of image files, in lower case."""
    return tuple(suffix for each in formats() for suffix in each.suffixes)


def volume_format(name: str) -> Format | None:
    """That of a file which may hold a volume, by its name."""
    able = (each for each in formats() if each.volume is not None)
    return next((each for each in able if name.lower().endswith(each.suffixes)), None)


def bare(name: str) -> str:
    """A file's name without what an image's ends in, such as ``.nii.gz``, or without its suffix.

    Images and masks of the same bare name belong together.

    A suffix of digits is the end of a name without one: of a DICOM file, ``1.2.840.5``.
    """
    known = [suffix for suffix in suffixes() if name.lower().endswith(suffix)]
    suffix = max(known, key=len, default=PurePosixPath(name).suffix)
    kept = suffix[1:].isdigit() or len(PurePosixPath(name).name) <= len(suffix)
    found = name if kept else name[: len(name) - len(suffix)]
    # What is made of a.ome.tif is often called a.ome.png.
    return found[: -len(_OME)] if found.lower().endswith(_OME) and found != _OME else found


def format_names() -> str:
    """In words: ``BMP, GIF, JPEG, PNG or TIFF``."""
    names = [each.name for each in formats() if each.suffixes]
    return ", ".join(names[:-1]) + f" or {names[-1]}"
