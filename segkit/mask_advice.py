"""What to type where masks and settings do not fit: read off the masks themselves.

Whatever is in quotes, or after ``set``, can be typed as it stands; ``tests/data/test_advice.py``
does.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count

from segkit.contracts import Problem
from segkit.errors import SegkitError
from segkit.mask_survey import Survey, pack
from segkit.masks import MaskDoubtError, is_colour, show_colour, value_key

Map = Mapping[int | str, int]

# A mask with more different values than this is no list of classes that anybody would write.
_MANY = 16
# Nor one with more than this where several classes were named.
_VERY_MANY = 32
# Of the marked pixels; more are lost to no threshold that fits.
_LOST = 0.1


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
        what = f"masks hold {_holdings(looked)}" + f"; {doubt.rule}" * bool(doubt.rule)
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
    return [pack(value) for value in looked.found] if packed else looked.found


def check_mask_settings(
    classes: Sequence[str], mapping: Map | None, threshold: float | None
) -> None:
    """Refuse settings that contradict each other, before a file is opened.

    Raises:
        SegkitError: with the keys, and what to type.
    """
    number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    numbers = [] if mapping is None else list(mapping.values())
    unset = "leave one of them out: dataset.mask_values=null or dataset.mask_threshold=null"
    names = f"'dataset.classes=[{','.join(_names(classes, max(numbers, default=0) + 1))}]'"
    refused = (
        (
            len(classes) < 2,
            f"{len(classes)} class(es), but background counts as one",
            "dataset.classes",
            "name it too, first: 'dataset.classes=[background,foreground]'",
        ),
        (
            threshold is not None and not number,
            f"{threshold!r} is not a number",
            "dataset.mask_threshold",
            "give the value above which foreground begins: dataset.mask_threshold=127",
        ),
        (
            mapping is not None and threshold is not None,
            "two ways to read masks",
            "dataset.mask_values, dataset.mask_threshold",
            unset,
        ),
        (
            threshold is not None and len(classes) != 2,
            f"a threshold cannot tell {len(classes)} classes apart",
            "dataset.mask_threshold",
            "leave it out (dataset.mask_threshold=null), or name two classes: "
            "'dataset.classes=[background,foreground]'",
        ),
        (
            any(cls >= len(classes) for cls in numbers),
            f"a class outside 0…{len(classes) - 1}",
            "dataset.mask_values",
            f"name every class: {names}",
        ),
        (
            any(cls < 0 for cls in numbers),
            "a class below 0",
            "dataset.mask_values",
            "number the classes from 0, background first",
        ),
    )
    for wrong, what, where, remedy in refused:
        if wrong:
            raise SegkitError(what, where=where, remedy=remedy)


def threshold_cautions(looked: Survey) -> list[Problem]:
    """What a threshold does to the masks that nobody would want, and what to do.

    Raises:
        SegkitError: it leaves no foreground in any mask.
    """
    if looked.threshold is None or not looked.marked:
        return []
    key = f"dataset.mask_threshold={looked.threshold:g}"
    lost = looked.lost / looked.marked
    if looked.emptied or (not looked.soft and lost > _LOST):
        what = (
            f"it takes {lost:.0%} of the marked pixels for background and leaves "
            f"{looked.emptied} of {looked.masks} masks empty; they hold {_holdings(looked)}"
        )
    elif looked.lossy and looked.noise > _LOST * looked.marked:
        what = "it takes the noise of JPEG for foreground"
    else:
        return []
    remedy = _other_threshold(looked)
    if looked.emptied == looked.masks:
        raise SegkitError(what, where=key, remedy=remedy)
    return [Problem(key, what, remedy)]


def _other_threshold(looked: Survey) -> str:
    values = set(looked.values)
    plain = looked.whole and not (looked.lossy or looked.colours)
    if plain and (values <= {0, 1} or values <= {0, 255}):
        return "leave it out (dataset.mask_threshold=null)"
    if looked.soft and looked.threshold != looked.halfway:
        return f"set dataset.mask_threshold={looked.halfway:g}"
    if looked.lossy:
        return f"set dataset.mask_threshold={looked.most / 2:g}, or write the masks as PNG"
    if looked.zeros and looked.zero_is_dark:
        return "set dataset.mask_threshold=0 (every value above 0 is foreground)"
    return "leave it out (dataset.mask_threshold=null); what is found is then listed"


def _holdings(looked: Survey) -> str:
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
    many = len(looked.found) > _MANY or not looked.whole
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
    return f"these read as ids of objects: set {cut} ({every}){otherwise}"


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
    names = _names(classes, max(given.values()) + 1)
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


def _names(classes: Sequence[str], needed: int) -> list[str]:
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
