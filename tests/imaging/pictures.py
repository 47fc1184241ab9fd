"""Small images of noise, and a ramp: the same each time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def noise(shape: tuple[int, ...], dtype: type[np.unsignedinteger[Any]] = np.uint8) -> Array:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape).astype(dtype)


GREY, RGB, RGBA = noise((7, 9)), noise((7, 9, 3)), noise((7, 9, 4))
FLOAT = np.linspace(-1, 1, 63, dtype=np.float32).reshape(7, 9)
