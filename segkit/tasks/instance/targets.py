"""What the network learns of a label image: three planes from which objects can be told again."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

PLANES = ("foreground", "contact", "distance")

# Contact is wider between larger objects: radius 1, from 300 pixels 2, from 2000 pixels 3.
_WIDER_FROM = (0, 300, 2000)


def encode(labels_HW: NDArray[np.integer]) -> NDArray[np.float32]:
    """The planes of a label image, each 0…1.

    - ``foreground``: whether a pixel is of an object.
    - ``contact``: whether the (2r+1)² window around it holds pixels of two objects; r is 1, 2 or 3
      as the smaller of them has below 300, below 2000, or more pixels.
    - ``distance``: Euclidean distance to the nearest pixel of the object's inner boundary, plus
      one, over the largest of the object; 0 outside. What lies beyond the image is unknown, so
      its border bounds no object.

    Args:
        labels_HW: an object a positive number, in any order; 0 is background.

    Returns:
        (3, H, W), in the order of :data:`PLANES`.
    """
    dense = _dense(labels_HW)
    planes = np.empty((len(PLANES), *dense.shape), np.float32)
    planes[0] = dense > 0
    planes[1] = _contact(dense)
    planes[2] = _distance(dense)
    return planes


def _dense(labels_HW: NDArray[np.integer]) -> NDArray[np.int32]:
    """The same objects by numbers small enough to count by."""
    if labels_HW.max(initial=0) <= labels_HW.size:
        return labels_HW.astype(np.int32)
    ids, numbers = np.unique(labels_HW, return_inverse=True)
    # Without background the first is an object too.
    return np.asarray(numbers.reshape(labels_HW.shape) + (ids[0] != 0), np.int32)


def _contact(labels_HW: NDArray[np.int32]) -> NDArray[np.bool_]:
    areas = np.bincount(labels_HW.ravel(), minlength=1)
    none = np.iinfo(np.int32).max
    found = np.zeros(labels_HW.shape, np.bool_)
    for radius, least in enumerate(_WIDER_FROM, start=1):
        # Of a pair the smaller decides, so of each size only the objects at least as large meet.
        large = areas >= least
        large[0] = False
        if large.sum() < 2:
            break
        kept = large[labels_HW]
        width = 2 * radius + 1
        highest = ndimage.maximum_filter(np.where(kept, labels_HW, 0), width, mode="nearest")
        lowest = ndimage.minimum_filter(np.where(kept, labels_HW, none), width, mode="nearest")
        found |= (highest != lowest) & (highest > 0)
    return found


def _distance(labels_HW: NDArray[np.int32]) -> NDArray[np.float32]:
    inside = labels_HW > 0
    boundary = _inner_boundary(labels_HW)
    if not boundary.any():
        return inside.astype(np.float32)
    # The nearest boundary is the object's own: on the way to another's lies one that is nearer.
    distance = ndimage.distance_transform_edt(~boundary).astype(np.float32) + 1
    largest = np.ones(labels_HW.max() + 1, np.float32)
    np.maximum.at(largest, labels_HW.ravel(), distance.ravel())
    return np.where(inside, distance / largest[labels_HW], np.float32(0))


def _inner_boundary(labels_HW: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels beside, above or below one of another label, background included."""
    boundary = np.zeros(labels_HW.shape, np.bool_)
    down = labels_HW[1:] != labels_HW[:-1]
    across = labels_HW[:, 1:] != labels_HW[:, :-1]
    boundary[1:] |= down
    boundary[:-1] |= down
    boundary[:, 1:] |= across
    boundary[:, :-1] |= across
    return boundary
