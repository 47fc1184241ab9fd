"""``trainer.max_epochs=auto``: epochs by steps."""

from typing import cast

import pytest

from segkit.data.datamodule import SegmentationData
from segkit.training.length import LEAST, MOST, STEPS, fit_epochs


class Data:
    """As much of a datamodule as counts."""

    def __init__(self, images: int, batch_size: int) -> None:
        self.images, self.batch_size = images, batch_size

    def indices(self, stage: str) -> list[int]:
        assert stage == "train"
        return list(range(self.images))


@pytest.mark.parametrize(
    ("images", "batch", "epochs"),
    [
        (440, 16, 56),  # 27 steps an epoch
        (12, 4, MOST),
        (3, 16, MOST),  # the only batch is not full
        (32 * STEPS, 16, LEAST),
        (1600, 16, STEPS // 100),
    ],
)
def test_epochs_follow_from_steps(images: int, batch: int, epochs: int) -> None:
    data = cast(SegmentationData, Data(images, batch))
    found, why = fit_epochs(data, {"max_epochs": "auto"})
    assert found == epochs
    assert why.startswith(f"{epochs}: about {STEPS} steps of {batch}")


@pytest.mark.parametrize("given", [7, -1, None])
def test_a_number_stays(given: int | None) -> None:
    data = cast(SegmentationData, Data(440, 16))
    assert fit_epochs(data, {"max_epochs": given}) == (given, "")
