"""Records decoded in threads, in order, and no more of them at a time than memory holds."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from segkit.audit.measure import measure_all
from segkit.core import limits, memory
from segkit.core.contracts import Record, Sample
from segkit.core.errors import SegkitError
from segkit.data.cache import open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.parallel import Load, map_records
from segkit.data.readers.folder import Folder

SIDE = 256
NEED = 14 * SIDE * SIDE  # of one image of 8 bits


@pytest.fixture
def reader(tmp_path: Path) -> Folder:
    """Twelve images, a small one first and the largest in the middle."""
    draw = np.random.default_rng(0)
    for number in range(12):
        side = {0: 16, 6: 2 * SIDE}.get(number, SIDE)
        for kind, top in {"images": 256, "masks": 2}.items():
            path = tmp_path / "own" / kind / f"{number:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), draw.integers(0, top, (side, side), dtype=np.uint8))
    return Folder(tmp_path / "own", classes=["background", "cell"])


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory for the largest image, or for five others: what a piece may take is 0.7 of it."""
    monkeypatch.setattr(memory, "_LITTLE", 2**10)
    monkeypatch.setattr(memory, "available", lambda: int(5.5 * NEED))


class Watched:
    """Work that sees what others are at it."""

    def __init__(self) -> None:
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def __call__(self, record: Record, load: Load) -> tuple[str, Sample]:
        sample = load()
        pixels = sample.image.size
        with self.lock:
            self.now += pixels
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self.lock:
            self.now -= pixels
        return record.id, sample


def ids(reader: Folder, work: Watched, threads: int = 8) -> list[str]:
    records = reader.listing().records
    found = []
    for record, job in map_records(reader, records, work, threads=threads, title="testing"):
        name, sample = job.result()
        assert name == record.id
        assert sample.image.shape[0] in (16, SIDE, 2 * SIDE)
        found.append(name)
    return found


@pytest.mark.usefixtures("little")
def test_what_is_decoded_at_a_time_is_what_memory_holds(reader: Folder) -> None:
    work = Watched()
    assert ids(reader, work) == [f"{number:02d}" for number in range(12)]
    # The largest takes the place of four others, and 0.7 of memory is that of 3.85.
    assert work.most <= 4 * SIDE * SIDE


def test_with_memory_enough_all_threads_work(reader: Folder) -> None:
    started = threading.Barrier(8, timeout=20)

    def work(record: Record, load: Load) -> str:
        if record.id != "00" and int(record.id) < 9:
            started.wait()
        load()
        return record.id

    jobs = map_records(reader, reader.listing().records, work, threads=9, title="testing")
    assert [job.result() for _, job in jobs][-1] == "11"


def test_an_image_that_memory_does_not_hold_is_told_not_tried(
    reader: Folder, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_LITTLE", 2**10)
    monkeypatch.setattr(memory, "available", lambda: 2 * NEED)
    records = reader.listing().records
    cache = open_cache(
        reader, records, spec=CacheSpec(None, 3), folder=cache_dir, name="few", threads=4
    )
    (problem,) = cache.problems
    assert "06.png" in problem.where
    assert "decoding an image of 512×512 pixels needs about" in problem.what
    assert len(cache.entries) == 11
    facts, unreadable = measure_all(reader, records, threads=4)
    assert len(facts) == 11
    assert [one.record.id for one in unreadable] == ["06"]


def test_sixteen_bits_take_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_LITTLE", 2**10)
    monkeypatch.setattr(memory, "available", lambda: 2 * NEED)
    limits.check_memory(SIDE, SIDE, "a.png", deep=False)
    with pytest.raises(SegkitError, match="needs about"):
        limits.check_memory(SIDE, SIDE, "a.png", deep=True)


@pytest.mark.usefixtures("little")
def test_an_error_ends_a_turn_too(reader: Folder) -> None:
    def work(record: Record, load: Load) -> str:
        load()
        raise SegkitError("no", where=record.id, remedy="none")

    jobs = map_records(reader, reader.listing().records, work, threads=4, title="testing")
    assert [type(job.exception()) for _, job in jobs] == [SegkitError] * 12


@pytest.mark.usefixtures("little")
def test_whoever_stops_taking_results_is_not_kept_waiting(reader: Folder) -> None:
    """A full disk, or Ctrl-C: who waits for memory gives up, and what is queued is dropped."""
    begun = []

    def work(record: Record, load: Load) -> None:
        begun.append(record.id)
        load()

    def take_one() -> None:
        jobs = map_records(reader, reader.listing().records * 9, work, threads=3, title="testing")
        with contextlib.closing(jobs):  # type: ignore[type-var]  # a generator
            for number, _ in enumerate(jobs):
                if number == 6:  # the largest, which others wait for
                    raise OSError("no space left")

    thread = threading.Thread(target=lambda: suppressed(take_one), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert len(begun) < 9 * 12


def suppressed(call: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):
        call()
