"""Settings for masks that contradict each other, or lose what is marked."""

from collections.abc import Mapping, Sequence

from segkit.core.contracts import Problem
from segkit.core.errors import SegkitError
from segkit.imaging.mask_advice import class_names, holdings
from segkit.imaging.mask_survey import Survey

# Of the marked pixels; more are lost to no threshold that fits.
_LOST = 0.1


def check_mask_settings(
    classes: Sequence[str], mapping: Mapping[int | str, int] | None, threshold: float | None
) -> None:
    """Refuse settings that contradict each other, before a file is opened.

    Raises:
        SegkitError: with the keys, and what to type.
    """
    number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    numbers = [] if mapping is None else list(mapping.values())
    unset = "leave one of them out: dataset.mask_values=null or dataset.mask_threshold=null"
    names = f"'dataset.classes=[{','.join(class_names(classes, max(numbers, default=0) + 1))}]'"
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


def check_label_settings(
    classes: Sequence[str],
    mapping: Mapping[int | str, int] | None = None,
    threshold: float | None = None,
) -> None:
    """Refuse settings that make classes of what are objects.

    Raises:
        SegkitError: with the keys, and what to type.
    """
    if len(classes) != 2:  # background, and what the objects are
        raise SegkitError(
            f"objects of {len(classes) - 1} classes, where one can be told from the background",
            where="dataset.classes",
            remedy="name two: 'dataset.classes=[background,object]'",
        )
    for key, value in (("mask_values", mapping), ("mask_threshold", threshold)):
        if value is not None:
            raise SegkitError(
                "it makes one class of all objects, which are to be told apart",
                where=f"dataset.{key}",
                remedy=f"leave it out (dataset.{key}=null); or, for masks in which no two objects "
                "touch, each connected part is one: dataset.labels=components",
            )


def threshold_cautions(looked: Survey) -> list[Problem]:
    """What a threshold does to the masks that nobody would want, and what to do.

    Raises:
        SegkitError: it leaves no foreground in any mask.
    """
    if looked.threshold is None or not looked.marked:
        return []
    key = f"dataset.mask_threshold={looked.threshold:g}"
    lost = looked.lost / looked.marked
    edges = looked.soft and looked.threshold <= looked.halfway  # a threshold has to cut them
    if looked.emptied or (not edges and lost > _LOST):
        what = (
            f"it takes {lost:.0%} of the marked pixels for background and leaves "
            f"{looked.emptied} of {looked.masks} masks empty; they hold {holdings(looked)}"
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
