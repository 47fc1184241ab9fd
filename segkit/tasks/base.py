"""What a task is: its name, its words and its parts. A new one is a folder and a YAML file.

Training, evaluation, prediction, export and comparison ask the task; what a network's outputs
mean, and which scores there are, only its folder knows. Nothing here imports torch: a mistake in
the configuration is found before it loads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from segkit.core.contracts import TruthKind
    from segkit.drawing.panel import Painter
    from segkit.tasks.parts import Decoder, Description, Objective, Scorer
    from segkit.tasks.words import Words


class Task(ABC):
    """What is learnt from which data, and how it is judged.

    Attributes:
        name: of its folder, and of its YAML file.
        headline: the scores that runs are known and compared by, the leading one first; of each,
            higher is better.
        monitors: what a validation is scored by, and training may go by; of one without
            foreground they say nothing.
        falling: where lower is better, and foreground is not needed.
        fallback: of these, what training goes by where validation has no foreground.
        tested: what loggers are given of the test that ends a training.
        keys: of its decoder's settings, which evaluate and predict may override.
        labels: whether the ground truth is to tell objects apart.
        auto: of ``keys``, those whose values are found on the validation split when training ends.
        judges: names of other tasks, whose answers its scores can be of, and of the file in its
            folder that makes a task of them.
        classes: names, background first.
    """

    name: ClassVar[str]
    headline: ClassVar[tuple[str, ...]]
    monitors: ClassVar[tuple[str, ...]]
    falling: ClassVar[tuple[str, ...]] = ("loss",)
    fallback: ClassVar[str] = "loss"
    tested: ClassVar[tuple[str, ...]]
    keys: ClassVar[tuple[str, ...]]
    words: ClassVar[Words]
    labels: ClassVar[bool] = False
    auto: tuple[str, ...] = ()
    judges: ClassVar[Mapping[str, str]] = {}
    classes: tuple[str, ...]

    @property
    @abstractmethod
    def objective(self) -> Objective:
        """What the network is to give."""

    @property
    @abstractmethod
    def decoder(self) -> Decoder:
        """From outputs to answers."""

    @property
    @abstractmethod
    def scorer(self) -> Scorer:
        """From answers to scores."""

    @property
    @abstractmethod
    def painter(self) -> Painter:
        """From answers to pictures."""

    @classmethod
    @abstractmethod
    def truth(cls) -> TruthKind:
        """What is asked of the ground truth."""

    @classmethod
    @abstractmethod
    def check(cls, config: Mapping[str, Any]) -> None:
        """Refuse values of the task's own keys that cannot work, whatever the classes.

        Raises:
            SegkitError: with the key and what it may be.
        """

    @classmethod
    @abstractmethod
    def of(cls, config: Mapping[str, Any], classes: Sequence[str]) -> Self:
        """The task as configured.

        Raises:
            SegkitError: values that do not fit the classes.
        """

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Of the decoder, by key; None where one has no meaning for these classes."""

    @abstractmethod
    def with_settings(self, settings: Mapping[str, Any], *, auto: bool = False) -> Self:
        """The same task with other settings; None leaves one as it is.

        Args:
            settings: by key.
            auto: whether the caller finds what is ``auto``, and then sets it.

        Raises:
            SegkitError: a value that is not possible, or has no meaning for these classes.
        """

    @classmethod
    def merged(cls, settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """One of several that were found, for networks whose maps are averaged.

        Args:
            settings: found of each network, by the same keys; those of ``auto`` alone.
        """
        return dict(settings[0])

    @abstractmethod
    def described_by(self) -> list[str]:
        """The columns of :meth:`describe`."""

    @abstractmethod
    def describe(self) -> Description:
        """What to say of one image's answer."""
