"""What the best epoch is chosen by, where validation cannot say how well foreground is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from segkit.core.errors import SegkitError
from segkit.tasks.named import task_kind

if TYPE_CHECKING:
    from segkit.data.datamodule import SegmentationData

_ASKED = "monitor_asked"  # in config.yaml of such runs alone


def fall_back(composed: DictConfig, data: SegmentationData) -> bool:
    """Let a run go by the task's fallback where its monitor needs foreground and there is none.

    Args:
        composed: of the run; scheduler, early stopping and checkpoint interpolate its ``monitor``
            and ``mode``, which are replaced. What was asked for is kept beside them.
        data: prepared.

    Returns:
        Whether it does.

    Raises:
        SegkitError: the run is a trial, whose study has a score of its own.
    """
    from segkit.data.foreground import is_blind

    kind, asked = task_kind(composed), str(composed.monitor)
    if asked.removeprefix("val/") in kind.falling or not is_blind(data):
        return False
    if "pruning" in (composed.get("callbacks") or {}):
        raise SegkitError(
            f"validation has no foreground, so trials cannot be compared by {asked}",
            where=f"monitor={asked}, dataset.split",
            remedy=f"begin another study, with monitor=val/{kind.fallback} mode=min, or with a "
            "split that python -m segkit.check finds nothing wrong with",
        )
    _set(composed, f"val/{kind.fallback}", "min", asked)
    return True


def as_begun(composed: DictConfig, before: Mapping[str, Any]) -> None:
    """Let a call that asks for what a run was begun with ask for what the run has chosen.

    Args:
        composed: of the call.
        before: the run's own configuration.
    """
    if before.get(_ASKED) is not None and composed.monitor == before[_ASKED]:
        _set(composed, str(before["monitor"]), str(before["mode"]), str(before[_ASKED]))


def asked_for(config: Mapping[str, Any]) -> str | None:
    """What a run was to go by, where it goes by something else."""
    asked = config.get(_ASKED)
    return None if asked is None else str(asked)


def in_words(config: Mapping[str, Any]) -> dict[str, str]:
    """For the summary, what a run goes by and why; empty where that is what was asked for."""
    asked = asked_for(config)
    if asked is None:
        return {}
    return {"monitor": f"{config['monitor']}, not {asked}: validation has no foreground"}


def _set(composed: DictConfig, monitor: str, mode: str, asked: str) -> None:
    composed.monitor, composed.mode = monitor, mode
    OmegaConf.update(composed, _ASKED, asked, force_add=True)
