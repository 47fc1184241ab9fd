"""What an epoch keeps count of: its throughput, its losses, and both within a checkpoint."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from segkit.core.errors import SegkitError


class Throughput:
    """A clock that runs in training steps and stands in validation, drawing and writing."""

    def __init__(self) -> None:
        self.images = 0
        self.seconds = 0.0
        self._started: float | None = None

    def start(self) -> None:
        """Let the clock run; one that runs already is left alone."""
        if self._started is None:
            self._started = time.perf_counter()

    def stop(self) -> bool:
        """Halt the clock; whether it was running."""
        if self._started is None:
            return False
        self.seconds += time.perf_counter() - self._started
        self._started = None
        return True

    def images_per_second(self) -> float:
        """So far; 0 before the first step."""
        running = time.perf_counter() - self._started if self._started is not None else 0.0
        total = self.seconds + running
        return self.images / total if total > 0 else 0.0


def pack(losses_WN: Tensor, throughput: Throughput) -> dict[str, Any]:
    """Plain containers for the checkpoint.

    Args:
        losses_WN: of each process's steps so far, float32.
        throughput: of the first process.
    """
    return {"losses": losses_WN, "images": throughput.images, "seconds": throughput.seconds}


def unpack(state: dict[str, Any], rank: int) -> tuple[list[Tensor], Throughput]:
    """The losses of one process's steps, and the clock, halted.

    Args:
        state: from :func:`pack`.
        rank: of this process.
    """
    throughput = Throughput()
    throughput.images, throughput.seconds = state["images"], state["seconds"]
    return list(state["losses"][rank]), throughput


AT_ONCE = 20  # losses that a GPU is asked for


class FiniteLosses:
    """Keeps losses until they are looked at: on a CPU each at once, on a GPU some together.

    Args:
        names: of records, by their positions.
    """

    def __init__(self, names: Callable[[Sequence[int]], Sequence[str]]) -> None:
        self.names = names
        self._unchecked: list[tuple[Tensor, Tensor]] = []

    def add(self, loss: Tensor, index_B: Tensor) -> None:
        """Watch one step's loss, and look when it is time to.

        Raises:
            SegkitError: as :meth:`check`.
        """
        self._unchecked.append((loss.detach(), index_B))
        if loss.device.type == "cpu" or len(self._unchecked) >= AT_ONCE:
            self.check()

    def check(self) -> None:
        """Look at what has not been looked at; waits for the device.

        Raises:
            SegkitError: a loss is NaN or infinite, with the records of its batch.
        """
        unchecked, self._unchecked = self._unchecked, []
        if not unchecked:
            return
        losses = torch.stack([loss.float() for loss, _ in unchecked])
        bad = (~torch.isfinite(losses)).nonzero().flatten().tolist()
        if bad:
            index_B = unchecked[bad[0]][1]
            raise SegkitError(
                f"the loss became {float(losses[bad[0]])}",
                where=f"records {', '.join(self.names(index_B.tolist()))}",
                remedy="look at these images and masks; lower optim.lr, set "
                "trainer.gradient_clip_val=1 or trainer.precision=32-true. What was whole "
                "before is in checkpoints/last.ckpt",
            )


@contextmanager
def explain_batch_norm() -> Iterator[None]:
    """Say what a batch norm does without.

    Raises:
        SegkitError: a batch too small for its statistics.
    """
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise SegkitError(
            "batch norm has a single value a channel, which has no spread",
            where="dataset.batch_size, dataset.size",
            remedy="set dataset.batch_size=2 or more, or a larger dataset.size",
        ) from error
