"""What random numbers are drawn from and torch computes by, kept for whoever called."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@contextmanager
def random_numbers() -> Iterator[None]:
    """Restore those of Python, NumPy and torch afterwards, and the rules torch computes by."""
    import numpy as np

    ours, numpys = random.getstate(), np.random.get_state()  # the global one
    torchs = _torchs(sys.modules["torch"]) if "torch" in sys.modules else None
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)
        # It is loaded only when nothing can be mistaken any more: by what was called, perhaps.
        if torch := sys.modules.get("torch"):
            _restore(torch, torchs or _as_loaded(torch))


@dataclass(frozen=True)
class _Torchs:
    """What torch draws from and computes by.

    Attributes:
        numbers: state of the CPU's generator.
        seed: that it began with.
        gpus: states of the generators of all GPUs; None where CUDA was not at work.
        precision: of multiplications of float32.
        exact: deterministic algorithms alone; and whether others are only warned of.
        cudnn: its flags ``benchmark`` and ``deterministic``.
    """

    numbers: Any
    seed: int
    gpus: Any = None
    precision: str = "highest"
    exact: tuple[bool, bool] = (False, False)
    cudnn: tuple[bool, bool] = (False, False)


def _torchs(torch: Any) -> _Torchs:
    return _Torchs(
        numbers=torch.get_rng_state(),
        seed=torch.initial_seed(),
        gpus=torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None,
        precision=torch.get_float32_matmul_precision(),
        exact=(
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        cudnn=(torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
    )


def _as_loaded(torch: Any) -> _Torchs:
    """Its own generator begins with a seed that nobody knows."""
    new = torch.Generator()
    seed = new.seed()
    return _Torchs(numbers=new.get_state(), seed=seed)


def _restore(torch: Any, before: _Torchs) -> None:
    if before.gpus is not None:
        torch.cuda.set_rng_state_all(before.gpus)
    else:
        torch.cuda.manual_seed_all(before.seed)  # now, or once CUDA is at work
    torch.set_rng_state(before.numbers)
    torch.set_float32_matmul_precision(before.precision)
    torch.use_deterministic_algorithms(before.exact[0], warn_only=before.exact[1])
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = before.cudnn
