"""The files that a cache was built of: whether they hold what they held then.

At each start their stamps are compared, for which nothing is read: of thirty thousand files that
is quick on a cold disk, too. Where a stamp has changed the content decides, so that data which
were touched, copied back or unpacked again are not decoded again.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.core.files import write_text
from segkit.core.terminal import progress
from segkit.data.readers.base import Reader
from segkit.data.source import Source

_NAME = "files.json"


def file_names(reader: Reader, records: Sequence[Record]) -> list[str]:
    """Those that the records' pixels come from, each once."""
    return sorted({name for record in records for name in reader.files(record)})


def write_files(folder: Path, stamps: Mapping[str, str], checksums: Mapping[str, str]) -> None:
    """Write down what a cache is built of.

    Args:
        folder: of the cache.
        stamps: by file, as they were before any was decoded.
        checksums: by file; a file without one counts as another as soon as its stamp changes.
    """
    rows = {name: [stamp, checksums.get(name, "")] for name, stamp in stamps.items()}
    write_text(folder / _NAME, json.dumps(rows))


def same_files(folder: Path, source: Source, names: Sequence[str], threads: int) -> bool:
    """Whether all files hold what they held when a cache was built of them.

    Args:
        folder: of the cache; it is told the new stamps of files that hold the same.
        source: of the files.
        names: of the files now.
        threads: that read files.

    Raises:
        OSError, ValueError: what was written down is missing or damaged.
    """
    before: dict[str, list[str]] = json.loads((folder / _NAME).read_text(encoding="utf-8"))
    if before.keys() != set(names):
        return False
    stamps = {name: source.stamp(name) for name in names}
    touched = [name for name in names if stamps[name] != before[name][0]]
    if not touched:
        return True
    if not _hold_the_same(source, {name: before[name][1] for name in touched}, threads):
        return False
    with suppress(SegkitError):  # on a full disk they are read again next time
        write_files(folder, stamps, {name: checksum for name, (_, checksum) in before.items()})
    return True


def _hold_the_same(source: Source, checksums: Mapping[str, str], threads: int) -> bool:
    if not all(checksums.values()):
        return False
    title = "reading files that were touched or copied"
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn())
    said = f"{title} ({len(checksums)} files)"
    with ThreadPoolExecutor(threads) as pool, progress(said, *columns) as bar:
        found = pool.map(source.checksum, checksums)
        for now, before in zip(bar.track(found, len(checksums)), checksums.values(), strict=True):
            if now != before:
                pool.shutdown(wait=False, cancel_futures=True)
                return False
    return True
