"""How far a part of the benchmark is, and what it has found so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from segkit.benchmarks.timing import Figure, seconds
from segkit.core.terminal import progress, show_line


class Rounds:
    """A bar over the turns of rivals, a line a round, and the figures of all whole rounds.

    Args:
        part: of the benchmark.
        keep: is called with all figures of the part whenever there are new ones.
    """

    def __init__(self, part: str, keep: Callable[[list[Figure]], None]) -> None:
        self.part = part
        self.figures: list[Figure] = []
        self._keep = keep
        self._settled = 0  # figures of what was measured before
        self._name, self._begun = "", 0.0
        self._took: dict[str, float] = {}

    @contextmanager
    def over(self, names: Sequence[str], rounds: int) -> Iterator[None]:
        """Draw the bar while every name has its turn in each round.

        Args:
            names: in the order of their turns.
            rounds: with the first, where it is not counted.
        """
        self._names, self._rounds, self._done = tuple(names), rounds, 0
        self._settled, self._took, self._shown = len(self.figures), {}, list[str]()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        with progress(f"measuring {self.part}", *columns) as self._bar:
            total = len(self._names) * rounds
            self._task = self._bar.add_task(f"measuring {self.part}", total=total, left="")
            yield

    def begin(self, name: str) -> None:
        """One has its turn."""
        self._name, self._begun = name, time.monotonic()
        self._bar.update(self._task, description=f"{self.part}: {name}")

    def end(self, shown: str = "") -> None:
        """Its turn is over.

        Args:
            shown: what was found, in words; the seconds that it took where empty.
        """
        took = self._took[self._name] = time.monotonic() - self._begun
        self._shown.append(f"{self._name} {shown or f'{took:.3g} s'}")
        self._done += 1
        left = self._left()
        self._bar.update(self._task, advance=1, left=left)
        number, within = divmod(self._done, len(self._names))
        if not within and self._rounds > 1:
            which = f"round {number - 1} of {self._rounds - 1}" if number > 1 else "warm-up"
            told = ", ".join(self._shown) + (f"; {left}" if left else "")
            show_line(self._bar.console, f"{self.part}, {which}: {told}")
            self._shown = []

    def found(self, figures: Sequence[Figure]) -> None:
        """Keep what has been found since the bar began, in place of what was kept of it before."""
        self.figures = [*self.figures[: self._settled], *figures]
        self._keep(self.figures)

    def _left(self) -> str:
        """How long the turns left will take, each as long as its last or as the others."""
        mean = sum(self._took.values()) / len(self._took)
        total, count = self._rounds * len(self._names), len(self._names)
        turns = (self._names[i % count] for i in range(self._done, total))
        left = sum(self._took.get(name, mean) for name in turns)
        if not left:
            return ""
        return f"about {left / 60:.0f} min left" if left >= 90 else f"about {left:.0f} s left"


def interleaved(
    rivals: Mapping[str, Callable[[], object]],
    rounds: int,
    shown: Rounds,
    figures: Callable[[Mapping[str, list[float]]], list[Figure]],
) -> None:
    """Call every rival once a round, after a round that is not counted.

    Args:
        rivals: by name; what they return is dropped.
        rounds: that are counted.
        shown: draws them, and keeps the figures.
        figures: of the seconds of each rival, round by round; asked for after each round.
    """
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    with shown.over([*rivals], rounds + 1):
        for number in range(rounds + 1):
            for name, work in rivals.items():
                shown.begin(name)
                spent = seconds(work)
                shown.end()
                if number:
                    taken[name].append(spent)
            if number:
                shown.found(figures(taken))
