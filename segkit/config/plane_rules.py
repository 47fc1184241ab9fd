"""What the keys may be that say which planes of a file are the image."""

from segkit.core.planes import are_axes, is_choice
from segkit.core.values import Rule

AXES = Rule(
    are_axes,
    "give a letter for each axis that has more than one place, in their order, Y and X among them: "
    "{key}=CYX (channels), ZYX (a stack), TYX (a time series) or ZCYX",
    "{value} are not axes",
)
Z = Rule(
    is_choice,
    "choose max or mean over the planes, slices (each is an image), or a plane by its number, from "
    "0: {key}=4",
    "{value} is no choice among the planes of a stack",
)
