"""How a command was called: all that its function needs besides the configuration."""

from dataclasses import dataclass
from pathlib import Path


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
