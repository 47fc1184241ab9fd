"""What ends a step and is no mistake of segkit's, in words."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from segkit.core.errors import SegkitError


@contextmanager
def memory_told() -> Iterator[None]:
    """What a step took beyond what was foreseen.

    Raises:
        SegkitError: with what takes less.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise SegkitError(
            "the device's memory ran out",
            where="dataset.batch_size, dataset.size, dataset.crop",
            remedy="set a smaller dataset.batch_size, or auto for the largest that fits; "
            "trainer.accumulate_grad_batches=N makes up for it",
        ) from error


@contextmanager
def compiled(network: nn.Module, *, wanted: bool) -> Iterator[None]:
    """Compile a network, in place, which its first steps do; say what stands in their way.

    Args:
        network: to be trained.
        wanted: whether to.

    Raises:
        SegkitError: with what torch.compile said.
    """
    if not wanted:
        yield
        return
    network.compile()
    try:
        yield
    except torch._dynamo.exc.TorchDynamoException as error:  # imported when it is asked for
        cause = getattr(error, "inner_exception", error)
        if isinstance(cause, torch.OutOfMemoryError):
            raise cause from error  # which is told as any other
        said = getattr(cause, "output", "") or str(cause)  # of a compiler; of torch
        all_lines = (said.strip() or type(cause).__name__).splitlines()
        lines = [line for line in all_lines if "error" in line] or all_lines
        raise SegkitError(
            f"the network cannot be compiled: {lines[0].strip()}",
            where="compile=true",
            remedy="compile=false trains without; to compile, a C++ compiler and Python's headers "
            "are needed (Debian: apt install g++ python3-dev)",
        ) from error
