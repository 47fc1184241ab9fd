"""How stored values become 0…255: the rules of ``dataset.intensity``."""

from typing import Any

# A window of each image over its channels, of each channel, of each channel over a group's images;
# and what runs of earlier versions did: 8 bits as they are, deeper images by their percentiles.
IMAGE, CHANNEL, GROUP, STORED = "image", "channel", "group", "stored"
RULES = (IMAGE, CHANNEL, GROUP, STORED)
# One of these, or the stored values that become 0 and 255.
Intensity = str | tuple[float, float]


def intensity_of(dataset: Any) -> Intensity:
    """The rule of ``dataset`` in a run's configuration; runs of earlier versions lack the key."""
    value = dataset.get("intensity", STORED)
    return value if isinstance(value, str) else (float(value[0]), float(value[1]))
