"""A reader's cache, built as most of its tests build it; and a reader that counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from segkit.core.contracts import Listing, Record, Sample
from segkit.data.cache import Cache, open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.base import Reader

SPEC = CacheSpec((48, 40), 3)


def build(
    reader: Reader, folder: Path, spec: CacheSpec = SPEC, records: Sequence[Record] | None = None
) -> Cache:
    wanted = reader.listing().records if records is None else records
    return open_cache(reader, wanted, spec=spec, folder=folder, name="set", threads=2)


class InMemory(Reader):
    """Records of one image each, given as arrays; counts how often it reads."""

    layout = "in memory"

    def __init__(self, root: Path, samples: Mapping[str, Sample], *, classes: int = 2) -> None:
        super().__init__(root, classes=[str(number) for number in range(classes)])
        self.samples = dict(samples)
        self.reads = 0
        for name in samples:
            (root / name).touch()

    def scan(self) -> Listing:
        return Listing([Record(n, n, n, (n,)) for n in self.source.names()], [])

    def read(self, record: Record) -> Sample:
        self.reads += 1
        return self.samples[record.id]


def samples(count: int = 3, *, classes: int = 2, size: int = 32) -> dict[str, Sample]:
    rng = np.random.default_rng(0)
    return {
        f"r{number}": Sample(
            rng.integers(0, 256, (size + number, size, 3)).astype(np.uint8),
            rng.integers(0, classes, (size + number, size)).astype(np.uint8),
        )
        for number in range(count)
    }
