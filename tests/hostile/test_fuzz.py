"""Readers on whatever hypothesis thinks up: random bytes, changed files, tables and names.

The inputs are the same each time and few. For a longer search with new ones, give the minutes it
may take in all; each round has another seed, which a failure names::

    SEGKIT_FUZZ_MINUTES=5 python -m pytest -s tests/hostile/test_fuzz.py

With ``-s`` each test says how many inputs it tried.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segkit.core.limits import limit_images
from tests.hostile.archives import npy_bytes
from tests.hostile.cases import Case, file
from tests.hostile.reading import MEGAPIXELS, attempt
from tests.hostile.samples import images, noise, npz, pillow, zipped
from tests.hostile.tables import GOOD, table

hypothesis: Any = pytest.importorskip("hypothesis")
st: Any = pytest.importorskip("hypothesis.strategies")

MINUTES = float(os.environ.get("SEGKIT_FUZZ_MINUTES", "0"))
TESTS = 6  # which share the minutes
FEW, ROUND = 50, 500
HEADS = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff\xe0",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
)
SAMPLES = images()
PICTURE = pillow(noise(20, 24), "PNG")
ZIP = zipped({"images/a.png": PICTURE, "masks/a.png": PICTURE})
NPZ = [npz(packed=packed, X=noise(2, 4, 4, 1), y=noise(2, 4, 4, 1)) for packed in (False, True)]
GOOD_ARRAY = npy_bytes(
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4, 4, 1), }", bytes(32)
)


def search(strategy: Any, make: Callable[[Any], Case]) -> None:
    """Read what a strategy gives: a few fixed inputs, or rounds of new ones while there is time."""
    limit_images(MEGAPIXELS)
    end, tried = time.monotonic() + 60 * MINUTES / TESTS, 0

    def one(value: Any) -> None:
        nonlocal tried
        tried += 1
        with tempfile.TemporaryDirectory() as folder:
            case = make(value)
            attempt(case.kind, case.write(Path(folder)))

    settings = hypothesis.settings(
        max_examples=ROUND if MINUTES else FEW,
        derandomize=not MINUTES,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    begun = False
    while not begun or time.monotonic() < end:
        begun = True
        seed = random.SystemRandom().getrandbits(32)
        test = settings(hypothesis.given(strategy)(one))
        (hypothesis.seed(seed)(test) if MINUTES else test)()
    print(f"{tried} inputs")
    assert tried >= FEW // 2


def changes(longest: int) -> Any:
    """Places and what is put there, in place of what was there or before it, or nothing."""
    words = st.one_of(
        st.binary(max_size=8),
        st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]),
    )
    return st.lists(
        st.tuples(st.integers(0, longest), words, st.booleans()), min_size=1, max_size=6
    )


def changed(data: bytes, several: list[tuple[int, bytes, bool]]) -> bytes:
    """The file with those changes; those behind its end cut it off."""
    for place, word, inserted in several:
        at = place % (2 * len(data) + 1)
        if at > len(data):
            data = data[: at - len(data)]
        else:
            data = data[:at] + word + data[at + (0 if inserted else len(word)) :]
    return data


def test_random_bytes() -> None:
    several = st.tuples(st.sampled_from((b"", *HEADS)), st.binary(max_size=400))
    search(several, lambda parts: file("random", "image", b"".join(parts)))


def test_changed_pictures() -> None:
    def make(value: Any) -> Case:
        name, several = value
        return file("changed", "image", changed(SAMPLES[name], several), name)

    search(st.tuples(st.sampled_from(sorted(SAMPLES)), changes(600)), make)


def test_changed_archives() -> None:
    def make(value: Any) -> Case:
        which, several = value
        if which == 2:
            return file("changed", "zip", changed(ZIP, several), "a.zip")
        return file("changed", "npz", changed(NPZ[which], several), "train.npz")

    search(st.tuples(st.integers(0, 2), changes(800)), make)


def test_array_headers() -> None:
    numbers = st.one_of(st.integers(-9, 9), st.integers())
    types = st.one_of(
        st.sampled_from(["|u1", "<f4", ">i8", "|O", "<U4", "|V0", "<M8[s]"]), st.text(max_size=5)
    )
    headers = st.fixed_dictionaries(
        {
            "descr": types,
            "fortran_order": st.booleans(),
            "shape": st.lists(numbers, max_size=5).map(tuple),
        }
    )
    texts = st.one_of(headers.map(repr), st.text(max_size=80))

    def make(value: tuple[str, bytes]) -> Case:
        array = npy_bytes(value[0].encode("utf-8", "replace"), value[1])
        return file("header", "npz", zipped({"X.npy": array, "y.npy": GOOD_ARRAY}, 0), "train.npz")

    search(st.tuples(texts, st.binary(max_size=64)), make)


def test_tables() -> None:
    cells = st.one_of(
        st.sampled_from(
            ["image", "mask", "id", "group", "split", "images/a.png", "masks/a.png", "", "."]
        ),
        st.text(max_size=12),
    )
    rows = st.lists(st.lists(cells, max_size=5).map(",".join), max_size=5).map("\n".join)
    good = st.tuples(st.just("image,mask,id\n"), rows).map("".join)
    texts = st.one_of(good, rows).map(lambda text: text.encode("utf-8", "replace"))
    spoilt = changes(120).map(lambda several: changed(GOOD.encode(), several))
    search(st.one_of(texts, spoilt), lambda data: table("table", data))


def _writable(name: str) -> bool:
    """zipfile writes a name as far as its first zero byte, and stumbles over none at all."""
    return bool(name.split("\0", maxsplit=1)[0])


def test_names_in_archives() -> None:
    plain = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
    parts = st.lists(
        st.one_of(st.sampled_from(["images", "masks", "..", ".", "", "train", "a.png"]), plain),
        max_size=5,
    )
    names = st.lists(parts.map("/".join).filter(_writable), max_size=4, unique=True)

    def make(given: list[str]) -> Case:
        return file("names", "zip", zipped(dict.fromkeys((*given, "x.txt"), PICTURE)), "a.zip")

    search(names, make)
