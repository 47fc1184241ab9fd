"""Tiles that were cut from one field of view: images whose borders continue each other.

The last column of one image and the first of another (likewise rows) belong together where they
run alike and the step from one to the other is no larger than from column to column within the
two. Both are read off matrix products over all images of one size, of lines that a mean over three
pixels along them rids of noise:

- the correlation of the two border lines, each less its mean over the 31 pixels around: structure
  along the border, whatever the ground;
- the step between the two images, each extended by half a pixel by its own slope: root mean
  square, over that from border to next line within them. Tiles of one field have about 1 or less
  (noise alone 1.6); strangers that happen to be alike in structure have another ground.

The score is the one less the other. Two images adjoin where each is the other's best by far: a
frame, a caption or the next moment of a series makes many alike, and none of them the best.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from segkit.audit.placement import Placement
from segkit.imaging.channels import flat
from segkit.imaging.pixels import Pixels

Lines = NDArray[np.float32]

# Chosen on DSB2018, where 304 joins are published and others were looked at, with no false one;
# 384 radiographs, 441 brain slices and 1,440 phantoms, of which none adjoin, had two.
LEAST_CORRELATION = 0.5
MOST_STEP = 1.2
LEAST_MARGIN = 0.7
_LONG = 128  # pixels; shorter borders are alike by chance more often, and must stand out more
# More images of one size are not compared: time and the chance of a stranger grow with the square.
MOST_IMAGES = 20_000
_ALONG, _AROUND = 3, 31
# Of a border line less its surroundings, in stored units: below, there is nothing to go by.
_FLAT = 0.3
_SHORTEST = 32
_BLOCK = 1 << 22  # scores held at once


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """The outermost two lines of each side of an image, the outer one first, as mean grey.

    Stored as the image is, 8 × side bytes for 8 bits.

    Attributes:
        left, right: (2, H).
        top, bottom: (2, W).
    """

    left: Pixels
    right: Pixels
    top: Pixels
    bottom: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.left.shape[1], self.top.shape[1]


def borders(image: NDArray[np.uint8], stored: Pixels | None = None) -> Borders:
    """The borders of one picture.

    Args:
        image: (H, W) or (H, W, C) uint8; an alpha channel is not looked at.
        stored: the pixels before each image was scaled to 8 bits by itself, where it was.
            Integers are compared as they are; of floats, whose unit is not known, the 8 bits.
    """
    whole = stored is not None and stored.dtype.kind in "ui"
    pixels = flat(stored if stored is not None and whole else image)

    def grey(lines: Pixels) -> Pixels:
        grey = lines if lines.ndim == 2 else np.rint(lines.mean(axis=2)).astype(lines.dtype)
        return np.array(grey[[0, -1]])

    sides = (pixels[:, :2].swapaxes(0, 1), pixels[:, :-3:-1].swapaxes(0, 1))
    return Borders(*map(grey, (*sides, pixels[:2], pixels[:-3:-1])))


def find_joins(found: Sequence[Borders]) -> list[Placement]:
    """All pairs of images that continue each other, in order of position.

    Exact copies hide each other's partners: hand in one of each kind. Time grows with the square
    of the number, about 5 s for 8,000 images of 256×256.
    """
    joins: list[Placement] = []
    for size, members in by_size(found).items():
        if len(members) < 2 or len(members) > MOST_IMAGES or min(size) < _SHORTEST:
            continue
        sides = [found[member] for member in members]
        for below in (False, True):
            ends = np.stack([s.bottom if below else s.right for s in sides]).astype(np.float32)
            starts = np.stack([s.top if below else s.left for s in sides]).astype(np.float32)
            row, column = (size[0], 0) if below else (0, size[1])
            joins += [
                Placement(members[a], members[b], row, column, adjoins=True, correlation=r)
                for a, b, r in _matches(ends, starts)
            ]
    return sorted(joins, key=lambda join: (join.first, join.second))


def by_size(found: Sequence[Borders]) -> dict[tuple[int, int], list[int]]:
    """Positions of the images of each height and width."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for position, one in enumerate(found):
        groups[one.size].append(position)
    return groups


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """One side of N images, made ready for products.

    Attributes:
        fine: (N, L) border lines less their surroundings, of length 1.
        edge: (N, L) each image extended by half a pixel by its own slope.
        power: (N,) mean square of the edge.
        inner: (N,) mean square of the step from the border to the next line.
        flat: (N,) whether there is nothing to go by.
    """

    fine: Lines
    edge: Lines
    power: Lines
    inner: Lines
    flat: NDArray[np.bool_]

    @classmethod
    def of(cls, lines: Lines) -> "_Sides":
        smooth = uniform_filter1d(lines, _ALONG, axis=2, mode="nearest")
        outer, next_one = smooth[:, 0], smooth[:, 1]
        fine = outer - uniform_filter1d(outer, _AROUND, axis=1, mode="nearest")
        fine -= fine.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(fine, axis=1)
        edge = 1.5 * outer - 0.5 * next_one
        return cls(
            fine=fine / np.maximum(lengths, 1e-6)[:, None],
            edge=edge,
            power=np.square(edge).mean(axis=1),
            inner=np.square(outer - next_one).mean(axis=1),
            flat=lengths < _FLAT * np.sqrt(lines.shape[2]),
        )

    def scores(self, chosen: slice, others: "_Sides") -> Lines:
        """Correlation less step, of the chosen ones with all others but themselves."""
        apart = self.edge[chosen] @ others.edge.T * np.float32(-2 / self.edge.shape[1])
        apart += self.power[chosen, None] + others.power
        # Rounding to whole grey levels makes steps where there are none.
        apart /= (self.inner[chosen, None] + others.inner) / 2 + 1 / _ALONG
        scores = self.fine[chosen] @ others.fine.T
        scores -= np.sqrt(np.maximum(apart, 0))
        scores[:, others.flat] = scores[self.flat[chosen]] = -np.inf
        rows = np.arange(len(scores))
        scores[rows, rows + chosen.start] = -np.inf  # an image does not continue itself
        return scores


def _matches(ends: Lines, starts: Lines) -> Iterator[tuple[int, int, float]]:
    """Which end line which start line continues: (N, 2, L) each, of the same N images."""
    # Squares of 16-bit values about their mean fit float32, those about 0 do not.
    mean = ends[:, 0].mean()
    end, start = _Sides.of(ends - mean), _Sides.of(starts - mean)
    following, score, rival = _best(end, start)
    leading, _, other_rival = _best(start, end)
    least = LEAST_MARGIN * max(1.0, _LONG / ends.shape[2]) ** 0.5
    for index, other in enumerate(following):
        if leading[other] != index or not np.isfinite(score[index]):
            continue
        if score[index] - max(rival[index], other_rival[other]) >= least:
            correlation = float(end.fine[index] @ start.fine[other])
            if correlation >= LEAST_CORRELATION and correlation - score[index] <= MOST_STEP:
                yield index, int(other), min(1.0, correlation)


def _best(sides: _Sides, others: _Sides) -> tuple[NDArray[np.intp], Lines, Lines]:
    """Of each side the best partner, its score, and that of the next best; -inf without one."""
    count = len(sides.flat)
    rows = max(1, _BLOCK // count)
    found = []
    for start in range(0, count, rows):
        scores = sides.scores(slice(start, start + rows), others)
        order = np.arange(len(scores))
        best = scores.argmax(axis=1)
        score = scores[order, best]
        scores[order, best] = -np.inf
        found.append((best, score, scores.max(axis=1)))
    partners, top, second = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return partners, top, second
