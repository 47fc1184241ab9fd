"""Whether a folder's settings and masks are of objects, before a record is read.

``labels`` says what the values of a mask are: ``classes``, ``objects`` (a label image: each value
above 0 is one object, of 8, 16 or 32 bits, or whole floats), or ``components`` (classes, of which
each connected part is one object). With ``auto`` a layout of objects is read as such, and a mask
file as a label image only by a task of objects, and only where there is no doubt: more than 16
values in the set, nearly each in one piece. Of objects that overlap the later file, or annotation,
has the pixels.
"""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Literal, get_args

from segkit.core.contracts import Record
from segkit.core.errors import SegkitError, did_you_mean
from segkit.imaging.label_doubt import no_labels
from segkit.imaging.mask_settings import check_label_settings
from segkit.imaging.mask_survey import Survey

Labels = Literal["auto", "classes", "objects", "components"]


def check_labels(labels: str, classes: Sequence[str], *, asked: bool = False) -> None:
    """Refuse a ``dataset.labels`` that there is not, or that does not fit.

    Args:
        labels: what the values of a mask are.
        classes: names, background first.
        asked: whether a task asks for objects.

    Raises:
        SegkitError: with what to type.
    """
    if labels not in get_args(Labels):
        raise SegkitError(
            f"{labels!r} is nothing that masks hold",
            where="dataset.labels",
            remedy=did_you_mean(labels, get_args(Labels)),
        )
    if asked and labels == "classes":
        raise SegkitError(
            "masks of classes, where a task asks for objects",
            where="dataset.labels=classes",
            remedy="let masks be looked at: dataset.labels=auto; or learn classes: task=semantic",
        )
    if asked or labels in ("objects", "components"):
        check_label_settings(classes)


def no_parts(apart: Sequence[Record]) -> None:
    """Refuse folders of masks that may be parts of each image, as their names are words for.

    Raises:
        SegkitError: each holds the same names, and none a number.
    """
    names = {frozenset(PurePosixPath(name).stem for name in record.masks) for record in apart}
    alike = len(apart) > 1 and len(names) == 1 and len(min(names)) > 1
    if alike and not any(letter.isdigit() for name in min(names) for letter in name):
        raise SegkitError(
            f"each image has the masks {', '.join(sorted(min(names)))}: they may be objects, or "
            "classes",
            where=f"{apart[0].image}: {', '.join(apart[0].masks[:3])}",
            remedy="set dataset.labels=objects if each mask holds one object; or learn classes: "
            "task=semantic",
        )


def no_doubt(stored: Sequence[Record], survey: Callable[[], Survey], where: str) -> None:
    """Refuse mask files that are not label images, one an image, beyond doubt.

    Args:
        stored: records with mask files.
        survey: tells what the masks of the data set store.
        where: the data set.

    Raises:
        SegkitError: with what speaks against it, and what to do.
    """
    several = [record for record in stored if len(record.masks) > 1]
    if several:
        raise SegkitError(
            "several masks of one image: each may be an object, or a part of the classes",
            where=f"{several[0].image}: {', '.join(several[0].masks[:3])}",
            remedy="set dataset.labels=objects if each mask holds one object; "
            "dataset.labels=components if no two objects touch",
        )
    no_labels(survey(), where)
