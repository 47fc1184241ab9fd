"""``loss.weight=auto``: median frequency balancing, of the training masks alone."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from segkit.data.class_weights import class_weights
from segkit.data.datamodule import SegmentationData


def data_of(
    *counts: tuple[int, ...], classes: int, other: tuple[int, ...] = ()
) -> SegmentationData:
    """Masks with so many pixels of each class; ``other`` is of an image that does not train."""
    masks = {
        str(i): np.repeat(np.arange(len(each)), each)[None].astype(np.uint8)
        for i, each in enumerate((*counts, other))
    }

    def indices(stage: str) -> list[int]:
        assert stage == "train"
        return list(range(len(counts)))

    return cast(
        SegmentationData,
        SimpleNamespace(
            classes=[f"c{k}" for k in range(classes)],
            records=[SimpleNamespace(id=name) for name in masks],
            indices=indices,
            cache=SimpleNamespace(mask=masks.__getitem__),
        ),
    )


@pytest.mark.parametrize(
    ("counts", "weights"),
    [
        ([(80, 20)], [0.625, 2.5]),  # the median of two is their mean
        ([(60, 10), (20, 10)], [0.625, 2.5]),
        ([(60, 30, 10)], [0.5, 1, 3]),
        ([(60, 0, 30, 10)], [0.5, 1, 1, 3]),  # one class is not there
        ([(100000, 400, 1)], [0.05, 1, 20]),  # within bounds
    ],
)
def test_against_the_formula(counts: list[tuple[int, ...]], weights: list[float]) -> None:
    assert class_weights(data_of(*counts, classes=len(weights))) == pytest.approx(weights)


def test_only_training_counts() -> None:
    assert class_weights(data_of((50, 50), classes=2, other=(0, 100))) == [1, 1]
