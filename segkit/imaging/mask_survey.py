"""What the masks of a data set store: the facts on which advice stands."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from segkit.core.errors import SegkitError
from segkit.core.planes import PLAIN, Planes
from segkit.imaging.channels import flat
from segkit.imaging.masks import as_shown, decode_mask, pack
from segkit.imaging.pixels import Pixels

# Pixels beyond which no further mask is looked at.
_ENOUGH = 64_000_000
# Of the scale; a JPEG that should be black stays below.
_NOISE = 0.1
# Colours whose channels stand to each other alike are one colour, more or less of it.
_ONE_HUE = 0.2
# Of the scale: soft masks end in one value, more or less.
_NEAR = 0.02
# Of what lies between the ends; soft edges have a slope.
_FLAT = 0.3
# A mask with more different values than this is no list of classes that anybody would write.
MANY = 16
# Pieces a value; a few objects are cut in two by another that lies over them.
_ONE_PIECE = 1.1


@dataclass(slots=True)
class Survey:
    """Masks that were looked at, together.

    Attributes:
        indexed: whether a palette counts by its indices, not by its colours.
        threshold: ``dataset.mask_threshold``, or None.
        planes: which of a file's many are the mask.
        values: pixels of each stored whole number (of a palette: of each index).
        colours: pixels of each colour, packed by :func:`pack`, in masks that show colours.
        lossy: whether a mask is a JPEG, which changes values.
        whole: whether all values are whole numbers.
        finite: whether none is NaN or infinite.
        zero_is_dark: whether the stored 0, and nothing else, is shown black.
        scale: what fully marked is stored as: 1, 255 or 65535.
        least: the least value.
        most: the largest.
        zeros: pixels of 0.
        faint: pixels above 0, up to a quarter of the scale.
        middle: pixels up to three quarters.
        bright: pixels above.
        full: of these, pixels near the largest value of their file.
        flat: faint and middle pixels with the value of those to their right and below.
        hues: least and largest share of the brightest channel that each channel has, in what is
            not dark.
        marked: pixels above the least of their file; in a JPEG, above its noise.
        lost: of these, pixels that are not above the threshold.
        noise: pixels of a JPEG that are above the threshold, and yet no more than noise.
        masks: files with marked pixels.
        emptied: of these, files in which nothing is above the threshold.
        values_in_files: values above 0, counted in each file.
        pieces: connected areas (8 neighbours) of one such value.
        specks: of the values in files, those of fewer than four pixels.
    """

    indexed: bool = True
    threshold: float | None = None
    planes: Planes = PLAIN
    values: Counter[int] = field(default_factory=Counter)
    colours: Counter[int] = field(default_factory=Counter)
    lossy: bool = False
    whole: bool = True
    finite: bool = True
    zero_is_dark: bool = True
    scale: int = 1
    least: float = float("inf")
    most: float = float("-inf")
    zeros: int = 0
    faint: int = 0
    middle: int = 0
    bright: int = 0
    full: int = 0
    flat: int = 0
    hues: Pixels = field(default_factory=lambda: np.zeros((0, 3)))
    marked: int = 0
    lost: int = 0
    noise: int = 0
    masks: int = 0
    emptied: int = 0
    values_in_files: int = 0
    pieces: int = 0
    specks: int = 0

    @property
    def found(self) -> list[int]:
        """The values, or else the packed colours, that occur: the likely background first."""
        if not self.colours:
            return sorted(self.values, key=lambda value: (value != 0, value))
        counts = self.colours + Counter({pack(v, v, v): n for v, n in self.values.items()})
        background = 0 if 0 in counts else max(counts, key=lambda key: counts[key])
        return sorted(counts, key=lambda key: (key != background, key))

    @property
    def numbered(self) -> bool:
        """Whether values can only be ids of objects: many, and nearly each in one piece.

        A class is in many pieces; the grey of a soft edge too, or it is a speck.
        """
        plain = self.whole and not (self.lossy or self.colours) and self.least >= 0
        one_piece = self.pieces <= _ONE_PIECE * self.values_in_files
        areas = self.specks <= 0.5 * self.values_in_files
        return plain and one_piece and areas and len(self.values.keys() - {0}) > MANY

    @property
    def soft(self) -> bool:
        """Whether values lie at both ends with edges between them, which a threshold cuts.

        Ids of objects and class numbers spread, lie at the lower end, or fill areas.
        """
        if self.numbered:
            return False
        spread = self.whole and self.full < 0.5 * self.bright
        if not self.lossy and (spread or self.flat > _FLAT * (self.faint + self.middle)):
            return False
        if len(self.hues) and not self.lossy and (self.hues[1] - self.hues[0]).max() > _ONE_HUE:
            return False  # objects in colours of their own
        beyond = self.middle + self.bright
        ends = self.bright > 0 and self.bright >= 0.6 * beyond
        return ends and (self.lossy or self.faint <= 2 * beyond)

    @property
    def halfway(self) -> float:
        """The threshold that cuts soft edges: 0.5, 127 or 32767."""
        return 0.5 if self.scale == 1 else self.scale // 2

    def add(self, name: str, data: bytes) -> None:
        """Look at one file more; one that cannot be decoded adds nothing."""
        with suppress(SegkitError):
            stored = shown = flat(as_shown(data, name, self.planes))
            if self.indexed:
                stored = flat(decode_mask(data, name, indexed=True, planes=self.planes))
            _add(self, stored, shown, lossy=is_lossy(data, name))

    def with_file(self, name: str, data: bytes) -> "Survey":
        """A copy that knows one file more."""
        more = deepcopy(self)
        more.add(name, data)
        return more


def survey(files: Iterable[tuple[str, bytes]], looked: Survey) -> Survey:
    """Look at mask files, given as names and bytes, until there were enough pixels."""
    for name, data in files:
        looked.add(name, data)
        if looked.zeros + looked.faint + looked.middle + looked.bright > _ENOUGH:
            break
    return looked


def is_lossy(data: bytes, name: str) -> bool:
    """Whether a file is a JPEG, by its content or its name."""
    return data[:2] == b"\xff\xd8" or name.lower().endswith((".jpg", ".jpeg"))


def _add(looked: Survey, stored: Pixels, shown: Pixels, *, lossy: bool) -> None:
    plane = shown.max(axis=2) if shown.ndim == 3 else shown
    plane = plane.astype(np.uint8) * 255 if plane.dtype == np.bool_ else plane
    looked.lossy |= lossy
    if not np.isfinite(plane).all():
        looked.finite = looked.whole = False
        return
    if stored.ndim < shown.ndim:  # a palette
        looked.zero_is_dark &= np.array_equal(plane == 0, stored == 0)
    looked.least, looked.most = (
        min(looked.least, float(plane.min())),
        max(looked.most, float(plane.max())),
    )
    if shown.ndim == 3 and (lit := plane > plane.max() / 4).any():
        hues = shown[lit] / plane[lit][:, None]
        both = np.vstack([looked.hues, hues])
        looked.hues = np.stack([both.min(axis=0), both.max(axis=0)])
    _count_values(looked, stored, lossy=lossy)
    _count_ends(looked, plane, lossy=lossy)


def _count_values(looked: Survey, stored: Pixels, *, lossy: bool) -> None:
    if stored.ndim == 3 and not lossy and (stored != stored[..., :1]).any():
        looked.colours.update(_counted(pack(*np.moveaxis(stored.astype(np.int64), -1, 0))))
        return
    plane = stored.max(axis=2) if stored.ndim == 3 else stored
    if plane.dtype.kind == "f" and not np.array_equal(plane, np.rint(plane)):
        looked.whole = False
        return
    counts = _counted(plane)
    looked.values.update(counts)
    if not lossy:
        _count_pieces(looked, plane, {value: n for value, n in counts.items() if value > 0})


def _count_pieces(looked: Survey, plane: Pixels, areas: dict[int, int]) -> None:
    looked.values_in_files += len(areas)
    whole = np.clip(plane, 0, 2**62).astype(np.int64)  # floats among them
    parts: Pixels = label(whole, background=0, connectivity=2)
    looked.pieces += int(parts.max(initial=0))
    looked.specks += sum(area < 4 for area in areas.values())


def _counted(keys: Pixels) -> dict[int, int]:
    if keys.dtype in (np.uint8, np.bool_):
        counts: NDArray[np.int64] = np.bincount(keys.ravel())
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    found, often = np.unique(keys, return_counts=True)
    return {int(value): int(count) for value, count in zip(found, often, strict=True)}


def _count_ends(looked: Survey, plane: Pixels, *, lossy: bool) -> None:
    top = float(plane.max())
    scale = 1 if plane.dtype.kind == "f" and top <= 1 else 255 if top <= 255 else 65535
    looked.scale = max(looked.scale, scale)
    above_zero, upper, top_end = (plane > share * scale for share in (0, 0.25, 0.75))
    everything, bright = plane.size, int(top_end.sum())
    middle = int(upper.sum()) - bright
    faint = int(above_zero.sum()) - middle - bright
    looked.zeros += everything - faint - middle - bright
    looked.faint += faint
    looked.middle += middle
    looked.bright += bright
    looked.full += int((top_end & (plane >= top - _NEAR * scale)).sum())
    here = plane[:-1, :-1]
    flat = (here == plane[:-1, 1:]) & (here == plane[1:, :-1])
    looked.flat += int((flat & (above_zero & ~top_end)[:-1, :-1]).sum())
    marked = plane > (_NOISE * scale if lossy else max(plane.min(), 0))
    looked.marked += int(marked.sum())
    looked.masks += bool(marked.any())
    if looked.threshold is not None:
        kept = plane > looked.threshold
        looked.lost += int((marked & ~kept).sum())
        looked.noise += int((kept & ~marked).sum())
        looked.emptied += bool(marked.any()) and not kept.any()
