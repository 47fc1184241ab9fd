"""What the keys that turn stored pixels into the network's may be."""

import math
from typing import Any

from segkit.core.intensity import RULES
from segkit.core.values import Rule


def _is_intensity(value: Any) -> bool:
    if isinstance(value, list | tuple):
        numbers = all(type(n) in (int, float) and math.isfinite(n) for n in value)
        return numbers and len(value) == 2 and value[0] < value[1]
    return value in ("auto", *RULES)


INTENSITY = Rule(
    _is_intensity,
    "choose auto, image, channel, group or stored, or give the stored values that become black "
    "and white, the lower one first: '{key}=[-160,240]'",
    "{value} does not say what stored values become",
)
