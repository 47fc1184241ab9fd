"""What the machine can do."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.view import DEVICES


def best_precision(accelerator: str) -> str:
    """The faster precision, without the reason; see :func:`precision_and_reason`."""
    return precision_and_reason(accelerator)[0]


def precision_and_reason(accelerator: str) -> tuple[str, str]:
    """``bf16-mixed`` where matrix units take bfloat16, else ``32-true``.

    That is AMX or AVX512-BF16 on a CPU, and compute capability 8.0 (Ampere) on a GPU.

    Args:
        accelerator: the Trainer's argument; ``auto`` takes a GPU before the CPU.
    """
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        if torch.cuda.get_device_capability()[0] >= 8:
            return "bf16-mixed", "the GPU has bfloat16 units"
        return "32-true", "the GPU has no bfloat16 units"
    if accelerator == "mps" or (accelerator == "auto" and torch.backends.mps.is_available()):
        return "32-true", "Apple's GPUs gain nothing from bfloat16"
    able = torch.cpu.get_capabilities()
    for unit in ("amx_bf16", "avx512_bf16"):
        if able.get(unit):
            return "bf16-mixed", f"the CPU has {unit.split('_')[0].upper()} units for bfloat16"
    return "32-true", "the CPU has no bfloat16 units"


def chosen_device(name: str) -> str:
    """``cuda`` or ``cpu``, of ``auto``, ``cpu`` and ``cuda``.

    Raises:
        SegkitError: there is no such device, or no GPU.
    """
    if name not in DEVICES:
        remedy = did_you_mean(name, DEVICES)
        raise SegkitError(f"unknown device {name!r}", where="device", remedy=remedy)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise SegkitError(
            "this machine has no GPU that torch can use",
            where="device=cuda",
            remedy="device=cpu runs everywhere; device=auto takes what is there",
        )
    return "cuda" if there and name != "cpu" else "cpu"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The Trainer's mixed precision, for a loop without one."""
    if "mixed" not in precision:
        return nullcontext()
    kind = torch.bfloat16 if precision == "bf16-mixed" else torch.float16
    return torch.autocast(device.type, dtype=kind)
