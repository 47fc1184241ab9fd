"""The task of objects: its keys, its settings, and where its parts are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from segkit.config.sizes import AUTO
from segkit.core.errors import SegkitError
from segkit.core.values import check, choice, number, whole
from segkit.tasks.base import Task
from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.words import InstanceWords

if TYPE_CHECKING:
    from segkit.core.contracts import TruthKind
    from segkit.tasks.instance.decoder import InstanceDecoder
    from segkit.tasks.instance.description import InstanceDescription
    from segkit.tasks.instance.objective import InstanceObjective
    from segkit.tasks.instance.painter import InstancePainter
    from segkit.tasks.instance.scorer import InstanceScorer


class InstanceTask(Task):
    """Objects of one class, each told from its neighbours.

    Args:
        classes: names, background first.
        settings: of the decoder.
        fits: whether training finds others when it ends.

    Raises:
        SegkitError: more classes than background and one.
    """

    name = "instance"
    headline = ("ap50_image", "ap_image")
    learnt = 0.9  # of small objects the decoder loses some, however well their maps are learnt
    monitors = ("ap", "ap50", "ap75", "ap50_image", "ap_image", "f1_50", "pq", "aji", "dice")
    tested = ("ap50", "ap", "ap50_image", "pq", "aji", "count_error", "dice")
    keys = ("threshold", "seed_threshold", "min_area", "halo")
    words = InstanceWords()
    labels = True
    judges: ClassVar[Mapping[str, str]] = {"semantic": "components"}

    def __init__(
        self, classes: Sequence[str], settings: Settings | None = None, *, fits: bool = False
    ) -> None:
        self.classes = tuple(classes)
        self.decoding = settings or Settings()
        self._fits = fits
        if len(self.classes) != 2:
            raise SegkitError(
                f"objects of one class are found, and the data have {len(self.classes) - 1}",
                where="task=instance",
                remedy="train with task=semantic, or name one class: "
                "'dataset.classes=[background,nucleus]'",
            )

    @classmethod
    def truth(cls) -> TruthKind:
        """Labels, of which the loaders make the planes that are learnt."""
        from segkit.core.contracts import TruthKind
        from segkit.tasks.instance.targets import encode

        return TruthKind(labels=True, encode=encode)

    @classmethod
    def check(cls, config: Mapping[str, Any]) -> None:
        """Refuse values of ``monitor`` and of the decoder's keys."""
        monitor = choice("val/loss", *(f"val/{name}" for name in cls.monitors))
        check(config, {"monitor": monitor, **_rules(AUTO)})

    @classmethod
    def of(cls, config: Mapping[str, Any], classes: Sequence[str]) -> InstanceTask:
        """As configured."""
        check(config, _rules(AUTO))
        given = {key: config[key] for key in cls.keys if config.get(key) is not None}
        fits = given.get("threshold") == AUTO
        if fits:
            del given["threshold"]
        return cls(classes, Settings(**given), fits=fits)

    @property
    def fits(self) -> bool:
        """With ``threshold=auto``, the default."""
        return self._fits

    @property
    def settings(self) -> dict[str, Any]:
        """Both thresholds and the smallest area."""
        return asdict(self.decoding)

    def with_settings(self, settings: Mapping[str, Any], *, auto: bool = False) -> InstanceTask:
        """With others; ``auto`` is of all three, and written as ``threshold=auto``."""
        if other := sorted(settings.keys() - set(self.keys)):
            raise SegkitError(
                "a task of objects has no such setting",
                where=", ".join(other),
                remedy=f"its decoder has {', '.join(self.keys)}",
            )
        given = {key: value for key, value in settings.items() if value is not None}
        if auto and given.get("threshold") == AUTO:
            del given["threshold"]
        check(given, _rules())
        return InstanceTask(self.classes, replace(self.decoding, **given), fits=self._fits)

    @cached_property
    def objective(self) -> InstanceObjective:
        """The three planes."""
        from segkit.tasks.instance.objective import InstanceObjective

        return InstanceObjective()

    @cached_property
    def decoder(self) -> InstanceDecoder:
        """From planes to labels."""
        from segkit.tasks.instance.decoder import InstanceDecoder

        return InstanceDecoder(self.decoding)

    @cached_property
    def scorer(self) -> InstanceScorer:
        """From labels to scores."""
        from segkit.tasks.instance.scorer import InstanceScorer

        return InstanceScorer(self)

    @cached_property
    def painter(self) -> InstancePainter:
        """From labels to pictures."""
        from segkit.tasks.instance.painter import InstancePainter

        return InstancePainter()

    def described_by(self) -> list[str]:
        """Objects, their pixels, and the share of the image."""
        return [f"{self.classes[1]}_{what}" for what in ("objects", "pixels", "share")]

    def describe(self) -> InstanceDescription:
        """Counts them."""
        from segkit.tasks.instance.description import InstanceDescription

        return InstanceDescription(self.classes[1])


def _rules(*also: object) -> dict[str, Any]:
    return {
        "threshold": number(0, 1, also=also),
        "seed_threshold": number(0, 1),
        "min_area": whole(0),
        "halo": whole(1),
    }


TASK = InstanceTask
