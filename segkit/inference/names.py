"""An image to predict, a file or a member of an archive, and what is written for it is called."""

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from segkit.core.errors import SegkitError
from segkit.core.intensity import STORED
from segkit.core.planes import PLAIN, SLICES, Planes
from segkit.core.stamps import checksum, file_stamp, folder_checksum, folder_stamp
from segkit.data.image_files import image_files
from segkit.data.readers.layouts import as_pairs
from segkit.data.readers.pairs import FOLDERS
from segkit.data.source import FolderSource, Source
from segkit.imaging.bands import ArrayRows, Opened, decoded, open_rows
from segkit.imaging.channels import together
from segkit.imaging.formats.base import Slicing
from segkit.imaging.formats.registry import bare, suffixes, volume_format
from segkit.imaging.formats.zarr import open_folder, spacing
from segkit.imaging.intensity import Rule
from segkit.imaging.pixel_size import PixelSize, pixel_size
from segkit.imaging.pixels import Pixels
from segkit.inference.volumes import File, VolumeRows

# What predict itself writes into its folder.
_TAKEN = (
    *("colours", "probabilities", ".objects"),
    *("predictions.csv", "submission.csv", "objects.csv", "coco.json"),
)
# Suffix of the masks of TIFF stacks.
STACK = ".tif"
_OME = re.compile(r"\.ome\.tiff?$", re.IGNORECASE)
_ODD = re.compile(r"[\\\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Input:
    """One image.

    Attributes:
        path: of the file; of a member what stands for it, below the archive: ``a.zip/day1/b.png``.
        called: what its files are called, where that is not the path's stem; folders are parted
            by ``/``.
        archive: in which it lies, or None.
        member: its name in there.
        sequences: further files, whose channels follow.
        axis: along which a volume is cut into slices.
        planes: of a TIFF stack of which each plane is predicted.
    """

    path: Path
    called: str = ""
    archive: Source | None = None
    member: str = ""
    sequences: tuple["Input", ...] = ()
    axis: str = "axial"
    planes: Planes = PLAIN

    @property
    def name(self) -> str:
        """What its files are called, without suffix."""
        return self.called or _stem(self.path.name)

    @property
    def mask(self) -> str:
        """Suffix of its mask, where that is a volume on the grid of the input; else ""."""
        found = volume_format(self.path.name)
        if found is None or found.mask:
            return found.mask if found else ""
        return STACK if self.planes.z == SLICES else ""

    def __str__(self) -> str:
        return str(self.path)

    def changed(self) -> int:
        """When the file, or the archive, was last written to, in nanoseconds.

        Raises:
            OSError: it is not there.
        """
        own = (self.archive.root if self.archive else self.path).stat().st_mtime_ns
        return max([own, *(one.changed() for one in self.sequences)])

    def stamp(self) -> str:
        """What changes whenever it does; nothing of it is read."""
        if self.archive:
            own = self.archive.stamp(self.member)
        else:
            own = (folder_stamp if self.path.is_dir() else file_stamp)(self.path)
        return "; ".join([own, *(one.stamp() for one in self.sequences)])

    def checksum(self) -> str:
        """Of its content; "" where it cannot be read any more."""
        found = [self._checksum(), *(one.checksum() for one in self.sequences)]
        return " ".join(found) if all(found) else ""

    def _checksum(self) -> str:
        if self.archive:
            return self.archive.checksum(self.member)
        with suppress(OSError):
            if self.path.is_dir():
                return folder_checksum(self.path)
            with self.stream() as stream:
                return checksum(stream)
        return ""

    def stream(self) -> IO[bytes]:
        """Its bytes, one after the other; of a folder, an OME-Zarr, those of a TIFF.

        Raises:
            OSError: it is not there.
            SegkitError: a folder that cannot be read.
        """
        if self.archive:
            return self.archive.open(self.member)
        return open_folder(self.path) if self.path.is_dir() else self.path.open("rb")

    def open(self, large: int, rule: Rule = STORED, *, planes: Planes = PLAIN) -> Opened:
        """Its pixels: a volume, or rows of a TIFF of more than ``large`` pixels and no member.

        Args:
            large: pixels.
            rule: of intensities.
            planes: which of a file's many are the image.

        Raises:
            SegkitError: it cannot be read, is damaged, or is larger than the bound.
        """
        if self.mask:
            files = [File(str(one), one.stream) for one in (self, *self.sequences)]
            return VolumeRows(files, Slicing(self.axis, self.planes), rule)
        if self.sequences:
            alone = [replace(self, sequences=()), *self.sequences]
            return joined([(str(one), one.open(large, rule, planes=planes)) for one in alone])
        if self.archive is None:
            return open_rows(self.path, large, rule, planes=planes)
        archive = self.archive
        return decoded(lambda: archive.read(self.member), str(self), rule, planes=planes)

    def pixel_size(self) -> PixelSize | None:
        """Height and width of a pixel in µm, where the file says."""
        if self.archive:
            return pixel_size(BytesIO(self.archive.read(self.member)))
        if self.path.is_dir():
            return spacing(self.path)
        with suppress(OSError), self.path.open("rb") as stream:
            return pixel_size(stream)
        return None


def joined(files: Sequence[tuple[str, Opened]]) -> ArrayRows:
    """One image of the channels of several, each scaled by itself, with what they are called."""

    def stored() -> Pixels:
        return together([(where, one.stored(0, one.size[0])) for where, one in files])

    image = together([(where, one.rows(0, one.size[0])) for where, one in files])
    return ArrayRows(image, stored, files[0][1].depth)


def members(source: Source, *, anywhere: bool) -> tuple[list[Input], dict[str, str]]:
    """The images of a data set in the layout of training, and files that are none.

    The names of these, and what they are where their suffix does not say.

    Args:
        source: a folder or an archive.
        anywhere: take all images but masks where none lies below a folder ``images``.
    """
    names = source.names()
    layout = {} if any("images" in _kinds(name) for name in names) else _layout(names)
    masks = {n for n in names if "masks" in {*_kinds(n), *_kinds(layout.get(n, n))}}
    files = image_files([name for name in names if name not in masks], source.open)
    chosen = [name for name in files.images if "images" in _kinds(layout.get(name, name))]
    if not chosen and anywhere:
        chosen = files.images
    kept = {*chosen, *(name for name in masks if name.lower().endswith(suffixes()))}
    called = _called(chosen)
    found = []
    for name, own in zip(chosen, called, strict=True):
        if isinstance(source, FolderSource):
            found.append(Input(source.root / name, own))
        else:
            found.append(Input(source.root.joinpath(*_plain(name)), own, source, name))
    return found, {n: files.without_pixels.get(n, "") for n in names if n not in kept}


def _layout(names: Sequence[str]) -> dict[str, str]:
    """Names below ``images`` and ``masks`` for those in another layout of training."""
    try:
        return {stored: called for called, stored in as_pairs(names, None, None).items()}
    except SegkitError:  # masks in two places, which are no matter here
        return {}


def _kinds(name: str) -> list[str]:
    """What lies in the folders that a file lies in: images, masks, or neither."""
    return [FOLDERS.get(part.lower(), ("",))[0] for part in PurePosixPath(name).parts[:-1]]


def _plain(name: str) -> list[str]:
    """The parts of a name, which lead nowhere else: with ``..`` a source does not list it."""
    return [_ODD.sub("_", part) for part in PurePosixPath(name).parts if part.strip("/")]


def _stem(name: str) -> str:
    """``<stem>`` of ``<stem>.png``, as scripts look for it: of ``a.ome.tif`` it is ``a.ome``."""
    return PurePosixPath(name).stem if _OME.search(name) else bare(name)


def _called(names: Sequence[str]) -> list[str]:
    """Their stems; where two have the same, below the folders in which they differ.

    ``day1/images/a.png`` and ``day2/images/a.png`` are called ``day1/a`` and ``day2/a``.
    """
    stems = [_stem(_plain(name)[-1]) for name in names]
    if max(Counter(stems).values(), default=0) <= 1:
        return stems
    places = [[part for part in _plain(name)[:-1] if part.lower() not in FOLDERS] for name in names]
    levels = enumerate(zip(*places, strict=False))
    shared = next((n for n, parts in levels if len(set(parts)) > 1), min(map(len, places)))
    called = []
    for place, stem in zip(places, stems, strict=True):
        first, *rest = [*place[shared:], stem]
        called.append("/".join([f"{first}_" if rest and first in _TAKEN else first, *rest]))
    return called
