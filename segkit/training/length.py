"""How long a training takes: by the steps that a network needs, not by the size of the data."""

from math import ceil

LEAST, MOST = 3, 300  # epochs


def epochs_for(images: int, batch_size: int, steps: int) -> tuple[int, str]:
    """How many epochs are about ``steps`` steps, between :data:`LEAST` and :data:`MOST`.

    Several processes take fewer steps an epoch, each of a larger batch: the epochs stay.

    Args:
        images: that are trained on.
        batch_size: of one process.
        steps: of one process.

    Returns:
        The number, and why, in words.
    """
    found = min(max(LEAST, ceil(steps / max(1, images // batch_size))), MOST)
    return found, f"about {steps} steps of {batch_size} of the {images} images"
