"""Where a run resumes, and what a killed run has left behind."""

import logging

from segkit.core.errors import SegkitError
from segkit.core.files import remove_unfinished
from segkit.core.run_folder import RunFolder
from segkit.training.checkpoints import Position, position
from segkit.training.event_files import drop_events

log = logging.getLogger(__name__)


def starting_point(folder: RunFolder, world_size: int) -> Position | None:
    """Where a run resumes; None where it ended before its first checkpoint.

    Args:
        folder: of the run.
        world_size: processes that are about to train.

    Raises:
        SegkitError: no checkpoint can be read, or it lies within an epoch of other processes.
    """
    found, damaged = position(folder.checkpoints)
    if found is None and damaged:
        raise SegkitError(
            f"no checkpoint to resume from: {'; '.join(damaged)}",
            where=str(folder.checkpoints),
            remedy="restore one from a copy, or train anew; best.ckpt may still serve "
            "segkit.evaluate and segkit.predict",
        )
    for each in damaged:
        assert found is not None
        log.warning("%s: resuming from %s, epoch %d", each, found.checkpoint.name, found.epoch)
    if found and found.batch and found.world_size != world_size:
        raise SegkitError(
            f"the checkpoint lies within an epoch that {found.world_size} processes share out, "
            f"not {world_size}",
            where=str(found.checkpoint),
            remedy=f"resume with {found.world_size} processes: trainer.devices, trainer.num_nodes",
        )
    return found


def clear_leftovers(folder: RunFolder, found: Position | None) -> None:
    """Remove what a run left behind it: unfinished files, results of its end, later events.

    What it logged after its checkpoint is about to be logged again.
    """
    remove_unfinished(folder.path)
    # They are of a finished run, which this one is not yet.
    for path in (folder.summary, folder.images, folder.error):
        path.unlink(missing_ok=True)
    sizes = found.events if found else {}
    # Checkpoints of earlier versions do not tell: what was logged twice is shown twice.
    if sizes is not None:
        drop_events(folder, sizes)
