"""Decoded once, read for ever: the data set at the network's size in one memory-mapped file.

A cache is a folder with ``pixels-<build>.bin`` (images, masks and, losslessly packed, the masks
at their own size, one after the other), ``index.json`` (where each lies) and ``files.json`` (what
the files were that it was built of). It is built under
another name and renamed when complete, so that a build which was killed leaves nothing that
looks whole; a lock file makes a second process wait for the first instead of building again
(where the disk knows no locks, the one that is complete first is kept).
A cache that is built anew has another ``<build>``: who has read an index never reads the pixels
of another build.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.checksums import Checksums
from segkit.core.contracts import Problem, Record, Truth
from segkit.core.errors import SegkitError
from segkit.core.intensity import OF_GROUPS
from segkit.core.locks import folder_begun, waited_for
from segkit.core.sources import check_apart
from segkit.data.cache_build import CacheSpec, build_cache, pixels_name, prepare
from segkit.data.cache_files import file_names, same_files
from segkit.data.readers.base import Reader

# Raised whenever the format or the preparation of the pixels changes.
VERSION = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one record lies in ``pixels.bin``, and what was learnt while decoding it.

    Attributes:
        id: the record's.
        stratum: decided by the reader, from the pixels where need be.
        offset: first byte, in the file of the pixels.
        height, width: of image and mask, in pixels.
        packed: bytes of the mask at its own size, as PNG; 0 without ground truth.
        native: height and width of the image as stored.
        checksums: of image and mask as stored.
    """

    id: str
    stratum: str
    offset: int
    height: int
    width: int
    packed: int
    native: tuple[int, int]
    checksums: Checksums

    @property
    def pixels(self) -> int:
        """Of the image as it is kept."""
        return self.height * self.width


def _entry(saved: dict[str, Any]) -> Entry:
    lists = {"native": tuple(saved["native"]), "checksums": Checksums(*saved["checksums"])}
    return Entry(**(saved | lists))


class Cache:
    """Read access to one build.

    The memory map is opened at once, and holds the pixels though their cache be removed or built
    anew by another process; a spawned worker opens its own on first use.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.channels: int = index["channels"]
        self.kind = np.dtype(np.int32 if index["labels"] else np.uint8)  # of the ground truth
        self.size: int = index["bytes"]
        self.pixels = folder / pixels_name(index["build"])
        self.depths: dict[str, int] = index["depths"]  # images by the type that they are stored in
        self.problems = [Problem(**problem) for problem in index["problems"]]
        self.entries = {entry["id"]: _entry(entry) for entry in index["entries"]}
        self._pixels: NDArray[np.uint8] | None = np.memmap(self.pixels, np.uint8, mode="r")

    def __getstate__(self) -> dict[str, Any]:
        # A memory map would travel to a spawned worker as a copy of every byte.
        return {**self.__dict__, "_pixels": None}

    def _bytes(self, offset: int, count: int) -> NDArray[np.uint8]:
        if self._pixels is None:
            try:
                self._pixels = np.memmap(self.pixels, np.uint8, mode="r")
            except OSError as error:
                raise SegkitError(
                    "the decoded images were removed, or built anew, while they were in use",
                    where=str(self.pixels),
                    remedy="run the command again; a training: resume=DIR",
                ) from error
        return self._pixels[offset : offset + count]

    @property
    def checksums(self) -> dict[str, Checksums]:
        """By record id."""
        return {name: entry.checksums for name, entry in self.entries.items()}

    def known(self, records: Sequence[Record]) -> list[Record]:
        """Those that are in it, with their strata, and those without ground truth."""
        return [
            replace(record, stratum=self.entries[record.id].stratum)
            if record.id in self.entries
            else record
            for record in records
            if record.id in self.entries or not record.labelled
        ]

    def image(self, record_id: str) -> NDArray[np.uint8]:
        """(H, W, C) uint8, a read-only view of the file."""
        entry = self.entries[record_id]
        shape = (entry.height, entry.width, self.channels)
        return self._bytes(entry.offset, int(np.prod(shape))).reshape(shape)

    def mask(self, record_id: str) -> Truth:
        """(H, W) class indices or labels, a read-only view; zeros for an unlabelled record."""
        entry = self.entries[record_id]
        start = entry.offset + entry.pixels * self.channels
        found = self._bytes(start, entry.pixels * self.kind.itemsize)
        return found.view(self.kind).reshape(entry.height, entry.width)

    def native_mask(self, record_id: str) -> Truth:
        """The same, a copy, at the size of the stored image."""
        entry = self.entries[record_id]
        start = entry.offset + entry.pixels * (self.channels + self.kind.itemsize)
        packed = np.array(self._bytes(start, entry.packed))
        pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), np.uint8)
        return pixels.view(self.kind).reshape(pixels.shape[:2])


def open_cache(
    reader: Reader,
    records: Sequence[Record],
    *,
    spec: CacheSpec,
    folder: Path,
    name: str,
    threads: int | None = None,
) -> Cache:
    """Open the cache of these records, building it first where there is none.

    Args:
        reader: decodes the records.
        records: which to hold, in this order.
        spec: size and channels of the pixels.
        folder: holds all caches.
        name: first part of the cache's folder name.
        threads: that decode; one a core by default.

    Raises:
        SegkitError: ``folder`` lies among the data, cannot be written to, or is full.
    """
    tables = [name for name in reader.tables if name not in reader.source.names()]
    sources = [("dataset.root", reader.root), *(("dataset.manifest", table) for table in tables)]
    check_apart(folder, sources, key="dataset.cache_dir")
    key, threads = _key(reader, records, spec)[:16], threads or os.cpu_count() or 1
    target = folder / f"{name}-{key}"

    def usable() -> Cache | None:
        return _usable(target, reader, records, spec, threads)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with waited_for(folder / f"{name}-{key}.lock") as alone:
            if (cache := usable()) is not None:
                return cache
            # What is here is of other files, or of a process that was killed.
            with folder_begun(target, alone=alone) as building:
                build_cache(building, reader, records, spec, threads)
                if not alone and (cache := usable()) is not None:
                    return cache  # another process was quicker
                shutil.rmtree(target, ignore_errors=True)
                try:
                    building.rename(target)
                except OSError:  # on a disk without locks another may have come between
                    if (cache := usable()) is None:
                        raise
                    return cache
            return Cache(target)
    except OSError as error:
        raise SegkitError(
            f"the cache cannot be written: {error.strerror or error}",
            where=f"dataset.cache_dir={folder}",
            remedy="name a folder that you may write to and that has room: dataset.cache_dir=PATH",
        ) from error


def _usable(
    folder: Path, reader: Reader, records: Sequence[Record], spec: CacheSpec, threads: int
) -> Cache | None:
    """The cache in ``folder``; None where a byte is missing, or a file is not what it was."""
    try:
        cache = Cache(folder)
        whole = cache.pixels.stat().st_size == cache.size
        same = whole and same_files(folder, reader.source, file_names(reader, records), threads)
    except (OSError, ValueError, KeyError):
        return None
    return cache if same and not _mended(cache, reader, records, spec) else None


def _mended(cache: Cache, reader: Reader, records: Sequence[Record], spec: CacheSpec) -> bool:
    """Whether a record that could not be read can be now: a disk that was away is back."""
    left_out = [record for record in records if record.id not in cache.entries]
    problems = []
    for record, load in zip(left_out, reader.loaders(left_out), strict=True):
        try:
            prepare(reader, record, load(), spec)
        except SegkitError as error:
            problems.append(Problem(error.where, error.what, error.remedy))
        else:
            return True
    cache.problems = problems  # in today's words, which an earlier version may not have had
    return False


def _key(reader: Reader, records: Sequence[Record], spec: CacheSpec) -> str:
    facts = {
        "cache": VERSION,
        "reader": f"{type(reader).__module__}.{type(reader).__qualname__}",
        "version": reader.version,
        "parameters": reader.parameters(),
        "root": str(reader.root.resolve()),
        # The stratum too: it may come from a table, and is kept with the pixels.
        "records": [(r.id, r.image, r.masks, r.stratum) for r in records],
        "spec": (spec.size, spec.channels, spec.labels),
        "intensity": reader.intensity,
        "groups": [r.group for r in records] if reader.intensity in OF_GROUPS else [],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
