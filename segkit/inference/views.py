"""Views of an image for test-time augmentation: mirrored, turned, and back."""

import torch
from torch import Tensor

# Of each kind: quarter turns, and whether the image is mirrored first.
TURNS = {
    "none": [(0, False)],
    "flip": [(0, False), (0, True), (2, False), (2, True)],
    "rotate": [(turns, mirrored) for turns in range(4) for mirrored in (False, True)],
}


def turned(image_BCHW: Tensor, turns: int, *, mirrored: bool) -> Tensor:
    """Mirror (B, C, H, W), then turn; as it is where there is nothing to do, since both copy."""
    seen = image_BCHW.flip(3) if mirrored else image_BCHW
    return torch.rot90(seen, turns, (2, 3)) if turns % 4 else seen
