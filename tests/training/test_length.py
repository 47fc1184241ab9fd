"""``trainer.max_epochs=auto``: epochs by steps."""

import pytest

from segkit.training.length import LEAST, MOST, epochs_for

STEPS = 1500


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
    found, why = epochs_for(images, batch, STEPS)
    assert found == epochs
    assert why == f"about {STEPS} steps of {batch} of the {images} images"
