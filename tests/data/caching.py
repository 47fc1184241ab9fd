"""A reader's cache, built as most of its tests build it."""

from collections.abc import Sequence
from pathlib import Path

from segkit.core.contracts import Record
from segkit.data.cache import Cache, open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.base import Reader

SPEC = CacheSpec((48, 40), 3)


def build(
    reader: Reader, folder: Path, spec: CacheSpec = SPEC, records: Sequence[Record] | None = None
) -> Cache:
    wanted = reader.listing().records if records is None else records
    return open_cache(reader, wanted, spec=spec, folder=folder, name="set", threads=2)
