"""Opens an input as its kind is opened by segkit, and says what came of it."""

import contextlib
import json
import logging
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from segkit.core.errors import SegkitError
from segkit.core.limits import limit_images, most_bytes, most_pixels
from segkit.core.planes import PLAIN, Planes
from segkit.data.archives import open_source
from segkit.data.cache_build import CacheSpec, prepare
from segkit.data.readers.deepcell import DeepCell
from segkit.data.readers.folder import Folder
from segkit.imaging.bands import open_rows
from segkit.imaging.channels import as_rgb
from segkit.imaging.masks import automatic_classes, zero_is_light
from segkit.imaging.pixels import decode, orientation, to_uint8
from segkit.inference.cases import as_stacks
from segkit.inference.names import Input

SECONDS = 300  # small files: nothing that ends needs as long on any machine
MEGAPIXELS = 4.0
READ = "read"


class TooLongError(BaseException):
    """Not an Exception, which a reader would turn into a message of its own."""


@contextlib.contextmanager
def time_limit(seconds: float = SECONDS) -> Iterator[None]:
    """Stop what takes longer."""

    def stop(*_: object) -> None:
        raise TooLongError(f"it took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def attempt(kind: str, path: Path) -> str:
    """What came of it: ``read``, or the message. Anything but a SegkitError is raised."""
    try:
        with time_limit():
            _READERS[kind](path)
    except SegkitError as error:
        return complete(error, path.name if kind in ("image", "zip", "tar", "npz") else "")
    return READ


def complete(error: SegkitError, name: str = "") -> str:
    """The message, which has its three parts and names the file."""
    for part in (error.what, error.where, error.remedy):
        assert part.strip(), error
    assert name in error.where, error
    return str(error)


def _image(path: Path) -> None:
    data, failed = path.read_bytes(), None
    for indexed, planes in ((False, PLAIN), (True, PLAIN), (False, Planes("ZYX", "max"))):
        try:
            pixels = decode(data, str(path), indexed=indexed, planes=planes)
            assert pixels.ndim in (2, 3)
            assert 0 < pixels.shape[0] * pixels.shape[1] <= most_pixels()
            assert pixels.nbytes <= most_bytes() * 4, "a palette makes four bytes of one"
            assert 1 <= orientation(data) <= 8
            if indexed:
                with contextlib.suppress(SegkitError):  # most images are no masks
                    automatic_classes(pixels, str(path), 2, inverted=zero_is_light(data))
            else:
                image = to_uint8(pixels, str(path))
                assert image.dtype == np.uint8
                assert as_rgb(image).shape == (*pixels.shape[:2], 3)
        except SegkitError as error:
            failed = error
    _rows(path)
    if failed is not None:
        raise failed


def _rows(path: Path) -> None:
    for large in (0, 10**9):
        rows = open_rows(path, large)
        height, width = rows.size
        for top in range(0, height, 997):
            bottom = min(top + 997, height)
            assert rows.rows(top, bottom).shape[:2] == (bottom - top, width)


def _archive(path: Path) -> None:
    source = open_source(path)
    failed = None
    for name in source.names():
        assert source.stamp(name)
        assert source.checksum(name)
        try:
            assert len(source.read(name)) <= most_bytes()
        except SegkitError as error:
            failed = error
    reader = Folder(path, classes=("background", "cell"))
    for record in reader.listing().records:
        reader.read(record)
    if failed is not None:
        raise failed


def _npz(path: Path) -> None:
    reader = DeepCell(path.parent)
    found = reader.listing()
    assert found.records or found.problems
    for record in found.records[:100]:
        reader.read(record)
    for record, load in zip(found.records[:100], reader.loaders(found.records[:100]), strict=True):
        assert load().image.size, record


def _folder(path: Path) -> None:
    reader, failed = Folder(path, classes=("background", "cell")), None
    found = reader.listing()
    for record, load in zip(found.records, reader.loaders(found.records), strict=True):
        try:
            prepared = prepare(reader, record, load(), CacheSpec((16, 16), 3))
            assert prepared.image.shape == (16, 16, 3)
        except SegkitError as error:
            failed = error
    for problem in found.problems:
        assert problem.where.encode("utf-8")
        failed = SegkitError(problem.what, where=f"{path}: {problem.where}", remedy="see above")
    for name in {name for record in found.records for name in reader.files(record)}:
        assert reader.source.stamp(name)
        assert reader.source.checksum(name)
    if failed is not None:
        raise failed


def _table(path: Path) -> None:
    for place in (path.name, str(path)):
        reader = Folder(path.parent, classes=("background", "cell"), manifest=place)
        found = reader.listing()
        for record in found.records[:10]:
            reader.read(record)


def _volume(path: Path) -> None:
    """As a data set, as a file of one plane, and as predict opens it."""
    failed = None
    for read in (_folder, _predicted, _plane):
        try:
            read(path.parent.parent if read is _folder else path)
        except SegkitError as error:
            complete(error)
            failed = failed or error if read is not _plane else failed
    if failed is not None:
        raise failed


def _plane(path: Path) -> None:
    assert decode(path.read_bytes(), str(path)).ndim == 2


def _predicted(path: Path) -> None:
    rows = Input(path).open(10**6)
    for top in range(0, rows.size[0], 997):
        rows.rows(top, min(top + 997, rows.size[0]))


def _frames(path: Path) -> None:
    """DICOM of which each frame is an image."""
    (one,) = as_stacks([Input(path)], Planes(z="slices"))
    rows = one.open(10**9)
    height, width = rows.size
    for top in range(0, min(height, 9970), 997):
        bottom = min(top + 997, height)
        assert rows.rows(top, bottom).shape[:2] == (bottom - top, width)


_READERS = {
    "frames": _frames,
    "volume": _volume,
    "image": _image,
    "zip": _archive,
    "tar": _archive,
    "npz": _npz,
    "folder": _folder,
    "table": _table,
}


def main() -> None:
    """Read the inputs that a table names, below the limits; a line of JSON for each."""
    logging.disable()
    warnings.simplefilter("ignore")
    limit_images(MEGAPIXELS)
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    for name, kind, path in json.loads(sys.stdin.read()):
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        try:
            said = attempt(kind, Path(path))
        except BaseException as error:  # whatever it is, it is a finding
            said = f"CRASH {type(error).__name__}: {error}"
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        seconds = time.perf_counter() - started
        print(json.dumps([name, said, grown // 1024, seconds]), flush=True)


if __name__ == "__main__":
    main()
