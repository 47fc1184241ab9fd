"""The parts that a task is made of, as everything else calls them.

Nothing here imports torch: a mistake in the configuration is found before it loads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from segkit.core.contracts import Batch
    from segkit.tasks.examining import Examination, Fitting, Watcher

    Counts = NDArray[np.int64]
    Values = NDArray[np.float64]
    Maps = NDArray[np.float32]
    Answer = NDArray[Any]  # of an integer type, 0 is background

# By class, "all" last, then by name; NaN means undefined.
Scores = dict[str, dict[str, float]]
Row = dict[str, object]


class Objective(Protocol):
    """What the network is to give.

    Attributes:
        core_outputs: K of the network itself.
        outputs: K of what is made of it.
        reduce: makes that, of (B, K, H, W); None where both are the same.
    """

    core_outputs: int
    outputs: int
    reduce: Callable[[Tensor], Tensor] | None

    def target(self, batch: Batch) -> Tensor:
        """What the loss compares (B, K, H, W) outputs with, from a batch after augmentation."""

    def example(self, shape_BHW: tuple[int, ...], device: Any = None) -> Tensor:
        """A target of this shape, to try a step with."""


class Decoder(Protocol):
    """From a network's outputs to an answer.

    Attributes:
        planes: what each plane of :meth:`maps` is the probability of.
        activation: that makes maps of outputs, in a word.
    """

    planes: tuple[str, ...]
    activation: str

    def mean(self, outputs: Sequence[Tensor]) -> Tensor:
        """The outputs (B, K, H, W) whose maps are the mean of theirs; a single one as it is."""

    def maps(self, outputs_BKHW: Tensor) -> Tensor:
        """What the outputs say, (B, K, H, W) float32, 0…1."""

    def decode(self, outputs_BKHW: Tensor) -> Tensor:
        """The answers, (B, H, W) of an integer type, 0 is background."""

    def answers(self, bands: Iterable[Maps], *, maps: bool) -> Iterator[tuple[Maps | None, Answer]]:
        """Maps (K, h, W), if asked for, and answers (h, W), from the top down.

        They may come later than their outputs, and in other bands: an object may reach beyond one.

        Args:
            bands: outputs (K, h, W).
            maps: whether they are asked for.
        """

    def decode_maps(self, maps_BKHW: NDArray[np.float32]) -> NDArray[Any]:
        """The same of :meth:`maps`, for graphs that end in them."""


class Scorer(Protocol):
    """Integer counts by record, which add up, and the scores made of them.

    Attributes:
        image_columns: of ``evaluation_per_image.csv``.
    """

    image_columns: Sequence[str]

    def none(self) -> Counts:
        """The counts of no record: (0, …)."""

    def count(
        self, outputs_BKHW: Tensor, batch: Batch, watchers: Iterable[Watcher] = (), *, large: int
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Hold a batch's answers against its ground truth, at its own size where it has that.

        Args:
            outputs_BKHW: of the network.
            batch: with the ground truth.
            watchers: are shown every image.
            large: pixels above which outputs are brought to an image's size part by part.

        Returns:
            Counts (B, …) int64, and the answers, (H, W) each.
        """

    def count_parts(
        self, index: int, parts: Iterable[tuple[Tensor, Tensor]], watchers: Iterable[Watcher]
    ) -> tuple[Tensor, Tensor]:
        """The same of one image that comes in bands: outputs (K, h, W) and ground truth (h, W)."""

    def scores(self, counts: Counts, units: Sequence[str]) -> Scores:
        """Scores of a split, the same to the last bit in whatever order its records come."""

    def each(self, counts: Counts, score: str) -> Values:
        """(N,) one of the task's :attr:`Task.headline` of each entry of (N, …) counts."""

    def by_class(self, counts: Counts, score: str) -> Values:
        """(N, K) the same of each foreground class; NaN where it is undefined."""

    def scalars(self, scores: Scores) -> dict[str, float]:
        """What loggers are given of a validation, by name; values that are not finite are out."""

    def ranked(self, counts: Counts) -> list[int]:
        """Places of those entries that have a score, the worst first."""

    def collapsed(self, counts: Counts) -> str:
        """Where a network answers the same everywhere: what, and what may help; or nothing."""

    def image_cells(self, counts: Counts) -> list[dict[str, Row]]:
        """What ``evaluation_per_image.csv`` says of each image, by foreground class."""

    def counts_of(self, rows: Sequence[Mapping[str, str]]) -> tuple[tuple[str, ...], Counts]:
        """From the rows of that table: the classes, and counts for :meth:`each`."""

    def fitting(self) -> Fitting:
        """Finds the decoder's settings on what it is shown."""

    def examination(self, *, surface_tolerance: float | None) -> Examination:
        """Of an evaluation; surfaces are measured where there is a tolerance, in pixels."""


class Description(Protocol):
    """What predict says of one image, which may come in bands."""

    def add(self, answer: Answer) -> None:
        """Take the next rows, (h, W)."""

    def facts(self) -> Row:
        """By column."""
