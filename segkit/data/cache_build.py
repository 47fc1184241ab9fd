"""Fills a cache: decode in threads, prepare, append, with a progress bar."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.channels import Channels, channel_count
from segkit.core.checksums import Checksums
from segkit.core.contracts import Record, Sample, Truth, check_sample
from segkit.core.errors import SegkitError
from segkit.core.files import write_text
from segkit.data.cache_files import file_names, write_files
from segkit.data.parallel import map_records
from segkit.data.readers.base import Reader
from segkit.imaging.pixels import network_input, resize_mask

_TOO_LARGE = "cut the image into parts"
# Of a PNG that OpenCV reads back.
_LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class CacheSpec:
    """The form in which pixels are kept.

    Attributes:
        size: rows and columns of image and mask, or None to keep each record's own.
        channels: of the image.
        labels: whether the ground truth that is kept tells objects apart.
    """

    size: tuple[int, int] | None
    channels: Channels
    labels: bool = False


def build_cache(
    folder: Path, reader: Reader, records: Sequence[Record], spec: CacheSpec, threads: int
) -> None:
    """Decode the records into the files of a cache, in an empty folder.

    Records that cannot be read are listed in the index, not raised: whether they stop the run
    is the datamodule's decision.
    """
    entries: list[dict[str, object]] = []
    problems: list[dict[str, str]] = []
    images: list[str] = []
    source, checksums = reader.source, dict[str, str]()
    stamps = {name: source.stamp(name) for name in file_names(reader, records)}
    # An .npz is of many records; one of them reads it for its checksum.
    new = {name: record.id for record in reversed(records) for name in reader.files(record)}

    def decode(record: Record, load: Callable[[], Sample]) -> Prepared:
        try:
            prepared = prepare(reader, record, load(), spec)
        except MemoryError as error:
            raise SegkitError(
                "not enough memory to decode it", where=record.image, remedy=_TOO_LARGE
            ) from error
        for name in reader.files(record):
            if new[name] == record.id:
                checksums[name] = source.checksum(name)
        return prepared

    title = f"decoding {type(reader).__name__}"
    build = uuid4().hex[:12]
    with (folder / pixels_name(build)).open("wb") as out:
        for record, job in map_records(reader, records, decode, threads=threads, title=title):
            try:
                entries.append(_append(out, record, job.result()))
                images.append(record.image)
            except SegkitError as error:
                problem = {"where": error.where, "what": error.what, "remedy": error.remedy}
                problems.append(problem)
        if not out.tell():
            out.write(b"\0")  # an empty file cannot be mapped
        size = out.tell()
        out.flush()
        os.fsync(out.fileno())  # before the index says that it is there
    index = {
        "build": build,
        "channels": channel_count(spec.channels),
        "labels": spec.labels,
        "bytes": size,
        "depths": Counter(reader.depths.get(name, "") for name in images),
        "entries": entries,
        "problems": problems,
    }
    write_text(folder / "index.json", json.dumps(index))
    # One that was written to in the meantime may have been decoded before, and read for its
    # checksum after.
    whole = {name: each for name, each in checksums.items() if source.stamp(name) == stamps[name]}
    write_files(folder, stamps, whole)


def pixels_name(build: str) -> str:
    """What the file of one build's pixels is called."""
    return f"pixels-{build}.bin"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One record in the form in which it is kept.

    Attributes:
        image, mask: at the size of the cache.
        packed: the ground truth at its own size, as PNG.
        stratum: of the record.
        native: rows and columns of the image as stored.
        checksums: of image and mask as the reader gave them.
    """

    image: NDArray[np.uint8]
    mask: Truth
    packed: bytes
    stratum: str
    native: tuple[int, int]
    checksums: Checksums


def prepare(reader: Reader, record: Record, sample: Sample, spec: CacheSpec) -> Prepared:
    """Check a decoded record and bring it to the size and channels of the cache.

    Raises:
        SegkitError: pixels, sizes or classes that cannot be trained on.
    """
    check_sample(sample, record, len(reader.classes))
    native = (sample.image.shape[0], sample.image.shape[1])
    target = spec.size or native
    packed, mask = b"", np.zeros(target, np.int32 if spec.labels else np.uint8)
    truth = _labels(sample, record) if spec.labels else sample.mask
    if truth is not None:
        packed = _packed(truth, record)
        mask = resize_mask(truth, target)
    image = network_input(sample.image, spec.channels, spec.size, record.image)
    stratum = reader.stratum(record, sample.image)
    checksums = Checksums(pixels_checksum(sample.image), pixels_checksum(truth))
    return Prepared(image, mask, packed, stratum, native, checksums)


def pixels_checksum(pixels: Truth | None) -> str:
    """Sixteen hexadecimal digits over shape and pixels; of no mask none."""
    if pixels is None:
        return ""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()[:16]


def _labels(sample: Sample, record: Record) -> NDArray[np.int32] | None:
    if sample.mask is not None and sample.instances is None:
        raise SegkitError(
            "its mask does not tell objects apart",
            where=record.masks[0],
            remedy="give label images, or a mask file an object; or train with task=semantic",
        )
    return sample.instances


def _packed(mask: Truth, record: Record) -> bytes:
    done = max(mask.shape) <= _LONGEST
    # A label's four bytes are four channels to PNG.
    pixels = mask if mask.dtype == np.uint8 else mask[..., None].view(np.uint8)
    data = cv2.imencode(".png", pixels)[1].tobytes() if done else b""
    if not data:
        raise SegkitError(
            f"a mask of {mask.shape[1]}×{mask.shape[0]} pixels, of which a side is too long",
            where=record.masks[0],
            remedy=_TOO_LARGE,
        )
    return data


def _append(out: BinaryIO, record: Record, prepared: Prepared) -> dict[str, object]:
    offset = out.tell()
    height, width = prepared.mask.shape
    out.write(prepared.image.tobytes())
    out.write(prepared.mask.tobytes())
    out.write(prepared.packed)
    return {
        "id": record.id,
        "stratum": prepared.stratum,
        "offset": offset,
        "height": height,
        "width": width,
        "packed": len(prepared.packed),
        "native": prepared.native,
        "checksums": prepared.checksums,
    }
