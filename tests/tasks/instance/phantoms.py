"""Label images with touching objects, and the maps that a network might give of them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segkit.tasks.instance.targets import encode


def ellipses(seed: int, shape: tuple[int, int], objects: int, radius: float) -> NDArray[np.int32]:
    """Of half to the full radius, anywhere; what an earlier one covers is no part of a later."""
    draw = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    for number in range(1, objects + 1):
        top, left = draw.uniform(0, shape[0]), draw.uniform(0, shape[1])
        high, wide = draw.uniform(radius / 2, radius, 2)
        near = slice(max(0, int(top - high)), int(top + high) + 2)
        inside = ((rows[near] - top) / high) ** 2 + ((columns[near] - left) / wide) ** 2 < 1
        labels[near][inside & (labels[near] == 0)] = number
    return labels


def unsure_maps(labels_HW: NDArray[np.int32], seed: int, noise: float) -> NDArray[np.float32]:
    """The targets, blurred by a pixel, with noise."""
    draw = np.random.default_rng(seed)
    blurred = ndimage.gaussian_filter(encode(labels_HW), (0, 1, 1))
    noisy = blurred + draw.normal(0, noise, blurred.shape)
    return np.asarray(np.clip(noisy, 0, 1), np.float32)


def discs(shape: tuple[int, int], radius: int, apart: int) -> NDArray[np.int32]:
    """A lattice of discs in raster order, the centres that many pixels apart."""
    rows, columns = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    number = 0
    for top in range(apart, shape[0] - apart // 2, apart):
        for left in range(apart, shape[1] - apart // 2, apart):
            number += 1
            labels[(rows - top) ** 2 + (columns - left) ** 2 <= radius**2] = number
    return labels
