"""What every data set is: a listing of records, and a way to decode one.

A new data set is a subclass of :class:`Reader` in ``segkit/data/<name>.py``, a
``conf/dataset/<name>.yaml`` that names it, and ``tests/data/test_<name>.py``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Problem, Record, Sample
from segkit.core.errors import SegkitError
from segkit.core.home import at_home
from segkit.core.shell import argument
from segkit.data.passed_over import passed_over
from segkit.data.source import open_source
from segkit.data.volumes import VolumeSource, file_of
from segkit.imaging.formats.base import Slicing
from segkit.imaging.formats.registry import suffixes
from segkit.imaging.pixels import decode, to_uint8


class Reader(ABC):
    """Lists and decodes one data set in its published layout.

    Args:
        root: the data set's folder, or its archive as downloaded.
        classes: names of the classes, background first; index 0…K-1 in every mask.

    Raises:
        SegkitError: names that a table of scores could not tell apart, or a root of a user who
            is not there.
    """

    # Raised whenever `read` gives other pixels for the same files, so that caches are rebuilt.
    version: ClassVar[int] = 1
    # Whether `read` can tell objects apart: :attr:`Sample.instances`.
    has_objects: ClassVar[bool] = False
    # Drawn by segkit to try it out: nobody's own images.
    synthetic: ClassVar[bool] = False
    slicing = Slicing()  # of volumes

    def __init__(self, root: str | Path, *, classes: Sequence[str]) -> None:
        # A folder called 2018 comes as a number from the command line.
        self.root = at_home(root, "dataset.root")
        self.classes = tuple(classes)
        self.tables: list[str] = []  # that scan has read, beside what records name
        self.objects = False  # whether a task asks for them
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
            for archive in sorted(self.root.glob("*.zip"))[:1]:
                above = f"{argument('dataset.root', archive)}; " + above
            raise SegkitError(
                f"no record of {type(self).__name__} was found in {len(self.source.names())} files",
                where=f"dataset.root={self.root}",
                remedy=f"{above}the layout must be: {self.layout}; or choose another dataset=",
            )
        return found

    def passed_over(self) -> str:
        """A line about the files that belong to no record and no problem; empty if none is."""
        found = self.listing()
        used = {*self.tables} | {file for record in found.records for file in self.files(record)}
        used |= {problem.where for problem in found.problems}
        return passed_over(name for name in self.source.names() if name not in used)

    @cached_property
    def _found(self) -> Listing:
        # An archive of thirty thousand masks is listed once, not by everyone who asks.
        return _tellable(self.scan())

    @property
    @abstractmethod
    def layout(self) -> str:
        """The expected layout in a phrase, for messages."""

    def loaders(self, records: Sequence[Record]) -> Iterator[Callable[[], Sample]]:
        """One call a record, in order, that decodes it.

        The calls are made from several threads; the iteration itself from one, so that a data
        set which can only be read front to back does its reading here.
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

    def channels(self) -> int:
        """What ``dataset.channels=auto`` is: grey and colour are given as three, others as stored.

        The first record that can be read tells; what differs from it is refused where it is read.

        Raises:
            SegkitError: none can be read.
        """
        refused: SegkitError | None = None
        for record in self.listing().records:
            try:
                image = self.read(record).image
            except SegkitError as error:
                refused = refused or error
            else:
                count = 1 if image.ndim == 2 else image.shape[2]
                return 3 if count in (1, 3) else count
        raise refused or SegkitError(
            "no image can be read",
            where=f"dataset.root={self.root}",
            remedy="name a folder of images",
        )

    def read_image(self, name: str) -> NDArray[np.uint8]:
        """Decode one image file, or slice, to 0…255: (H, W) or (H, W, C) uint8."""
        where = self.source.where(name)
        return to_uint8(decode(self.source.read(name), where), where, self.source.window(name))

    def with_sequences(self, record: Record, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An image with the channels of its further files: see :attr:`Record.sequences`.

        Raises:
            SegkitError: one cannot be read, or is of another size.
        """
        if not record.sequences:
            return image
        planes = [np.atleast_3d(image)]
        for name in record.sequences:
            planes.append(np.atleast_3d(self.read_image(name)))
            if planes[-1].shape[:2] != image.shape[:2]:
                (height, width), own = image.shape[:2], planes[-1].shape
                raise SegkitError(
                    f"{own[1]}×{own[0]} pixels, of an image of {width}×{height}",
                    where=self.source.where(name),
                    remedy="give all files of an image the same size",
                )
        return np.concatenate(planes, axis=2)


def _tellable(found: Listing) -> Listing:
    """The listing, with records whose names no table could hold as problems.

    Linux allows bytes in a name that are not UTF-8; they cannot be written to ``split.csv``.
    """
    records, problems = [], [replace(p, where=_shown(p.where)) for p in found.problems]
    for record in found.records:
        files = (record.image, *record.sequences, *record.masks)
        names = "\n".join((record.id, record.group, *files))
        if _shown(names) == names:
            records.append(record)
        else:
            problems.append(Problem(_shown(record.image), "a name that is not UTF-8", "rename it"))
    return Listing(records, problems)


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def is_image(name: str) -> bool:
    """Whether a file's name ends like an image that segkit reads."""
    return name.lower().endswith(suffixes())
