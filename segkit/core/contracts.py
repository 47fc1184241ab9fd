"""The words the layers speak to each other in: record, sample, problem, batch.

Shape suffixes: B batch, C channels, K classes, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError

if TYPE_CHECKING:
    from torch import Tensor

# Ground truth, (H, W): uint8 class indices, or int32 object labels.
Truth = NDArray[Any]
Stage = Literal["train", "val", "test"]
SPLITS: tuple[Stage, ...] = ("train", "val", "test")
UNLABELLED = "unlabelled"
SKIP = "; or leave them out: dataset.on_bad_record=skip"


@dataclass(frozen=True, slots=True)
class Record:
    """One image with its mask(s), as file names: cheap, no pixels.

    Attributes:
        id: unique in its data set; what ``split.csv`` and every result name it by.
        group: what must not be split (the patient for MRI and X-ray, the field of
            view for nuclei).
        image: name of the image inside the data set's source.
        masks: names of the mask files, merged on reading; empty for an image without ground truth.
        split: the split published with the data (``train``, ``val``, ``test``), or "".
        stratum: what splits are balanced over, or "".
        facts: further columns that the data set knows (age, scanner, …).
        sequences: names of further files of the image, whose channels follow.
    """

    id: str
    group: str
    image: str
    masks: tuple[str, ...] = ()
    split: str = ""
    stratum: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    sequences: tuple[str, ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether there is ground truth to learn from or to score against."""
        return bool(self.masks)


@dataclass(frozen=True, slots=True)
class Problem:
    """A record or file that cannot be used: what is wrong, where (a file), and what to do."""

    where: str
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a reader found: the usable records in a fixed order, and what it could not pair."""

    records: list[Record]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class Sample:
    """Decoded pixels of one record, at the image's own size.

    Attributes:
        image: (H, W) or (H, W, C) uint8, 0…255.
        mask: (H, W) uint8 class indices, 0 is background; None without ground truth.
        instances: (H, W) int32 object labels, 0 is background, where the data has them.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None
    instances: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class TruthKind:
    """What a task asks of the ground truth.

    Attributes:
        labels: whether it is to tell objects apart.
        encode: makes the loss's target of it, (H, W) to (K, H, W) float32, where that is work for
            the loaders' processes.
    """

    labels: bool = False
    encode: Callable[[Truth], NDArray[np.float32]] | None = None


CLASSES = TruthKind()


class Batch(TypedDict):
    """What the loaders hand to the task.

    Attributes:
        image_BCHW: uint8, 0…255, not normalised (the network does that). Without a pixel where
            an image is so large that it is scored in tiles, straight from the cache.
        mask_BHW: the ground truth: uint8 class indices, or int32 object labels.
        index_B: int64 positions in the datamodule's list of records.
        target: what the loss compares with, where the loader makes it of the ground truth.
        native: the untouched truths, (H, W) each, in the test loader only.
    """

    image_BCHW: Tensor
    mask_BHW: Tensor
    index_B: Tensor
    target: NotRequired[Tensor]
    native: NotRequired[list[Tensor]]


def check_sample(sample: Sample, record: Record, classes: int) -> None:
    """Raise :class:`SegkitError` unless the sample keeps the contract and its mask its image."""
    image, mask = sample.image, sample.mask
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise TypeError(f"{record.id}: a reader must give (H, W[, C]) uint8, got {image.dtype}")
    if mask is None:
        return
    check_size(image, mask, f"{record.image} and {record.masks[0]}")
    if mask.size and int(mask.max()) >= classes:
        raise SegkitError(
            f"class {int(mask.max())} in a mask, but the data set names {classes} classes",
            where=record.masks[0],
            remedy="let dataset.mask_values map to 0…K-1 and name K classes in dataset.classes",
        )


def check_size(image: NDArray[Any], mask: NDArray[Any], where: str) -> None:
    """Raise :class:`SegkitError` unless both have as many rows and columns."""
    if mask.shape[:2] != image.shape[:2]:
        raise SegkitError(
            f"image and mask differ in size: {_size(image)} against {_size(mask)} pixels",
            where=where,
            remedy="give each image a mask of its own size",
        )


def bad_records(problems: Sequence[Problem], total: int, *, skip: bool) -> SegkitError:
    """The error that names the first of the records that cannot be used, one of each kind.

    Args:
        problems: of the records.
        total: number of records, the good ones included.
        skip: whether bad records are left out already, so that it is no advice.
    """
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.what, []).append(problem)
    shown = [_first_of(kind) for kind in list(kinds.values())[:5]]
    if len(kinds) > 5:
        shown.append(f"and {len(problems) - sum(len(k) for k in list(kinds.values())[:5])} more")
    remedies = dict.fromkeys(problem.remedy for problem in problems if problem.remedy)
    return SegkitError(
        f"{len(problems)} of {total} records cannot be used",
        where="; ".join(shown),
        remedy="; ".join(list(remedies)[:2] or ["mend the files"])
        + ("" if skip or len(problems) >= total else SKIP),
    )


def _first_of(kind: Sequence[Problem]) -> str:
    alike = f", and so in {len(kind) - 1} more" if len(kind) > 1 else ""
    return f"{kind[0].where} ({kind[0].what}{alike})"


def _size(array: NDArray[Any]) -> str:
    return f"{array.shape[1]}×{array.shape[0]}"
