"""How much a network computes."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def flops(network: nn.Module, channels: int, size: tuple[int, int] | None) -> int | None:
    """Floating-point operations of one image, a multiplication and an addition counted as two.

    Args:
        network: raw pixels (B, C, H, W) to logits; left as it was found.
        channels: 1 or 3.
        size: rows and columns; None where images have sizes of their own.

    Returns:
        Of convolutions, matrix products and attention, as torch counts them; None without a size,
        or where the network cannot be counted.
    """
    if size is None:
        return None
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    training = network.training
    network.eval()
    try:
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, channels, *size, dtype=torch.uint8, device=device))
        return int(counter.get_total_flops())
    except RuntimeError:
        return None
    finally:
        network.train(training)
