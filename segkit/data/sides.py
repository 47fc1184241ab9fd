"""Classes that differ by their side, and augmentation that swaps the sides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from segkit.core.contracts import Problem

if TYPE_CHECKING:
    from segkit.data.augment import Augmenter

_SWAPPED = {"left": "right", "l": "r"}
# What is drawn to see whether sides are swapped; a flip in one of twenty draws is then missed
# once in a thousand times.
_DRAWS = 128
_SIDE = 32


def sided(classes: Sequence[str]) -> list[str]:
    """Names of which another one is the mirror image: ``left lung``, ``lung_l``, ``LeftKidney``.

    >>> sided(["background", "left lung", "right lung", "heart"])
    ['left lung', 'right lung']
    """
    known = {name.lower(): name for name in classes}
    found = set()
    for name in known:
        parts = re.split(r"([^a-z]+)", name)
        others = {
            "".join(_SWAPPED.get(part, part) for part in parts),
            name.replace("left", "right"),
        }
        if other := next(iter((others - {name}) & known.keys()), None):
            found |= {name, other}
    return [known[name] for name in known if name in found]


def swaps_sides(augmentation: Augmenter) -> bool:
    """Whether some draw puts what was left to the right: by a mirror, or by half a turn."""
    image = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    mask = np.ones((_SIDE, _SIDE), np.uint8)
    mask[:, _SIDE // 2 :] = 2
    for seed in range(_DRAWS):
        drawn = augmentation(image, mask, seed=seed)[1]
        left, right = (np.nonzero(drawn == side)[1] for side in (1, 2))
        # By far: small turns and shifts leave the order, a quarter turn makes it even.
        if left.size and right.size and left.mean() - right.mean() > _SIDE / 4:
            return True
    return False


def side_cautions(classes: Sequence[str], augmentation: Augmenter) -> list[Problem]:
    """That training would be shown mirrored pictures with the names of the sides unchanged."""
    names = sided(classes)
    if not names or not swaps_sides(augmentation):
        return []
    on_device = getattr(augmentation, "on_device", False)
    return [
        Problem(
            "augment",
            f"{', '.join(names)} differ by their side, and this augmentation swaps left "
            "and right, but not their names",
            f"set augment=upright{' dataset.device_cache=false' * on_device}: no flips, no "
            "quarter turns",
        )
    ]
