"""Archives that are not read in place: what they are, and the command that unpacks them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from segkit.core.errors import SegkitError
from segkit.core.shell import argument
from segkit.core.sources import ARCHIVES, TARS, archive_stem
from segkit.imaging.formats.zarr import folder_of

_SEVEN_ZIP, _RAR, _ZSTD = b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd"
# Ends of names of archives that are not read, in lower case.
UNREAD = (".7z", ".rar", ".tar.zst", ".7z.001")
_SHOWN = 4


def seven_zip(archive: Path) -> str:
    """A remedy: unpack it with 7-Zip, which knows every method."""
    return _then(["7z", "x", str(archive), f"-o{_folder(archive)}"], _folder(archive))


def refuse_unread(archive: Path) -> None:
    """Refuse what begins as an archive that is not read.

    Raises:
        SegkitError: with the command that unpacks it.
        OSError: it cannot be read.
    """
    with archive.open("rb") as stream:
        head = stream.read(len(_RAR))
    folder = _folder(archive)
    if head.startswith(_SEVEN_ZIP):
        what, remedy = "7z", seven_zip(archive)
    elif head.startswith(_RAR):
        what, remedy = "RAR", _then(["unrar", "x", str(archive), f"{folder}/"], folder)
    elif head.startswith(_ZSTD):
        what = "Zstandard"
        made = f"{shlex.join(['mkdir', '-p', str(folder)])} && "
        remedy = _then(["tar", "--zstd", "-xf", str(archive), "-C", str(folder)], folder, made)
    else:
        return
    what = f"a {what} archive, which is not read in place"
    raise SegkitError(what, where=str(archive), remedy=remedy)


def nested(root: Path, names: Sequence[str]) -> str:
    """What to do where archives lie in the data set, and nothing that is read; or nothing."""
    inside = [name for name in names if name.lower().endswith((*ARCHIVES, *UNREAD))]
    if not inside:
        zarrs = any(map(folder_of, names))
        return f"it holds OME-Zarrs: {_unpack(root, _folder(root))}; " if zarrs else ""
    shown = ", ".join(inside[:_SHOWN]) + ", …" * (len(inside) > _SHOWN)
    if root.is_dir():
        if len(inside) == 1:
            try:
                refuse_unread(root / inside[0])
            except SegkitError as error:
                return f"{error.remedy}; "
            except OSError:
                pass  # said once it is named
            return f"{argument('dataset.root', root / inside[0])}; "
        return f"it holds archives ({shown}): name one of them, or unpack them there; "
    folder = _folder(root)
    target = folder / inside[0] if len(inside) == 1 else folder
    return f"it holds archives ({shown}): {_unpack(root, target)}; "


def _unpack(archive: Path, target: Path) -> str:
    """A remedy for a zip or a tar: unpack it, and name what lies in it then."""
    folder = _folder(archive)
    if not archive.name.lower().endswith(TARS):
        return _then(["unzip", str(archive), "-d", str(folder)], target)
    made = f"{shlex.join(['mkdir', '-p', str(folder)])} && "
    return _then(["tar", "-xf", str(archive), "-C", str(folder)], target, made)


def _then(words: Sequence[str], root: Path, made: str = "") -> str:
    return f"unpack it: {made}{shlex.join(words)}; and set {argument('dataset.root', root)}"


def _folder(archive: Path) -> Path:
    """A folder beside an archive that is not there yet."""
    name = archive_stem(archive.name)
    folder = archive.with_name(name if name != archive.name else archive_stem(archive.stem))
    return folder.with_name(f"{folder.name}_unpacked") if folder.exists() else folder
