"""Going on with a run: its own configuration, and the few keys that may change."""

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from segkit.errors import SegkitError
from segkit.run_folder import RunFolder

# How long, where and how fast: nothing that decides what is learnt from what.
MAY_CHANGE = (
    "allow_targets",
    "callbacks.inference.input",
    "trainer.max_epochs",
    "trainer.max_steps",
    "trainer.max_time",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.num_nodes",
    "trainer.enable_progress_bar",
    "dataset.num_workers",
    "dataset.cache_dir",
    "dataset.root",
)
# What the number of steps follows from, and the schedules that were laid out over it.
_LENGTH = ("trainer.max_epochs", "trainer.max_steps", "trainer.devices", "trainer.num_nodes")
_LAID_OUT = ("segkit.schedules.cosine", "segkit.schedules.one_cycle")


def resumed_config(composed: DictConfig, folder: Path) -> dict[str, Any]:
    """The configuration of a run that is gone on with.

    Args:
        composed: of this call; only what was given on the command line counts.
        folder: of the run.

    Raises:
        SegkitError: not a run folder, nothing to go on from, or a key that may not change.
    """
    run = RunFolder(folder)
    config = OmegaConf.create(run.read_config())
    if not run.last.is_file():
        raise SegkitError(
            "this run has no checkpoint to go on from: it ended before its first epoch did",
            where=str(run.last),
            remedy="train anew, without resume=",
        )
    given = [str(o) for o in HydraConfig.get().overrides.task if not str(o).startswith("resume=")]
    for override in given:
        key = override.split("=", 1)[0].lstrip("+~")
        parent = key.rpartition(".")[0]
        known = not parent or OmegaConf.select(config, parent) is not None
        if key not in MAY_CHANGE or not known:
            before = OmegaConf.select(config, key, default="not set")
            raise SegkitError(
                f"{key} may not change on resume (it was {before})",
                where=override,
                remedy=f"leave it out, or train anew; these may change: {', '.join(MAY_CHANGE)}",
            )
        value = OmegaConf.select(composed, key)
        if key in _LENGTH and value != OmegaConf.select(config, key):
            _check_schedule(config, override)
        OmegaConf.update(config, key, value)
    config.overrides = [*(config.get("overrides") or []), *given]
    config.run_dir = str(run.path)
    # What a run folder may call is for this call to say, not for the folder.
    config.allow_targets = composed.allow_targets
    moved = {
        f"callbacks.{name}.dirpath": f"{run.path}/checkpoints" for name in ("checkpoint", "last")
    }
    for name in config.get("logger") or ():
        moved[f"logger.{name}.save_dir"] = str(run.path)
    for key, value in moved.items():
        if OmegaConf.select(config, key) is not None:
            OmegaConf.update(config, key, value)
    resolved = OmegaConf.to_container(config, resolve=False)
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


def _check_schedule(config: DictConfig, override: str) -> None:
    if OmegaConf.select(config, "schedule._target_") in _LAID_OUT:
        raise SegkitError(
            "the learning rate was laid out over the number of steps this run was begun with",
            where=f"{override}, schedule={OmegaConf.select(config, 'choices.schedule')}",
            remedy="leave it out; a run with schedule=plateau or constant can be made longer",
        )


def check_split(table: str, folder: RunFolder) -> None:
    """Go on only with the records, in the splits, that the run was begun with.

    Args:
        table: the text of ``split.csv`` as the data would be split now.
        folder: of the run.

    Raises:
        SegkitError: the data has changed since.
    """
    before = folder.split.read_text(encoding="utf-8") if folder.split.is_file() else ""
    now, then = set(table.splitlines()), set(before.splitlines())
    if now != then:
        changed = sorted(line.split(",", 1)[0] for line in now ^ then)
        raise SegkitError(
            f"the data is not what this run was begun with: {len(set(changed))} records were "
            f"added, removed or split otherwise ({', '.join(dict.fromkeys(changed[:3]))}, …)",
            where=str(folder.split),
            remedy="restore the data, or train anew",
        )
