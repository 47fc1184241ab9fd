"""Connected components of a mask: labelled, or counted as its bands pass."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_TOUCHING = np.ones((3, 3), np.bool_)  # sideways, or across a corner


def components(mask_HW: NDArray[np.bool_], min_area: int = 0) -> NDArray[np.int32]:
    """(H, W) int32: 8-connected components 1…N in raster order of their first pixels.

    Args:
        mask_HW: the foreground.
        min_area: pixels below which one is left out.
    """
    labels, count = ndimage.label(mask_HW, structure=_TOUCHING, output=np.int32)
    if not min_area:
        return np.asarray(labels)
    large = np.bincount(labels.ravel(), minlength=count + 1) >= min_area
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    return np.asarray(numbers[labels])


class ComponentCounter:
    """Counts 8-connected components; of what has passed, one row is remembered.

    Attributes:
        count: of the components that have begun so far.
    """

    def __init__(self) -> None:
        self.count = 0
        # Which component each pixel of the last row belongs to; 0 is none.
        self._last: NDArray[np.int64] | None = None

    def add(self, band: NDArray[np.bool_]) -> None:
        """Take the next rows, (h, W) bool."""
        last = np.zeros(band.shape[1], np.int64) if self._last is None else self._last
        labels, found = ndimage.label(np.vstack([last > 0, band]), structure=_TOUCHING)
        # Two parts of the last row may meet in this band, or have met above it: labels of the
        # band and components from above are the two sides of a graph.
        before, known = np.unique(last[last > 0], return_inverse=True)
        size = found + len(before)
        edges = (labels[0][last > 0] - 1, found + known)
        graph = coo_array((np.ones(len(known), np.bool_), edges), shape=(size, size))
        if size:
            total, joined = connected_components(graph, directed=False)
            # Those from above were counted once each; what they came to counts in their place.
            self.count += int(total) - len(before)
            names = np.concatenate([[0], joined[:found] + 1])
            self._last = names[labels[-1]]
        else:
            self._last = np.zeros(band.shape[1], np.int64)
