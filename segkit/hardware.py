"""What the machine can do."""

import torch


def best_precision(accelerator: str) -> str:
    """``bf16-mixed`` where matrix units take bfloat16, else ``32-true``.

    That is AMX or AVX512-BF16 on a CPU, and compute capability 8.0 (Ampere) on a GPU.

    Args:
        accelerator: the Trainer's argument; ``auto`` takes a GPU before the CPU.
    """
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.get_device_capability()[0] >= 8 else "32-true"
    if accelerator == "mps" or (accelerator == "auto" and torch.backends.mps.is_available()):
        return "32-true"
    able = torch.cpu.get_capabilities()
    return "bf16-mixed" if able.get("amx_bf16") or able.get("avx512_bf16") else "32-true"
