"""The semantic task: its keys, its settings, and where its parts are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from segkit.config.sizes import AUTO
from segkit.core.errors import SegkitError
from segkit.core.values import PROBABILITY, SWITCH, check, choice, number
from segkit.tasks.base import Task
from segkit.tasks.semantic.words import SemanticWords

if TYPE_CHECKING:
    from segkit.core.contracts import TruthKind
    from segkit.tasks.semantic.decoder import SemanticDecoder
    from segkit.tasks.semantic.description import SemanticDescription
    from segkit.tasks.semantic.objective import SemanticObjective
    from segkit.tasks.semantic.painter import SemanticPainter
    from segkit.tasks.semantic.scorer import SemanticScorer

_GIVEN, _ASKED = number(0, 1, also=(None,)), number(0, 1, also=(AUTO, None))


class SemanticTask(Task):
    """A class for every pixel: one of several, or foreground and background.

    Args:
        classes: names, background first.
        threshold: on the foreground's probability, 0…1; of more classes the likeliest wins.
        two_logits: whether a binary network has a logit for the background, too.

    Raises:
        SegkitError: two logits for more than one class and its background.
    """

    name = "semantic"
    headline = ("dice", "iou")
    monitors = ("dice", "dice_pooled", "iou", "precision", "recall", "specificity", "accuracy")
    # Accuracy means nothing without its baseline.
    tested = ("dice", "iou", "accuracy", "accuracy_all_background")
    keys = ("threshold",)
    words = SemanticWords()

    def __init__(
        self, classes: Sequence[str], *, threshold: float = 0.5, two_logits: bool = False
    ) -> None:
        self.classes = tuple(classes)
        self.threshold = threshold
        self.two_logits = two_logits
        if two_logits and not self.binary:
            raise SegkitError(
                f"{len(classes)} classes have a logit each as it is",
                where="two_logits=true",
                remedy="leave it out: it is for one class and its background",
            )

    @property
    def binary(self) -> bool:
        """Whether there is one class and its background."""
        return len(self.classes) == 2

    @classmethod
    def check(cls, config: Mapping[str, Any]) -> None:
        """Refuse values of ``monitor``, ``threshold`` and ``two_logits``."""
        # A training loss falls for ever and chooses nothing.
        monitor = choice("val/loss", *(f"val/{name}" for name in cls.monitors))
        check(config, {"monitor": monitor, "threshold": PROBABILITY, "two_logits": SWITCH})

    @classmethod
    def truth(cls) -> TruthKind:
        """Class indices, which the loss compares with as they are."""
        from segkit.core.contracts import CLASSES

        return CLASSES

    @classmethod
    def of(cls, config: Mapping[str, Any], classes: Sequence[str]) -> SemanticTask:
        """As configured; runs of earlier versions lack ``two_logits``."""
        PROBABILITY.check("threshold", config.get("threshold"))
        threshold = float(config["threshold"])
        return cls(classes, threshold=threshold, two_logits=bool(config.get("two_logits", False)))

    @property
    def settings(self) -> dict[str, Any]:
        """The threshold; None where the likeliest of several classes wins."""
        return {"threshold": self.threshold if self.binary else None}

    def with_settings(self, settings: Mapping[str, Any], *, auto: bool = False) -> SemanticTask:
        """With another threshold."""
        given = settings.get("threshold")
        if other := sorted(settings.keys() - set(self.keys)):
            raise SegkitError(
                "a semantic task has no such setting",
                where=", ".join(other),
                remedy="its decoder has a threshold alone",
            )
        (_ASKED if auto else _GIVEN).check("threshold", given)
        if given is None:
            return self
        if not self.binary:
            raise SegkitError(
                f"of {len(self.classes)} classes the likeliest wins; a threshold has no meaning",
                where=f"threshold={given}",
                remedy="leave threshold out",
            )
        if given == AUTO:
            return self
        threshold = float(given)
        return SemanticTask(self.classes, threshold=threshold, two_logits=self.two_logits)

    @cached_property
    def objective(self) -> SemanticObjective:
        """What the network gives, and what it is compared with."""
        from segkit.tasks.semantic.objective import SemanticObjective

        return SemanticObjective(self.classes, two_logits=self.two_logits)

    @cached_property
    def decoder(self) -> SemanticDecoder:
        """From logits to classes."""
        from segkit.tasks.semantic.decoder import SemanticDecoder

        return SemanticDecoder(self.classes, self.threshold)

    @cached_property
    def scorer(self) -> SemanticScorer:
        """From classes to scores."""
        from segkit.tasks.semantic.scorer import SemanticScorer

        return SemanticScorer(self)

    @cached_property
    def painter(self) -> SemanticPainter:
        """From classes to pictures."""
        from segkit.tasks.semantic.painter import SemanticPainter

        return SemanticPainter(self.classes)

    def described_by(self) -> list[str]:
        """Pixels, their share of the image, and connected components of each class."""
        parts = ("pixels", "share", "components")
        return [f"{name}_{what}" for name in self.classes[1:] for what in parts]

    def describe(self) -> SemanticDescription:
        """Counts them."""
        from segkit.tasks.semantic.description import SemanticDescription

        return SemanticDescription(self.classes)


TASK = SemanticTask
