"""Resuming a run: its own configuration, and the few keys that may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from segkit.config.keys import LENGTH, MAY_CHANGE, flatten, in_todays_words, key_of, within
from segkit.config.plain import resolved
from segkit.config.trust import check_folder_config, confined
from segkit.config.values import own_prefixes
from segkit.core.checksums import differing
from segkit.core.errors import SegkitError
from segkit.core.quoting import escaped
from segkit.core.run_folder import RunFolder
from segkit.runs.monitor import as_begun
from segkit.runs.resume_changes import READER_ROOT, Flat, changes_asked_for
from segkit.runs.saved import split_as_saved
from segkit.tasks.named import DEFAULT

if TYPE_CHECKING:
    from segkit.data.datamodule import SegmentationData

# Schedules that are laid out over the number of steps.
_LAID_OUT = ("segkit.training.schedules.cosine", "segkit.training.schedules.one_cycle")


def resumed_config(composed: DictConfig, folder: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration of a run to resume.

    Args:
        composed: of this call; of ``resume=DIR`` only what was given on the command line counts.
        folder: of the run.
        overrides: as given on the command line.

    Raises:
        SegkitError: not a run folder, keys that may not change, each with both its values, or a
            configuration that writes elsewhere.
    """
    run = RunFolder(folder)
    before = in_todays_words(run.read_config())
    composed.run_dir = escaped(str(run.path))
    as_begun(composed, before)
    now = in_todays_words(resolved(composed, complete=False))
    allowed = own_prefixes(now["allow_targets"])
    before = confined(check_folder_config(before, run.config, allowed), run.path, allowed)
    before.setdefault("task", DEFAULT)  # runs of earlier versions lack it
    if isinstance(choices := before.get("choices"), dict):
        choices.setdefault("task", before["task"])
    config = OmegaConf.create(escaped(before))
    changes = changes_asked_for(before, now, overrides, everything=composed.resume is True)
    refused = [key for key in changes if not within(key, MAY_CHANGE)]
    if refused:
        told = "; ".join(
            f"{key}: {flatten(before).get(key, 'not set')} → {changes[key]}" for key in refused
        )
        raise SegkitError(
            f"{', '.join(refused)} may not change on resume",
            where=f"{run.config}: {told}",
            remedy=f"leave it out, or train anew; these may change: {', '.join(MAY_CHANGE)}",
        )
    _check_steps(config)
    _check_schedule(config, changes)
    if any(key.startswith("logger.") for key in changes):
        config.logger = escaped(now.get("logger"))
    for key, value in changes.items():
        if not key.startswith("logger."):
            OmegaConf.update(config, key, escaped(value))
    if "dataset.root" in changes:
        OmegaConf.update(config, READER_ROOT, escaped(changes["dataset.root"]))
    given = [each for each in overrides if not each.startswith("resume=")]
    known = list(before.get("overrides") or [])
    config.overrides = escaped([*known, *(each for each in given if each not in known)])
    config.run_dir = escaped(str(run.path))
    # What a run folder may call is for this call to say, not for the folder.
    config.allow_targets = composed.allow_targets
    _move(config, run)
    return resolved(config, complete=False)


def _move(config: DictConfig, run: RunFolder) -> None:
    """What is written goes into the folder where it lies now, whatever its configuration says."""
    for callback in (config.get("callbacks") or {}).values():
        if "dirpath" in callback:
            callback.dirpath = escaped(str(run.checkpoints))
    for logger in (config.get("logger") or {}).values():
        if "save_dir" in logger:
            logger.save_dir = escaped(str(run.path))


def _check_steps(config: DictConfig) -> None:
    """The Trainer counts a run by steps otherwise, and would do the end of an epoch twice."""
    if OmegaConf.select(config, "trainer.max_steps") not in (None, -1):
        raise SegkitError(
            "a run that is limited by steps cannot be resumed exactly",
            where=f"trainer.max_steps={config.trainer.max_steps}",
            remedy="train anew, limited by trainer.max_epochs or trainer.max_time",
        )


def _check_schedule(config: DictConfig, changes: Flat) -> None:
    stretched = [key for key in LENGTH if key in changes]
    if stretched and OmegaConf.select(config, "schedule._target_") in _LAID_OUT:
        key = stretched[0]
        raise SegkitError(
            "the learning rate was laid out over the number of steps this run was begun with",
            where=f"{key}={changes[key]}, schedule={OmegaConf.select(config, 'choices.schedule')}",
            remedy="leave it out; a run with schedule=plateau or constant can be made longer",
        )


def recorded_choices(config: Mapping[str, Any]) -> dict[str, str]:
    """In words, for the summary, what was chosen for a run when it began; not what was asked for.

    Args:
        config: of the run, where the choice has taken the place of ``auto``.
    """
    given = map(key_of, config.get("overrides") or [])
    if "encoder_weights" not in config["model"] or "model.encoder_weights" in given:
        return {}
    weights = config["model"]["encoder_weights"] or "random"
    return {"encoder weights": f"{weights}, as the run began"}


def with_own_split(config: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    """The configuration with the groups and splits that a run was begun with, if it wrote them.

    They are not drawn anew: the reader may know of larger groups since.
    """
    return split_as_saved(config, folder.split) if folder.split.is_file() else config


def check_same_data(data: SegmentationData, folder: RunFolder) -> None:
    """Resume only with the records that the run was begun with, and with their pixels.

    Args:
        data: as they are now, prepared.
        folder: of the run; one that ended before it wrote its split resumes with any. Runs of
            earlier versions know the names of their records, and no pixels.

    Raises:
        SegkitError: the data has changed since.
    """
    if not folder.split.is_file() and not folder.last.is_file():
        return
    before = folder.split.read_text(encoding="utf-8") if folder.split.is_file() else ""
    now, then = set(data.split_csv().splitlines()), set(before.splitlines())
    remedy = "restore the data, or train anew"
    if now != then:
        changed = dict.fromkeys(sorted(line.split(",", 1)[0] for line in now ^ then))
        raise SegkitError(
            f"the data is not what this run was begun with: {len(changed)} records were "
            f"added, removed or changed ({', '.join([*changed][:3])}, …)",
            where=str(folder.split),
            remedy=remedy,
        )
    known = folder.read_checksums()
    if known is not None and (differ := differing(known, data.cache.checksums)):
        raise SegkitError(
            f"the data is not what this run was begun with: {differ} have other pixels",
            where=f"dataset.root={data.reader.root}",
            remedy=remedy,
        )
