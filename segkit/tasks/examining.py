"""What looks on while records are scored, and what comes of it. None of this imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from segkit.tasks.tally import Counted


class Watcher(Protocol):
    """Sees every image as it is scored, and keeps what little it needs of it."""

    def watch(
        self, index: int, outputs_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        """Take one image in, or the next part of one: a large image comes in bands of rows.

        Args:
            index: position of its record; the parts of an image follow each other.
            outputs_KHW: (K, H, W) floating, at the size that is scored.
            prediction_HW: (H, W), the answer.
            truth_HW: (H, W), the ground truth.
        """


class Fitting(Watcher, Protocol):
    """Finds the decoder's settings that serve the scores best."""

    def best(self, units: UnitsOf) -> tuple[dict[str, float], str]:
        """Settings, and in words how they score; every process must call it.

        Raises:
            SegkitError: there is nothing to find in what was seen.
        """


class UnitsOf(Protocol):
    """What records are scored in: each image, or each group."""

    def __call__(self, indices: Sequence[int], /) -> list[str]:
        """The unit of each position."""


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """The tables of an evaluation, and what draws its plots.

    Attributes:
        columns: of ``evaluation.csv``.
        rows: one a class, ``all`` last.
        image_columns: of ``evaluation_per_image.csv``.
        extras: columns that only an evaluation has, by position of the record and by class.
        certain: whether the leading score has an interval.
        plots: writes them into a folder, under a title.
        tables: further ones beside these, by the name of the file: columns, and rows by position of
            the record. They have the record's ``id`` first.
    """

    columns: Sequence[str]
    rows: list[dict[str, object]]
    image_columns: Sequence[str]
    extras: Mapping[int, Mapping[str, dict[str, object]]]
    certain: bool
    plots: Plots
    tables: Mapping[str, tuple[Sequence[str], Mapping[int, list[dict[str, object]]]]] = field(
        default_factory=dict
    )


class Plots(Protocol):
    """Draws."""

    def __call__(self, folder: Path, title: str, /) -> None:
        """Write PNG files into ``folder``."""


class Examination(Protocol):
    """What an evaluation looks at beyond the counts.

    Attributes:
        watchers: are shown all that is scored.
    """

    watchers: Sequence[Watcher]

    def finish(
        self,
        counted: Counted,
        units: Sequence[str],
        groups: Sequence[str],
        *,
        columns: Mapping[str, object],
        seed: int,
    ) -> Examined:
        """What came of it; every process must call it.

        Args:
            counted: of the split.
            units: what each record is scored in.
            groups: of each record: what is resampled for intervals.
            columns: that every row has, by name.
            seed: of the resamples.
        """
