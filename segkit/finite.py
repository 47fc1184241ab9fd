"""Losses that are watched for NaN and infinity, without a GPU being waited for at each step."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from segkit.errors import SegkitError

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
def batch_norm_told() -> Iterator[None]:
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
