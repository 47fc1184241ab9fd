"""What processes that train one network must agree on, beyond what the Trainer sees to."""

from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


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
