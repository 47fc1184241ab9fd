"""What a user names as a source: how it is called, and that nothing is written there."""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from segkit.core.errors import SegkitError

# A file's name holds 255 bytes, a letter takes up to four, and a cache adds its key.
_LONGEST = 50
# Ends of archives' names, in lower case.
TARS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
ARCHIVES = (".zip", *TARS)
_APART = "/\\\0"  # part folders; a name that holds one is refused once the values are checked


def data_name(dataset: Mapping[str, Any]) -> str:
    """What runs on a data set are called: the name that it was given, or its root's own.

    Args:
        dataset: that part of the configuration.
    """
    name, root = dataset.get("name"), dataset.get("root")
    if name is not None:
        apart = set(str(name)) & set(_APART) or name in (".", "..")
        return source_name(name) if apart else str(name)
    return "data" if root is None else source_name(root)


def source_name(root: object) -> str:
    """The name of a folder or archive, fit for a file's name.

    >>> source_name("/data/kidney (2).zip")
    'kidney_2'
    """
    path = _absolute(root)
    name = archive_stem(path.name)
    # A Mac writes letters and their accents apart.
    words = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", name))
    return words.strip("._-")[:_LONGEST] or "data"


def archive_stem(name: str) -> str:
    """The name of an archive without what says that it is one; of anything else as it is.

    >>> archive_stem("kidney.tar.gz")
    'kidney'
    """
    ends = [end for end in ARCHIVES if name.lower().endswith(end)]
    return name[: -max(map(len, ends))] if ends else name


def _absolute(path: object) -> Path:
    # Not resolved: a link is called as the user calls it.
    return Path(os.path.abspath(os.path.expanduser(str(path))))  # noqa: PTH100, PTH111  # never raise


def lies_within(place: Path, folder: Path) -> bool:
    """Whether what is written to ``place`` would appear in a folder that is there."""
    try:
        return folder.is_dir() and place.resolve().is_relative_to(folder.resolve())
    except OSError:  # a name too long; whoever opens it says so
        return False


def check_apart(
    place: Path, sources: Iterable[tuple[str, object]], *, key: str, form: str = "PATH"
) -> None:
    """Refuse to write into a folder that is read, or beside a file that is.

    Args:
        place: the folder that would be written to, or the file.
        sources: key and value of what is read; a value that is no path is passed over.
        key: that names ``place``.
        form: of its value.

    Raises:
        SegkitError: naming both keys.
    """
    for name, value in sources:
        source = _absolute(value)
        inside = lies_within(place, source)
        with suppress(OSError):
            if not inside and source.is_file():
                # Files of the run have names of their own, which this one may have too.
                inside = source.resolve().parent == place.resolve()
        if inside:
            # No place is proposed: what lies around the data may be the user's, too.
            elsewhere = "" if place.is_absolute() else "start it from another folder, or "
            raise SegkitError(
                "what is written would lie among the data that are read",
                where=f"{key}={place} and {name}={value}",
                remedy=f"{elsewhere}name a place that holds no data: {key}={form}",
            )
