"""Sequences of one patient in files of their own, as nnU-Net numbers them: channels of one image.

``case_0000.nii.gz`` and ``case_0001.nii.gz`` are the channels of ``case``, whose mask is called
``case.nii.gz``. A number alone tells nothing, many a patient is called by one: the mask without it
does, or a folder of nnU-Net's.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Container, Mapping
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from segkit.core.contracts import Problem

_NUMBERED = re.compile(r"(?P<case>.+)_(?P<number>\d{4})")


class Place(Protocol):
    """Where an image lies: what it is called there, and whether it must have a number."""

    @property
    def key(self) -> str: ...
    @property
    def numbered(self) -> bool: ...
    def _replace(self, *, key: str) -> Self: ...


P = TypeVar("P", bound=Place)


class Gathered(NamedTuple, Generic[P]):
    """Images with their sequences together.

    Attributes:
        images: files by place; of several sequences the first one, at the place without a number.
        sequences: files of the others.
        problems: with images that lack one.
    """

    images: dict[P, list[str]]
    sequences: dict[P, tuple[str, ...]]
    problems: list[Problem]


def split_number(key: str) -> tuple[str, int] | None:
    """The name of the case and the number of the sequence; None of a name without a number."""
    found = _NUMBERED.fullmatch(key)
    return (found["case"], int(found["number"])) if found else None


def gather(images: Mapping[P, list[str]], masks: Container[P]) -> Gathered[P]:
    """Put sequences of one image together.

    Args:
        images: files by place.
        masks: places of masks.
    """
    cases: dict[P, dict[int, list[str]]] = defaultdict(dict)
    alone: dict[P, list[str]] = {}
    for place, files in images.items():
        found = split_number(place.key)
        case = place._replace(key=found[0]) if found else place
        joined = place not in masks and (case in masks or place.numbered) and case not in images
        if found and joined:
            cases[case][found[1]] = files
        else:
            alone[place] = files
    gathered = Gathered(alone, {}, [])
    counts = Counter(len(numbers) for numbers in cases.values())
    usual = max(counts, key=lambda count: (counts[count], count), default=0)
    for case, numbers in cases.items():
        first, *others = (numbers[number] for number in sorted(numbers))
        lacking = [number for number in range(usual) if number not in numbers]
        twice = [files for files in (first, *others) if len(files) > 1]
        if lacking:
            what = f"an image without its sequence {lacking[0]:04}, which others have"
            gathered.problems.append(Problem(first[0], what))
        elif len(numbers) > usual:
            what = f"an image of {len(numbers)} sequences, where most have {usual}"
            gathered.problems.append(Problem(first[0], what))
        elif twice:
            gathered.problems.append(Problem(twice[0][1], f"the same name as {twice[0][0]}"))
        else:
            gathered.images[case] = first
            gathered.sequences[case] = tuple(files[0] for files in others)
    return gathered
