"""What processes that train together say when they lose one another."""

from segkit.core.errors import SegkitError

# What gloo, NCCL and the store say of a process that is no longer there,
_GONE = ("closed by peer", "reset by peer", "broken pipe", "socket closed", "remote process exited")
# and of one that no longer answers. A loader of PyTorch's may time out, too.
_SILENT = (
    "caused pair closure",
    "timed out waiting",
    "wait timeout",
    "connection timed out",
    "collective operation timeout",
    "no route to host",
    "network is unreachable",
)


def lost_another(error: BaseException) -> SegkitError | None:
    """What to say where an error only means that another process has gone; else None."""
    text = str(error).lower()
    if not isinstance(error, RuntimeError):
        return None
    notes = ", ".join(getattr(error, "__notes__", []))
    if any(word in text for word in _GONE):
        return SegkitError(
            "another of the processes that train together has ended",
            where=notes or "on another machine, or by this one",
            remedy="look for its own message, above or below; a process without one was killed, "
            "perhaps for want of memory. resume=DIR resumes from the last whole epoch",
        )
    if any(word in text for word in _SILENT):
        return SegkitError(
            "another of the processes that train together has not answered in time",
            where=notes or "the network between the machines, or one that stands still",
            remedy="see that the machines reach each other; resume=DIR resumes from the last whole "
            "epoch. trainer=ddp trainer.strategy.timeout.minutes=N waits longer, or less long",
        )
    return None
