"""How a command was called: all that its function needs besides the configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from segkit.config.plain import unresolved


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command, or one job of a sweep.

    Attributes:
        output: the folder for what is written, absolute; it exists.
        overrides: of the configuration, ``key=value`` in Hydra's grammar, as given.
        chosen_by_user: whether the user named that folder, or the one of the sweep, and not the
            clock.
        multirun: whether this is a job of a sweep.
        search_path: the arguments by which another process finds the configuration in the user's
            own folders.
    """

    output: Path
    overrides: tuple[str, ...] = ()
    chosen_by_user: bool = False
    multirun: bool = False
    search_path: tuple[str, ...] = ()


def this_call() -> Call:
    """How this job was called, of Hydra's own record of it."""
    hydra_config: Any = HydraConfig.get()
    given = unresolved(hydra_config.overrides)
    multirun = hydra_config.mode == RunMode.MULTIRUN
    folder = "hydra.sweep.dir=" if multirun else "hydra.run.dir="
    sources = hydra_config.runtime.config_sources
    return Call(
        output=Path(unresolved(hydra_config.runtime)["output_dir"]),
        overrides=tuple(map(str, given["task"])),
        chosen_by_user=any(each.startswith(folder) for each in given["hydra"]),
        multirun=multirun,
        search_path=(
            *(f"--config-dir={s.path}" for s in sources if s.provider == "command-line"),
            *(g for g in given["hydra"] if g.lstrip("+").startswith("hydra.searchpath=")),
        ),
    )
