"""What a network's answer, or a training step, will take of memory: found out without taking it.

The step is run on tensors that have a size and no content, and every storage that would be
allocated is counted from its first to its last use.
"""

import copy
import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from segkit.core import memory

# Copies of each parameter beside its own: the gradient, and two moments of Adam.
_COPIES = 3
Loss = Callable[[Tensor, Tensor], Tensor]
Example = Callable[[tuple[int, ...]], Tensor]


class _Held(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all storages that are alive, and the most there were."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        for value in tree_leaves(found):
            if isinstance(value, Tensor):
                self._add(value.untyped_storage())
        return found

    def _add(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, size)

    def _drop(self, size: int) -> None:
        self.now -= size


def footprint(
    network: nn.Module,
    shape_BCHW: tuple[int, int, int, int],
    *,
    precision: str,
    loss: Loss | None = None,
    target: Example | None = None,
    training: bool = False,
) -> int | None:
    """Bytes that one batch takes at most, beside the weights.

    Args:
        network: raw pixels (B, C, H, W) uint8 to outputs; left as it is.
        shape_BCHW: of the batch.
        precision: the Trainer's; bf16-mixed and 16-mixed compute in 16 bits.
        loss: of the outputs and a target, taken too.
        target: makes one of a (B, H, W) shape.
        training: whether gradients are computed and kept, and the weights then moved.

    Returns:
        As torch allocates; what its kernels take to work with is not known. None where the
        network cannot be run without real numbers.
    """
    try:
        taken = None if loss is None or target is None else (loss, target)
        return _peak(network, shape_BCHW, precision, taken, training=training)
    except Exception:  # a network may do anything; what is wrong with it shows when it is used
        return None


def _peak(
    network: nn.Module,
    shape_BCHW: tuple[int, int, int, int],
    precision: str,
    taken: tuple[Loss, Example] | None,
    *,
    training: bool,
) -> int:
    batch, channels, rows, columns = shape_BCHW
    fakes, counted = FakeTensorMode(allow_non_fake_inputs=True), _Held()
    # A shallow copy, whose parts are the network's own but for the mode they are in.
    named = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    before = [(module, module.training) for module in network.modules()]
    own = 0
    with ExitStack() as stack:
        stack.callback(_restore, before)
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.set_grad_enabled(training))
        network.train(training)
        state = {}
        for name, value in named.items():
            fake = fakes.from_tensor(value.detach())
            state[name] = fake.requires_grad_(training and value.requires_grad)
            own += _COPIES * value.nbytes if state[name].requires_grad else 0
        stack.enter_context(fakes)
        stack.enter_context(counted)
        image_BHWC = torch.zeros(batch, rows, columns, channels, dtype=torch.uint8)
        # There before the network is run, as a batch is.
        target = taken[1]((batch, rows, columns)) if taken else None
        kind = torch.bfloat16 if precision == "bf16-mixed" else torch.float16
        with torch.autocast("cpu", dtype=kind, enabled="mixed" in precision):
            image_BCHW = image_BHWC.permute(0, 3, 1, 2)
            outputs_BKHW = torch.func.functional_call(network, state, (image_BCHW,))
            found = None
            if taken and target is not None:
                found = copy.deepcopy(taken[0])(outputs_BKHW, target)
        del outputs_BKHW
        if training and found is not None:
            found.backward()  # type: ignore[no-untyped-call]
    return counted.peak + own


def _restore(before: list[tuple[nn.Module, bool]]) -> None:
    for module, mode in before:
        module.training = mode


def require_whole(
    networks: Iterable[tuple[nn.Module, int]],
    size: tuple[int, int],
    *,
    planes: int,
    precision: str,
) -> None:
    """Refuse to answer an image as a whole where memory would not hold what that takes.

    Args:
        networks: that take it at its own size, each with its channels.
        size: rows and columns of the image.
        planes: of outputs that are held at that size.
        precision: that the networks are run in.

    Raises:
        SegkitError: with what is needed, and what there is.
    """
    steps = [
        footprint(network, (1, channels, *size), precision=precision) or 0
        for network, channels in networks
    ]
    memory.require(
        # Outputs in full precision, their means and what is decided of them.
        max(steps, default=0) + 3 * 4 * planes * prod(size),
        f"answering {size[1]}×{size[0]} pixels as a whole",
        where="tile=null",
        remedy="cut it into tiles: tile=512",
    )
