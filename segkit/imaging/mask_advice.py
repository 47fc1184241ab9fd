"""What to type where masks and settings do not fit: read off the masks themselves.

Whatever is in quotes, or after ``set``, can be typed as it stands; ``tests/data/test_advice.py``
does.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count

from segkit.core.errors import SegkitError
from segkit.imaging.mask_survey import MANY, Survey
from segkit.imaging.masks import MaskDoubtError, is_colour, pack, show_colour, value_key

Map = Mapping[int | str, int]

# Like MANY, where several classes were named.
_VERY_MANY = 32


def advised(
    doubt: MaskDoubtError, looked: Survey, classes: Sequence[str], mapping: Map | None
) -> SegkitError:
    """The error that names what the data set's masks hold, and what to type.

    Args:
        doubt: about one file.
        looked: masks of its data set, the file among them.
        classes: names, background first.
        mapping: ``dataset.mask_values``, if set.
    """
    if doubt.inverted and len(looked.found) <= 2 and not looked.colours:
        other = max(looked.found) or 1
        remedy = (
            f"say which: 'dataset.mask_values={{0: 0, {other}: 1}}' where 0 is the background, "
            f"'dataset.mask_values={{0: 1, {other}: 0}}' where it is the foreground"
        )
        return SegkitError(doubt.what, where=doubt.where, remedy=remedy)
    if doubt.mapping is not None and looked.whole:
        what = _unknown(looked, doubt.mapping)
    else:
        what = f"masks hold {holdings(looked)}" + f"; {doubt.rule}" * bool(doubt.rule)
    return SegkitError(what, where=doubt.where, remedy=_remedy(looked, classes, mapping))


def _unknown(looked: Survey, mapping: Map) -> str:
    """The values of the data set that are not in the map."""
    coloured = bool(looked.colours) or any(map(is_colour, mapping))
    found = _keys(looked, coloured=coloured)
    known = {value_key(key, coloured=coloured) for key in mapping}
    shown = [show_colour(v) if coloured else str(v) for v in found if v not in known]
    stored = ", ".join(f"{key}: {cls}" for key, cls in mapping.items())
    more = ", …" if len(shown) > 8 else ""
    return f"mask values [{', '.join(shown[:8])}{more}] are not in the map {{{stored}}}"


def _keys(looked: Survey, *, coloured: bool) -> list[int]:
    """What occurs, as colours if need be."""
    packed = coloured and not looked.colours
    return [pack(value, value, value) for value in looked.found] if packed else looked.found


def holdings(looked: Survey) -> str:
    """What masks hold, in words."""
    if not looked.finite:
        return "values that are NaN or infinite"
    if not looked.whole:
        return f"values that are not whole numbers, from {looked.least:g} to {looked.most:g}"
    found = looked.found
    shown = [show_colour(key) if looked.colours else str(key) for key in found[:8]]
    rest = f", … ({len(found)} of them)" if len(found) > 8 else ""
    return f"the {'colours' if looked.colours else 'values'} {', '.join(shown)}{rest}"


def _remedy(looked: Survey, classes: Sequence[str], mapping: Map | None) -> str:
    if not looked.finite:
        return "write whole class numbers into the masks"
    many = len(looked.found) > MANY or not looked.whole
    if looked.soft and (many or looked.lossy):
        cut = _cut(looked.halfway, classes, mapping)
        return f"these are soft edges, of JPEG or of smoothing: set {cut} (above it is foreground)"
    if looked.lossy:
        return (
            "JPEG has changed the values, and they do not lie at two ends: write the masks as "
            "PNG or TIFF, from what they were before"
        )
    if many and (len(classes) == 2 or len(looked.found) > _VERY_MANY or not looked.whole):
        return _labels(looked, classes, mapping)
    return _named(looked, classes, mapping)


def _labels(looked: Survey, classes: Sequence[str], mapping: Map | None) -> str:
    """Of masks with too many values for classes."""
    otherwise = "; classes are named by dataset.mask_values and dataset.classes"
    if not looked.whole:
        cut = _cut(max(looked.least, 0), classes, mapping)
        return f"set {cut} (values above it are foreground), or another value that parts the two"
    if looked.colours:
        cut = _cut(0 if looked.zeros else looked.least, classes, mapping)
        return f"these read as objects in colours: set {cut} (what is brighter is foreground)"
    if not looked.zero_is_dark:  # a threshold goes by the colours of a palette
        pairs = ", ".join(f"{value}: {int(value != 0)}" for value in looked.found)
        return f"these read as ids of objects: '{_MAP}{{{pairs}}}'{_two(classes)}{otherwise}"
    cut = _cut(looked.least, classes, mapping)
    every = f"every id above {looked.least:g} is foreground"
    as_one = f"set {cut} ({every})"
    if len(classes) == 2:
        as_one += ", or task=instance to tell the objects apart"
    return f"these read as ids of objects: {as_one}{otherwise}"


_MAP = "dataset.mask_values="


def _named(looked: Survey, classes: Sequence[str], mapping: Map | None) -> str:
    """Every value with its class, and the classes with names."""
    coloured = bool(looked.colours) or any(map(is_colour, mapping or {}))
    found = _keys(looked, coloured=coloured)
    given = {} if mapping is None else dict(mapping)
    known = {value_key(key, coloured=coloured) for key in given}
    numbers = _free(classes, given)
    if not given and len(found) == 1 and found[0]:
        given = {0: next(numbers)}
    for value in (value for value in found if value not in known):
        given[show_colour(value).replace("#", "0x") if coloured else value] = next(numbers)
    told = f"'{_MAP}{{{', '.join(f'{key}: {cls}' for key, cls in given.items())}}}'"
    names = class_names(classes, max(given.values()) + 1)
    if names != list(classes):
        told += f" 'dataset.classes=[{','.join(names)}]'"
    remedy = f"say which class each is: {told}"
    if mapping is None and len(found) > 2 and len(classes) == 2 and not coloured:
        if looked.soft:
            remedy += f"; if they are soft edges: set {_cut(looked.halfway, classes, mapping)}"
        elif looked.zeros and looked.zero_is_dark:
            remedy += f"; if they are ids of objects: set {_cut(0, classes, mapping)}"
    return remedy


def _free(classes: Sequence[str], given: Map) -> Iterator[int]:
    """Classes that no value stands for yet, then further ones."""
    used = set(given.values())
    return chain((k for k in range(len(classes)) if k not in used), count(len(classes)))


def class_names(classes: Sequence[str], needed: int) -> list[str]:
    """Names for so many classes; new ones are numbered."""
    if needed <= len(classes):
        return list(classes)
    own = ["background"] if list(classes) == ["background", "foreground"] else list(classes)
    return own + [f"class{number}" for number in range(len(own), needed)]


def _cut(threshold: float, classes: Sequence[str], mapping: Map | None) -> str:
    """The threshold, and what must not stand beside it."""
    unset = "dataset.mask_values=null " if mapping is not None else ""
    return f"{unset}dataset.mask_threshold={threshold:g}{_two(classes)}"


def _two(classes: Sequence[str]) -> str:
    return "" if len(classes) == 2 else " 'dataset.classes=[background,foreground]'"
