"""What there is to know of each record of a data set: measured in threads, pixels not kept."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.audit.adjoining import Borders, borders
from segkit.audit.crops import Marks, mark
from segkit.audit.duplicates import Signature, pixel_digest, sign
from segkit.audit.layout import stored_layout
from segkit.core.channels import Channels
from segkit.core.contracts import Record, Sample, check_sample
from segkit.core.errors import SegkitError
from segkit.core.intensity import STORED
from segkit.data.parallel import map_records
from segkit.data.readers.base import Reader, is_image
from segkit.data.volumes import file_of
from segkit.imaging.channels import to_channels
from segkit.imaging.formats import zarr
from segkit.imaging.formats.base import HEAD
from segkit.imaging.formats.registry import bare, format_of
from segkit.imaging.layout import UNTOLD, Layout
from segkit.imaging.pixels import Pixels, decode

# Of a record with a mask file for each object, the stored values of the first few are looked at.
_MASK_FILES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """One record, measured.

    Attributes:
        record: with its stratum filled in.
        format: of the image file: PNG, TIFF and so on, or "" for an array in an archive.
        dtype: of the stored pixels, "" where unknown.
        bits: stored for each channel (or index of a palette), 0 where unknown.
        height: rows.
        width: columns.
        channels: alpha left out.
        low: least intensity of each colour, in stored units (0…255 where they are unknown).
        mean: mean intensity of each colour.
        high: largest intensity of each colour.
        saturated: share of pixels at the top of their range in any colour, 0 … 1; the range of
            16-bit pixels is the least of 10, 12, 14 and 16 bits that holds them.
        shares: share of pixels of each class, background included; empty without ground truth.
        objects: number of instances, or of connected components (8 neighbours) of each class
            where the data set has no instances; None without ground truth.
        touching: instances that a mask of classes would not tell from another.
        mask_values: values stored in the first two mask files; further ones end in "…".
        mask_digest: equal for equal masks, "" without ground truth.
        read_ms: milliseconds to read and decode image and masks.
        signature: what the image is recognised by.
        borders: what tells whether another continues it.
        marks: what tells whether another shows a part of it.
        given: of each channel that the network is given, whether its pixels differ; empty where
            it is not known which these are.
        layout: what the file says of its axes and channels.
    """

    record: Record
    format: str
    dtype: str
    bits: int
    height: int
    width: int
    channels: int
    low: tuple[float, ...]
    mean: tuple[float, ...]
    high: tuple[float, ...]
    saturated: float
    shares: tuple[float, ...]
    objects: int | None
    touching: int
    mask_values: str
    mask_digest: str
    read_ms: float
    signature: Signature
    borders: Borders
    marks: Marks
    given: tuple[bool, ...] = ()
    layout: Layout = UNTOLD

    @property
    def empty(self) -> bool:
        """Whether the ground truth is empty."""
        return bool(self.shares) and self.shares[0] == 1

    @property
    def blank(self) -> bool:
        """Whether all pixels of each colour are the same."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be measured, and why."""

    record: Record
    error: SegkitError


def measure_all(
    reader: Reader, records: Sequence[Record], *, threads: int, channels: Channels | None = None
) -> tuple[list[Facts], list[Unreadable]]:
    """Measure every record, in order, with a progress bar on stderr.

    Args:
        reader: of the records.
        records: to measure.
        threads: that decode.
        channels: that the network is given; an image of others cannot be used.
    """
    found: list[Facts] = []
    unreadable: list[Unreadable] = []

    def look(record: Record, load: Callable[[], Sample]) -> Facts:
        started = time.perf_counter()
        sample = load()
        seconds = time.perf_counter() - started
        check_sample(sample, record, len(reader.classes))
        given: tuple[bool, ...] = ()
        if channels is not None:
            planes = to_channels(sample.image, channels, record.image)
            given = tuple((planes != planes[:1, :1]).any(axis=(0, 1)).tolist())
        return replace(measure(reader, record, sample, read_ms=1000 * seconds), given=given)

    jobs = map_records(reader, records, look, threads=threads, title="checking")
    for record, job in jobs:
        try:
            found.append(job.result())
        except SegkitError as error:
            unreadable.append(Unreadable(record, error))
    return found, unreadable


def measure(reader: Reader, record: Record, sample: Sample, *, read_ms: float) -> Facts:
    """The facts of one decoded record.

    Raises:
        SegkitError: a file that could be read before cannot be read now.
    """
    kind, bits, stored = _stored(reader, record)
    pixels: Pixels = sample.image if stored is None else stored
    planes = pixels.reshape(-1, 1 if pixels.ndim == 2 else pixels.shape[2])
    shares: tuple[float, ...] = ()
    if sample.mask is not None:
        counts = np.bincount(sample.mask.ravel(), minlength=len(reader.classes))
        shares = tuple((counts / max(sample.mask.size, 1)).tolist())
    return Facts(
        record=replace(record, stratum=reader.stratum(record, sample.image)),
        format=kind,
        dtype=str(pixels.dtype) if kind else "",
        bits=bits,
        height=sample.image.shape[0],
        width=sample.image.shape[1],
        channels=1 if pixels.ndim == 2 else pixels.shape[2],
        low=tuple(planes.min(axis=0).astype(float).tolist()),
        mean=tuple(planes.mean(axis=0, dtype=np.float64).tolist()),
        high=tuple(planes.max(axis=0).astype(float).tolist()),
        saturated=_saturated(planes),
        shares=shares,
        objects=None if sample.mask is None else _objects(sample.mask, sample.instances),
        touching=0 if sample.instances is None else _touching(sample.instances),
        mask_values=_mask_values(reader, record),
        mask_digest="" if sample.mask is None else pixel_digest(sample.mask),
        read_ms=read_ms,
        signature=sign(sample.image, stored),
        borders=borders(sample.image, stored),
        marks=mark(sample.image),
        layout=stored_layout(reader, record, 1 if pixels.ndim == 2 else pixels.shape[2]),
    )


def _stored(reader: Reader, record: Record) -> tuple[str, int, Pixels | None]:
    """Format and bits of an image file, and its pixels where reading has changed their values."""
    name = file_of(record.image)
    if not is_image(name) and bare(name) != name:
        return "", 0, None
    source, through = reader.source, reader.intensity == STORED
    head, known = b"", zarr.FORMAT if zarr.is_zarr(source.root / name) else None
    if known is None:
        with source.open(name) as stream:
            head = stream.read(HEAD)
        known = format_of(head)
    kind = known.name if known else ""
    # What the file says: decoding widens 1, 2 and 4 bits to 8.
    bits = {"PNG": head[24:25], "BMP": head[28:29], "JPEG": b"\x08"}.get(kind, b"\x10")[0]
    if kind == "BMP":
        bits = min(bits, 8)  # of a pixel, which has three channels from 16 on
    if through and kind in ("PNG", "BMP", "JPEG") and bits <= 8:
        return kind, bits, None
    pixels = reader.stored(record)
    if not (kind in ("PNG", "BMP", "JPEG") and bits <= 8):
        bits = 1 if pixels.dtype == np.bool_ else 8 * pixels.dtype.itemsize
    unchanged = through and pixels.dtype == np.uint8
    return kind, bits if kind else 0, None if unchanged else pixels


def _saturated(planes: Pixels) -> float:
    if planes.dtype.kind not in "ui" or not planes.size:
        return 0.0
    top = int(np.iinfo(planes.dtype).max)
    if planes.dtype.itemsize == 2:
        highest = int(planes.max())
        top = min((t for t in (1023, 4095, 16383, top) if highest <= t), default=top)
    return float((planes == top).any(axis=1).mean())


def _objects(mask: NDArray[np.uint8], instances: NDArray[np.int32] | None) -> int:
    if instances is not None:
        return int(np.count_nonzero(np.unique(instances)))
    labels = np.flatnonzero(np.bincount(mask.ravel(), minlength=1)[1:]) + 1
    parts = [(mask == label).astype(np.uint8) for label in labels]
    return sum(cv2.connectedComponents(part, connectivity=8)[0] - 1 for part in parts)


def _touching(instances: NDArray[np.int32]) -> int:
    """How many lie in a connected component (8 neighbours) with another."""
    inside = instances > 0
    _, parts = cv2.connectedComponents(inside.astype(np.uint8), connectivity=8)
    pairs = np.unique(parts[inside].astype(np.int64) << 32 | instances[inside])
    _, together = np.unique(pairs >> 32, return_counts=True)
    return int(together[together > 1].sum())


def _mask_values(reader: Reader, record: Record) -> str:
    """The values as stored, ``0 255``: colours by channel, floats rounded to 4 digits."""
    found: set[float] = set()
    for name in record.masks[:_MASK_FILES]:
        if not is_image(file_of(name)):
            return ""
        data, where = reader.source.read(name), reader.source.where(name)
        pixels = decode(data, where, indexed=True, planes=reader.planes)
        small = pixels.dtype == np.uint8
        values = np.flatnonzero(np.bincount(pixels.ravel())) if small else np.unique(pixels)
        found.update(float(value) for value in values)
    shown = [f"{value:.4g}" for value in sorted(found)[:12]]
    return " ".join(shown) + (" …" if len(found) > 12 else "")
