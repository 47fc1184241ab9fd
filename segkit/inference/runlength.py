"""The run-length form of DSB2018: a row of text for each connected component, or each object."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from segkit.imaging.components import components
from segkit.imaging.windows import Sliced, windows
from segkit.inference.objects.coco import run_lengths


def encode_components(mask: NDArray[np.bool_]) -> Iterator[str]:
    """Give each connected component in the form of DSB2018: ``"start length start length …"``.

    Pixels are numbered from 1, from top to bottom and then from left to right (Kaggle 2018 Data
    Science Bowl, "Evaluation"). Components come in the order of their first pixels.

    Args:
        mask: (H, W) bool; pixels that share a corner are connected.
    """
    labels = components(mask.T)
    # A pixel of background at either end, so that every run begins and ends somewhere.
    flat = np.zeros(labels.size + 2, labels.dtype)
    flat[1:-1] = labels.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    begins = changes[flat[changes + 1] > 0]
    ends = changes[flat[changes] > 0]
    label = flat[begins + 1]
    order = np.argsort(label, kind="stable")
    pairs = np.stack([begins + 1, ends - begins], axis=1)[order]
    bounds = np.flatnonzero(np.diff(label[order])) + 1
    for part in np.split(pairs, bounds) if len(pairs) else []:
        yield " ".join(map(str, part.ravel().tolist()))


def encode_labels(labels: Sliced) -> Iterator[str]:
    """The same of each object of a label image, connected or not; one empty text if it has none.

    Args:
        labels: (H, W) integers, read by bands.
    """
    height, width = labels.shape
    found = False
    for window in windows(labels):
        for _, top, left, mask in window.objects():
            found = True
            lengths = np.array(run_lengths(mask, top, left, (height, width)))
            begins = np.cumsum(lengths)[: 2 * (len(lengths) // 2) : 2] + 1
            yield " ".join(map(str, np.stack([begins, lengths[1::2]], axis=1).ravel().tolist()))
    if not found:
        yield ""
