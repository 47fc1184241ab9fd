"""What every data set is: a listing of records, and a way to decode one.

A new one is a :class:`Reader` in ``segkit/data/readers/<name>.py``, ``conf/dataset/<name>.yaml``
that names it, and ``tests/data/readers/test_<name>.py``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from segkit.core.channels import Channels
from segkit.core.contracts import Listing, Problem, Record, Sample, bad_records
from segkit.core.errors import SegkitError
from segkit.core.home import at_home
from segkit.core.intensity import CHANNEL, IMAGE, OF_GROUPS, STORED, Intensity
from segkit.core.planes import PLAIN
from segkit.data.archives import open_source
from segkit.data.group_windows import GroupWindows
from segkit.data.passed_over import passed_over
from segkit.data.readers.tellable import tellable
from segkit.data.unpacking import nested
from segkit.data.volumes import VolumeSource, file_of
from segkit.imaging.channels import together
from segkit.imaging.formats.base import Slicing
from segkit.imaging.formats.registry import suffixes
from segkit.imaging.pixels import Pixels, decode, to_uint8


class Reader(ABC):
    """Lists and decodes one data set in its published layout.

    Args:
        root: the data set's folder, or its archive as downloaded.
        classes: names of the classes, background first; index 0…K-1 in every mask.

    Raises:
        SegkitError: names that a table of scores could not tell apart, or a root of a user who
            is not there.
    """

    # Raised when `read` or `stratum` gives something else of the same files: for caches.
    version: ClassVar[int] = 1
    has_objects: ClassVar[bool] = False  # whether `read` can tell them apart: Sample.instances
    synthetic: ClassVar[bool] = False  # drawn by segkit to try it out: nobody's own images
    slicing = Slicing()  # of volumes

    def __init__(self, root: str | Path, *, classes: Sequence[str]) -> None:
        self.root = at_home(root, "dataset.root")  # a folder called 2018 comes as a number
        self.classes = tuple(classes)
        self.tables: list[str] = []  # that scan has read, beside what records name
        self.without_pixels: dict[str, str] = {}  # files of image formats, and what they are
        self.objects = False  # whether a task asks for them
        self.intensity: Intensity = STORED  # how what is stored becomes 0…255
        self.depths: dict[str, str] = {}  # types of the images that were read, by name
        self.planes = PLAIN  # which of a file's many are the image
        if len(set(classes)) < len(classes) or "all" in classes:
            raise SegkitError(
                f"{list(classes)} are ambiguous in a table where all means every class",
                where="dataset.classes",
                remedy="give each class a name of its own, other than all",
            )

    def require_objects(self) -> None:
        """Ask for labels of the objects of every labelled record; before :meth:`listing`.

        What is doubtful in them then stands among the :meth:`cautions`.

        Raises:
            SegkitError: the data set is known to have none.
        """
        if not self.has_objects:
            raise SegkitError(
                f"{type(self).__name__} has masks of classes, in which no object is told apart",
                where="dataset",
                remedy="learn classes: task=semantic; or choose a data set with labelled objects",
            )
        self.objects = True

    @cached_property
    def source(self) -> VolumeSource:
        """The files of the data set, and the slices of its volumes.

        Raises:
            SegkitError: ``root`` is missing or not readable.
        """
        return VolumeSource(open_source(self.root), self.slicing)

    @cached_property
    def _windows(self) -> GroupWindows:
        return GroupWindows(lambda: self.listing().records, self.stored)

    @abstractmethod
    def scan(self) -> Listing:
        """List the records, in a fixed order, and the files that cannot be paired."""

    @abstractmethod
    def read(self, record: Record) -> Sample:
        """Decode one record. Called from several threads.

        Raises:
            SegkitError: the file is damaged, or a mask value is not known.
        """

    def listing(self) -> Listing:
        """:meth:`scan`, refusing a root in which there is nothing of this data set.

        Raises:
            SegkitError: no record was found.
        """
        found = self._found
        if not found.records and not found.problems:
            inside = self.root.name.lower() in ("images", "masks") and self.root.is_dir()
            above = f"name the folder above it: dataset.root={self.root.parent}; " * inside
            above = nested(self.root, self.source.names()) + above
            raise SegkitError(
                f"no record of {type(self).__name__} was found in {len(self.source.names())} files",
                where=f"dataset.root={self.root}",
                remedy=f"{above}{self.hint()}the layout must be: {self.layout}; or choose another "
                "dataset=",
            )
        return found

    def hint(self) -> str:
        """What may be meant where no record was found, ending in ``; ``; or nothing."""
        return ""

    def passed_over(self) -> str:
        """A line about the files that belong to no record and no problem; empty if none is."""
        found = self.listing()
        used = {*self.tables} | {file for record in found.records for file in self.files(record)}
        used |= {problem.where for problem in found.problems}
        left = (name for name in self.source.names() if name not in used)
        return passed_over(left, self.without_pixels)

    @cached_property
    def _found(self) -> Listing:
        # An archive of thirty thousand masks is listed once, not by everyone who asks.
        return tellable(self.scan())

    @property
    @abstractmethod
    def layout(self) -> str:
        """The expected layout in a phrase, for messages."""

    def loaders(self, records: Sequence[Record]) -> Iterator[Callable[[], Sample]]:
        """One call a record, in order, that decodes it.

        Calls come from several threads, the iteration from one: read here what must be in order.
        """
        for record in records:
            yield partial(self.read, record)

    def stratum(self, record: Record, image: NDArray[np.uint8]) -> str:
        """What splits are balanced over; by default what the record says."""
        del image
        return record.stratum

    def parameters(self) -> dict[str, object]:
        """The settings that change the pixels; part of the cache's key."""
        return {}

    def cautions(self) -> list[Problem]:
        """What can be read and is probably not meant; a reader may look for it.

        Raises:
            SegkitError: nothing could be learnt from it.
        """
        return []

    def files(self, record: Record) -> tuple[str, ...]:
        """The files that a record's pixels come from; part of the cache's key."""
        names = (record.image, *record.sequences, *record.masks)
        return tuple(map(file_of, names))

    def channels(self) -> Channels:
        """What ``dataset.channels=auto`` is: grey and colour are given as three, others as stored.

        Of sequences it is their places: none of them is grey that stands for three. The first
        record that can be read tells; what differs from it is refused where it is read.

        Raises:
            SegkitError: none can be read.
        """
        refused: SegkitError | None = None
        for record in self.listing().records:
            try:
                count = np.atleast_3d(self.read(record).image).shape[2]
            except SegkitError as error:
                refused = refused or error
                continue
            if record.sequences:
                return tuple(range(count))
            return 3 if count in (1, 3) else count
        problems = self.listing().problems
        raise refused or bad_records(problems, len(problems), skip=False)

    def intensity_for(self, channels: int) -> Intensity:
        """What ``dataset.intensity=auto`` is, of images of so many channels."""
        # Stains of a multiplex differ by orders of brightness; red, green and blue belong together.
        return CHANNEL if channels > 3 else IMAGE

    def stored(self, record: Record) -> Pixels:
        """A record's image as it is stored, (H, W) or (H, W, C) of any real type."""
        return together(self.decoded(record))

    def decoded(self, record: Record, data: bytes | None = None) -> list[tuple[str, Pixels]]:
        """The same of each of its files, with its place; the bytes of the first may be at hand.

        For a fixed range of intensities what was measured.
        """
        measured, found = isinstance(self.intensity, tuple), list[tuple[str, Pixels]]()
        for name in (record.image, *record.sequences):
            where = self.source.where(name)
            stored = self.source.read(name) if data is None or found else data
            found.append((where, decode(stored, where, planes=self.planes, measured=measured)))
        return found

    def scaled(self, record: Record, files: Sequence[tuple[str, Pixels]]) -> NDArray[np.uint8]:
        """What :attr:`intensity` makes of a record's image as its files store it.

        Each file has its own window, a slice that of its volume; a group has one of all its files.

        Raises:
            SegkitError: see :func:`~segkit.imaging.pixels.to_uint8`.
        """
        self.depths[record.image] = str(files[0][1].dtype)
        if self.intensity in OF_GROUPS:
            pixels = together(files)
            return to_uint8(pixels, files[0][0], self._windows.of(record, pixels, self.intensity))
        names = (record.image, *record.sequences)
        rules = (self.source.window(name, self.intensity) or self.intensity for name in names)
        pairs = zip(files, rules, strict=True)
        return together([(where, to_uint8(own, where, rule)) for (where, own), rule in pairs])

    def read_image(self, record: Record, data: bytes | None = None) -> NDArray[np.uint8]:
        """A record's image, 0…255: (H, W) or (H, W, C) uint8; see :meth:`decoded`."""
        return self.scaled(record, self.decoded(record, data))


def is_image(name: str) -> bool:
    """Whether a file's name ends like an image that segkit reads."""
    return name.lower().endswith(suffixes())
