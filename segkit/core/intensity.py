"""How stored values become 0…255: the rules of ``dataset.intensity``."""

from typing import Any

# A window of each image over its channels, of each channel, of each channel over a group's images,
# by their ends or by mean and deviation; and what runs of earlier versions did: 8 bits as they are,
# deeper images by their percentiles.
IMAGE, CHANNEL, GROUP, STANDARD, STORED = "image", "channel", "group", "standard", "stored"
RULES = (IMAGE, CHANNEL, GROUP, STANDARD, STORED)
OF_GROUPS = (GROUP, STANDARD)
FIXED = "fixed"
# For whoever calls an exported model: the graph takes uint8.
_ENDS = "the lowest and the highest value after a median over 3×3 pixels (the edge repeated)"
_LINE = "stored values become uint8 before anything else: round(255 (value - low) / (high - low)), "
HOW = {
    IMAGE: f"{_LINE}cut at 0 and 255; low and high are {_ENDS} of the image, all channels together;"
    " of a volume of all its slices; each of several sequences has its own",
    CHANNEL: f"{_LINE}cut at 0 and 255; low and high are {_ENDS} of each channel; of a volume of "
    "all its slices",
    GROUP: f"{_LINE}cut at 0 and 255; low and high are {_ENDS} of each channel, of all images of a "
    "group (a patient, a volume, a stack)",
    STANDARD: f"{_LINE}cut at 0 and 255; low is the mean less 90/38, high the mean plus 165/38 "
    "standard deviations of each channel, of all images of a group (a patient, a volume, a stack). "
    "Of the pixels on a grid of at most 128 columns, those that are foreground are taken: in any "
    "channel above a tenth of the way from the 0.2 to the 99.8 percentile of all channels; before, "
    "they are cut at their 1 and 99 percentiles",
    STORED: "8-bit images are given as they are; of deeper ones "
    f"{_LINE}cut at 0 and 255; low and high are the 0.2 and 99.8 percentiles of all channels; of a "
    "volume of all its slices; each of several sequences has its own",
    FIXED: f"{_LINE}cut at 0 and 255; low and high are the two numbers of intensity",
}
# One of these, or the stored values that become 0 and 255.
Intensity = str | tuple[float, float]


def intensity_of(dataset: Any) -> Intensity:
    """The rule of ``dataset`` in a run's configuration; runs of earlier versions lack the key."""
    value = dataset.get("intensity", STORED)
    return value if isinstance(value, str) else (float(value[0]), float(value[1]))
