"""What processes that train one network must agree on, beyond what the Trainer sees to."""

import lightning.pytorch as pl
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from segkit.errors import SegkitError


def share_buffers(network: nn.Module) -> None:
    """Give every process the first one's buffers: averages of batch norm differ between steps."""
    if distributed.is_available() and distributed.is_initialized():
        for buffer in network.buffers():
            distributed.broadcast(buffer, 0)


def sync_each_batch(wrapped: nn.Module | None, wanted: bool) -> None:
    """Choose whether a wrapped network evens buffers out before each batch.

    In validation it must not: a process with one batch fewer would be waited for.
    """
    if isinstance(wrapped, DistributedDataParallel):
        wrapped.require_forward_param_sync = wanted


def check_freezing(epochs: int, trainer: pl.Trainer) -> None:
    """Refuse an encoder that is frozen for some epochs where each process waits for gradients.

    Raises:
        SegkitError: with the strategy that does not wait.
    """
    tolerant = "find_unused_parameters" in getattr(trainer.strategy, "_ddp_kwargs", {})
    if epochs > 0 and trainer.world_size > 1 and not tolerant:
        raise SegkitError(
            "several processes would wait for the gradients of the frozen encoder",
            where=f"freeze_encoder={epochs}",
            remedy="set trainer.strategy=ddp_find_unused_parameters_true, or freeze_encoder=-1",
        )
