"""What an epoch has come to, as a checkpoint within it keeps it."""

from typing import Any

from torch import Tensor

from segkit.pace import Pace


def pack(losses_WN: Tensor, pace: Pace) -> dict[str, Any]:
    """Plain containers for the checkpoint.

    Args:
        losses_WN: of each process's steps so far, float32.
        pace: of the first process.
    """
    return {"losses": losses_WN, "images": pace.images, "seconds": pace.seconds}


def unpack(state: dict[str, Any], rank: int) -> tuple[list[Tensor], Pace]:
    """The losses of one process's steps, and the clock, halted.

    Args:
        state: from :func:`pack`.
        rank: of this process.
    """
    pace = Pace()
    pace.images, pace.seconds = state["images"], state["seconds"]
    return list(state["losses"][rank]), pace
