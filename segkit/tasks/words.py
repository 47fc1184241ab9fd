"""How a task puts its scores into words."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Words(ABC):
    """The scores in words.

    Attributes:
        title: of scores that are called otherwise in a table than in a file.
        meaning: of each column; ``{unit}`` stands for what is scored.
        leading: columns that a table of classes begins with.
        optional: columns that are left out where they are empty; elsewhere that is undefined.
        pictures: that an evaluation draws, with their captions.
        leading_name: of the leading score, in a sentence.
        further: what else evaluate finds of a run, and what asks for it.
        top: of the pictures, those that a report begins with.
        plots_title: of the pictures that are neither these nor images.
        shortlist: columns that evaluate prints, in groups; without them, all.
    """

    title: ClassVar[Mapping[str, str]]
    meaning: ClassVar[Mapping[str, str]]
    leading: ClassVar[Sequence[str]]
    optional: ClassVar[Sequence[str]]
    pictures: ClassVar[Mapping[str, str]]
    leading_name: ClassVar[str]
    further: ClassVar[tuple[str, Sequence[str]]]
    top: ClassVar[Sequence[str]] = ()
    plots_title: ClassVar[str]
    shortlist: ClassVar[Sequence[Sequence[str]]] = ()

    def caption(self, value: float | None) -> str:
        """The leading score to three places; NaN is undefined, None unknown."""
        if value is None:
            return ""
        return f"{self.leading_name} {'undefined' if math.isnan(value) else f'{value:.3f}'}"

    @abstractmethod
    def facts(self, test: Mapping[str, Any], unit: str) -> list[tuple[str, object, str]]:
        """The figures that a run is known by: title, value, and how to read it."""

    @abstractmethod
    def summary_line(self, test: Mapping[str, Any]) -> str:
        """The test of a training in a line."""
