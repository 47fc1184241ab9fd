"""Where a data set lies: a folder, or the archive as it was downloaded."""

import zipfile
from itertools import islice
from pathlib import Path

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.home import at_home
from segkit.core.sources import ARCHIVES, TARS
from segkit.data.source import FolderSource, Source, is_litter
from segkit.data.tar_source import TarSource
from segkit.data.unpacking import refuse_unread
from segkit.data.zip_source import ZipSource


def open_source(root: str | Path) -> Source:
    """Open a folder, an archive, or a folder that holds nothing but an archive.

    Raises:
        SegkitError: nothing is there, or it is neither a folder nor an archive that is read.
    """
    path = at_home(root, "dataset.root")
    try:
        is_folder, is_there = path.is_dir(), path.exists()
        near = path.parent.glob("*")
        beside = [p.name for p in near if p.is_dir() or p.name.lower().endswith(ARCHIVES)]
    except OSError:  # a name too long, or a folder that may not be entered
        is_folder, is_there, beside = False, False, []
    if is_folder:
        return open_archive(alone) if (alone := _only_archive(path)) else FolderSource(path)
    if not is_there:
        hint = f" ({did_you_mean(path.name, beside)})" if beside else ""
        raise SegkitError(
            "the data set is not there",
            where=f"dataset.root={path}",
            remedy=f"name the folder or the archive that holds it: dataset.root=PATH{hint}",
        )
    return open_archive(path)


def open_archive(path: Path) -> Source:
    """Open a zip or a tar, whatever it is called.

    Raises:
        SegkitError: it is neither; with the command that unpacks it, if it is an archive.
    """
    try:
        if path.is_file():
            refuse_unread(path)
        if is_archive(path):
            return (TarSource if path.name.lower().endswith(TARS) else ZipSource)(path)
    except OSError as error:
        raise SegkitError(
            f"an archive that cannot be read: {error.strerror or error}",
            where=str(path),
            remedy="name one that you may read",
        ) from error
    raise SegkitError(
        "neither a folder nor a whole zip or tar archive",
        where=f"dataset.root={path}",
        remedy="name the folder, the .zip or the .tar.gz of the data set; fetch it again if it is "
        "cut short",
    )


def is_archive(path: Path) -> bool:
    """Whether a file is a zip, whatever its name, or is called like a tar."""
    # Arrays of NumPy's in a zip are data themselves. Opening a pipe would wait for ever.
    if not path.is_file() or path.suffix.lower() == ".npz":
        return False
    return path.name.lower().endswith(TARS) or zipfile.is_zipfile(path)


def _only_archive(folder: Path) -> Path | None:
    """The archive in a folder with nothing else, as a download leaves it."""
    try:
        inside = list(islice((p for p in folder.iterdir() if not is_litter(p.name)), 2))
    except OSError:
        return None  # the folder itself says so when it is listed
    return inside[0] if len(inside) == 1 and is_archive(inside[0]) else None
