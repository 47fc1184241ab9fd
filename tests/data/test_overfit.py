"""How many images a few batches have."""

import pytest

from segkit.data.dataset import ShuffledSampler
from segkit.data.overfit import trained, wanted_images


@pytest.mark.parametrize(
    ("batches", "size", "training", "images"),
    [(2, 8, 100, 16), (20, 8, 100, 100), (0.5, 8, 101, 50), (1.0, 8, 5, 5), (0.001, 8, 100, 1)],
)
def test_a_share_has_a_point(batches: float, size: int, training: int, images: int) -> None:
    assert wanted_images(batches, size, training) == images


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("count", [3, 4, 7, 8, 9, 24, 31])
def test_what_is_validated_on_is_what_processes_train_on(
    count: int, size: int, processes: int
) -> None:
    images = range(trained(count, size, processes))
    seen: list[int] = []
    for rank in range(processes):
        sampler = ShuffledSampler(images, seed=0, rank=rank, world_size=processes)
        mine = [index for _, index in sampler]
        # As the loader leaves out a last batch that is not full, unless it is all.
        seen += mine[: len(mine) // size * size] if len(mine) > size else mine
    assert sorted(seen) == [*images]
    assert len(images) <= count
