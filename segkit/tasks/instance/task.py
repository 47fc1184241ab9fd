"""The task of objects: its keys, its settings, and where its parts are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from statistics import fmean, median_low
from typing import TYPE_CHECKING, Any, ClassVar

from segkit.config.sizes import AUTO
from segkit.core.errors import SegkitError
from segkit.core.values import Rule, check, choice, number, whole
from segkit.tasks.base import Task
from segkit.tasks.instance.settings import HIGHEST_HALO, Settings
from segkit.tasks.instance.words import InstanceWords

if TYPE_CHECKING:
    from collections.abc import Callable

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
        auto: keys of those that training finds when it ends; until then they are as given.

    Raises:
        SegkitError: more classes than background and one.
    """

    name = "instance"
    headline = ("ap50_image", "ap_image")
    monitors = ("ap", "ap50", "ap75", "ap50_image", "ap_image", "f1_50", "pq", "aji", "dice")
    tested = ("ap50", "ap", "ap50_image", "pq", "aji", "count_error", "dice")
    keys = ("threshold", "seed_threshold", "min_area", "halo")
    words = InstanceWords()
    labels = True
    judges: ClassVar[Mapping[str, str]] = {"semantic": "components"}

    def __init__(
        self,
        classes: Sequence[str],
        settings: Settings | None = None,
        *,
        auto: Collection[str] = (),
    ) -> None:
        self.classes = tuple(classes)
        self.decoding = settings or Settings()
        self.auto = tuple(key for key in self.keys if key in auto)
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
        check(config, {"monitor": monitor, **_ASKED})

    @classmethod
    def of(cls, config: Mapping[str, Any], classes: Sequence[str]) -> InstanceTask:
        """As configured; runs of earlier versions lack some."""
        check(config, _ASKED)
        numbers, auto = _divided({key: config.get(key) for key in cls.keys})
        return cls(classes, Settings(**numbers), auto=auto)

    @property
    def settings(self) -> dict[str, Any]:
        """Both thresholds, the least area and the halo."""
        return asdict(self.decoding)

    def with_settings(self, settings: Mapping[str, Any], *, auto: bool = False) -> InstanceTask:
        """With others; with ``auto`` a number is no longer to be found."""
        if other := sorted(settings.keys() - set(self.keys)):
            raise SegkitError(
                "a task of objects has no such setting",
                where=", ".join(other),
                remedy=f"its decoder has {', '.join(self.keys)}",
            )
        check({k: v for k, v in settings.items() if v is not None}, _ASKED if auto else _GIVEN)
        numbers, more = _divided(settings)
        found = {*self.auto, *more}.difference(numbers if auto else ())
        return InstanceTask(self.classes, replace(self.decoding, **numbers), auto=found)

    @classmethod
    def merged(cls, settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Mean thresholds, as of maps the mean is taken; the middle area; the highest halo."""
        by: dict[str, Callable[[list[Any]], Any]] = {"min_area": median_low, "halo": max}
        return {key: by.get(key, _mean)([one[key] for one in settings]) for key in settings[0]}

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


def _rules(*also: object) -> dict[str, Rule]:
    return {
        "threshold": number(0, 1, also=also),
        "seed_threshold": number(0, 1, also=also),
        "min_area": whole(0, also=also),
        "halo": whole(1, HIGHEST_HALO, also=also),
    }


_GIVEN, _ASKED = _rules(), _rules(AUTO)


def _divided(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Those that are numbers, and the keys of those to be found."""
    numbers = {k: v for k, v in settings.items() if v is not None and v != AUTO}
    return numbers, [k for k, v in settings.items() if v == AUTO]


def _mean(values: Sequence[float]) -> float:
    return round(fmean(values), 4)


TASK = InstanceTask
