"""A few batches, trained and validated on: whether a network can learn anything at all.

In place of the Trainer's own ``overfit_batches``, which would put an order of its own in place of
segkit's, over records of every split. The split, and the test, stay as they are.
"""

from collections.abc import Sequence

import numpy as np

from segkit.core.contracts import Record
from segkit.data.cache import Cache


def wanted_images(batches: float, batch_size: int, training: int) -> int:
    """How many images are asked for.

    Args:
        batches: how many, over all processes together; a float is a share of the images, 0…1.
        batch_size: images a step and process.
        training: how many training images there are.
    """
    count = batches * (training if isinstance(batches, float) else batch_size)
    return max(1, min(int(count), training))


def trained(count: int, batch_size: int, processes: int) -> int:
    """How many of these images an epoch trains on: as many for each process, in whole batches.

    What is less than a batch is trained on as it is; anything more that is not full is left out.
    """
    each = max(1, count // processes)
    return processes * (each if each < batch_size else each - each % batch_size)


def drawn(
    records: Sequence[Record], training: Sequence[int], count: int, cache: Cache, seed: int
) -> list[int]:
    """Positions of so many training images, drawn by the seed; those with something to find first.

    Args:
        records: all of them.
        training: positions of the training images.
        count: how many are wanted.
        cache: holds the masks; no more of them are looked at than it takes.
        seed: of the run.
    """
    found: list[int] = []
    empty: list[int] = []
    for index in np.random.default_rng((seed, 0)).permutation(training).tolist():
        if len(found) == count:
            break
        (found if cache.mask(records[index].id).any() else empty).append(index)
    return (found + empty)[:count]
