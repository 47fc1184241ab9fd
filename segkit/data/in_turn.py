"""Records decoded in threads, handed over in order, and no more at a time than memory holds."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segkit import memory
from segkit.contracts import Record, Sample
from segkit.data.base import Reader

T = TypeVar("T")
Load = Callable[[], Sample]


def in_turn(
    reader: Reader,
    records: Sequence[Record],
    work: Callable[[Record, Load], T],
    *,
    threads: int,
    title: str,
    console: Console | None = None,
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
        console: that it is drawn on.
    """
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    waiting: deque[tuple[int, Record, Future[T]]] = deque()
    turns = memory.Turns()

    def one(number: int, record: Record, load: Load) -> T:
        with turns.turn(number):
            return work(record, load)

    with ThreadPoolExecutor(threads) as pool, Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(records))

        def first() -> Iterator[tuple[Record, Future[T]]]:
            number, record, job = waiting.popleft()
            yield record, job
            turns.end(number)
            progress.advance(task)

        for number, (record, load) in enumerate(zip(records, reader.loaders(records), strict=True)):
            turns.begin(number)
            waiting.append((number, record, pool.submit(one, number, record, load)))
            if len(waiting) >= 4 * threads:
                yield from first()
        while waiting:
            yield from first()
