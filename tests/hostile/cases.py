"""What a hostile input is: a name, a kind, and a function that writes it into a folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Case:
    """One input.

    Attributes:
        name: tells it from the others; the same for the same seed.
        kind: how it is read, see :mod:`tests.hostile.reading`.
        write: makes it in an empty folder and gives what is to be opened.
    """

    name: str
    kind: str
    write: Callable[[Path], Path]


def file(name: str, kind: str, data: bytes, called: str = "a.png") -> Case:
    """A single file of these bytes."""

    def write(folder: Path) -> Path:
        (folder / called).write_bytes(data)
        return folder / called

    return Case(name, kind, write)


def cuts(data: bytes, count: int) -> Iterator[tuple[str, bytes]]:
    """The file cut off at ``count`` places, the first and last bytes among them."""
    near = {1, 2, 4, 8, 16, len(data) - 1, len(data) - 2}
    spread = np.linspace(0, len(data) - 1, max(count - len(near), 1)).astype(int).tolist()
    places = [*sorted(near), *spread]
    for place in places[:count]:
        yield f"cut at {place}", data[:place]


def flips(data: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """The file with up to eight bits or bytes changed; headers, which matter most, more often."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        spoilt = bytearray(data)
        reach = min(len(data), (64, 400, len(data))[number % 3])
        for place in rng.integers(0, reach, rng.integers(1, 9)):
            whole = (0x00, 0xFF, 0x7F, 0x80, int(rng.integers(256)))[rng.integers(5)]
            spoilt[place] = whole if number % 2 else spoilt[place] ^ (1 << int(rng.integers(8)))
        yield f"flip {seed}.{number}", bytes(spoilt)


def spoilt(name: str, data: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """``count`` damaged forms of a file: a third cut off, the others with changed bytes."""
    for what, damaged in (*cuts(data, count // 3), *flips(data, count - count // 3, seed)):
        yield f"{name}, {what}", damaged
