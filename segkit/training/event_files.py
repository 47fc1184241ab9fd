"""TensorBoard's files of a run that is resumed: how long they were at its checkpoint."""

import os
from collections.abc import Iterable, Mapping

from lightning.pytorch.loggers import Logger

from segkit.core.run_folder import RunFolder


def event_sizes(folder: RunFolder, loggers: Iterable[Logger]) -> dict[str, int]:
    """Bytes of each event file of a run, by its name.

    Args:
        folder: of the run.
        loggers: have written to disk all that they were given, when this returns.
    """
    for logger in loggers:
        logger.save()
    return {path.name: path.stat().st_size for path in folder.events()}


def drop_events(folder: RunFolder, sizes: Mapping[str, int]) -> None:
    """Leave out of the event files what was logged later.

    By their lengths, not by times: the clocks of two machines may be hours apart.

    Args:
        folder: of the run.
        sizes: of :func:`event_sizes`; a file that is not among them is removed.
    """
    for path in folder.events():
        size = sizes.get(path.name, 0)
        if not size:
            path.unlink()
        elif size < path.stat().st_size:
            os.truncate(path, size)
