"""Whether masks are label images beyond doubt; else what to type, read off the masks."""

from segkit.core.errors import SegkitError
from segkit.imaging.mask_advice import holdings
from segkit.imaging.mask_survey import Survey

_SEMANTIC = "or learn classes: task=semantic"
_PARTS = "dataset.labels=components if no two objects touch (each connected part is one)"


def no_labels(looked: Survey, where: str) -> None:
    """Refuse masks that are not label images beyond doubt: many values, each in one piece.

    Raises:
        SegkitError: with what they hold, and what to do.
    """
    if not (looked.numbered and 0 in looked.values):
        what, remedy = _unreadable(looked) or _doubtful(looked)
        raise SegkitError(what, where=where, remedy=remedy)


def _unreadable(looked: Survey) -> tuple[str, str] | None:
    """Of masks that cannot be label images, what they are and what to do."""
    held = f"masks hold {holdings(looked)}"
    if not looked.whole:
        return held, f"write the number of its object into each pixel, 0 for none; {_SEMANTIC}"
    if looked.lossy:
        cut = f"dataset.mask_threshold={looked.halfway:g}"
        remedy = f"write labels as PNG or TIFF; or set {_PARTS}, with {cut}; {_SEMANTIC}"
        return "masks are JPEG, which changes the numbers of objects", remedy
    if looked.colours:
        remedy = "write the number of its object into each pixel, in one channel of 16 or 32 bits"
        return f"{held}, which may be blended: no labels can be read off them", remedy
    if looked.least < 0:
        return f"{held}, but labels count from 1", "write 0 where there is no object"
    return None


def _doubtful(looked: Survey) -> tuple[str, str]:
    """Of masks that may be label images, what speaks against it and what to do."""
    held = f"masks hold {holdings(looked)}"
    above = [value for value in looked.found if value > 0]
    if not above:
        return "all masks are empty: there is no object to learn", "check dataset.root"
    if len(above) == 1:
        one = "dataset.labels=objects if a mask never holds more than one"
        return f"{held}: a class, and no objects", f"set {_PARTS}; {one}; {_SEMANTIC}"
    every = "set dataset.labels=objects if each value is an object"
    if 0 not in looked.values:
        what = f"{held}, and nowhere 0, which is the background of labels"
        return what, f"write 0 where there is no object; {every}"
    what = (
        f"{held}, which may be objects or classes: {looked.values_in_files} values in the files, "
        f"in {looked.pieces} connected parts"
    )
    return what, f"{every}; {_PARTS}; {_SEMANTIC}"
