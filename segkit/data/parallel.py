"""Records decoded in threads, handed over in order, and no more at a time than memory holds."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from segkit.core import memory
from segkit.core.contracts import Record, Sample
from segkit.core.terminal import progress
from segkit.data.readers.base import Reader

T = TypeVar("T")
Load = Callable[[], Sample]


def map_records(
    reader: Reader,
    records: Sequence[Record],
    work: Callable[[Record, Load], T],
    *,
    threads: int,
    title: str,
) -> Iterator[tuple[Record, "Future[T]"]]:
    """Do something with each record in threads: decoders release the interpreter lock.

    At most four records a thread are begun before the first of them has been taken; of images
    that are large for the memory fewer are decoded at a time, at least one.

    Args:
        reader: of the records.
        records: in the order in which they are given back.
        work: takes a record and what decodes it.
        threads: that work.
        title: of the progress bar.
    """
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    said = f"{title} ({len(records)} records)"
    waiting: deque[tuple[int, Record, Future[T]]] = deque()
    queue = memory.MemoryQueue()

    def one(number: int, record: Record, load: Load) -> T:
        with queue.turn(number):
            return work(record, load)

    with ThreadPoolExecutor(threads) as pool, progress(said, *columns) as bar:
        task = bar.add_task("", total=len(records))

        def first() -> Iterator[tuple[Record, Future[T]]]:
            number, record, job = waiting.popleft()
            yield record, job
            queue.end(number)
            bar.advance(task)

        loaders = zip(records, reader.loaders(records), strict=True)
        try:
            for number, (record, load) in enumerate(loaders):
                queue.begin(number)
                # In this context, whose bound on images it keeps to.
                job = pool.submit(copy_context().run, one, number, record, load)
                waiting.append((number, record, job))
                if len(waiting) >= 4 * threads:
                    yield from first()
            while waiting:
                yield from first()
        finally:
            # Whoever takes the results may stop: a full disk, Ctrl-C.
            queue.close()
            pool.shutdown(wait=False, cancel_futures=True)
