"""The decoder's settings that serve the scores best, from counts at each of a grid."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from segkit.core.distributed import all_gather
from segkit.core.errors import SegkitError
from segkit.imaging.windows import bounding_boxes
from segkit.tasks.base import Task
from segkit.tasks.examining import UnitsOf
from segkit.tasks.instance.matching import COUNTS, count, match
from segkit.tasks.instance.metrics import Counts, each
from segkit.tasks.instance.settings import HIGHEST_HALO, Settings
from segkit.tasks.instance.watershed import Labels, settle, unsettled

# By the keys of the settings; areas rise.
CANDIDATES: dict[str, tuple[float, ...]] = {
    "threshold": (0.3, 0.4, 0.5, 0.6, 0.7),
    "seed_threshold": (0.2, 0.25, 0.3, 0.4, 0.5),
    "min_area": (5, 10, 20, 40, 80),
}
_LEAST_HALO = 32
_BAND = 2**20  # pixels


def grid(decoding: Settings, auto: Collection[str]) -> list[Settings]:
    """Settings to choose from: those of ``auto`` vary, the area fastest; the others stay."""
    varied = {key: values for key, values in CANDIDATES.items() if key in auto}
    chosen: list[dict[str, Any]] = [
        dict(zip(varied, values, strict=True)) for values in product(*varied.values())
    ]
    return [replace(decoding, **one) for one in chosen]


@dataclass(slots=True)
class DecoderFit:
    """Counts of each image at every setting of the :func:`grid`.

    Args:
        task: whose decoder is fitted, in what it has as ``auto``.
    """

    task: Task
    _counts: dict[int, Counts] = field(default_factory=dict)
    _highest: int = 0  # object, in rows
    _grid: list[Settings] = field(init=False)

    def __post_init__(self) -> None:
        self._grid = grid(Settings(**self.task.settings), self.task.auto)

    def watch(
        self, index: int, outputs_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        """Take one image in."""
        del prediction_HW
        maps_KHW = self.task.decoder.maps(outputs_KHW[None])[0].cpu().numpy()
        truth = truth_HW.cpu().numpy()
        self._highest = max(self._highest, highest(truth))
        counts: list[Counts] = []
        for settings in self._grid:
            if settings.min_area == self._grid[0].min_area:
                grown, _ = unsettled(maps_KHW, settings)
                areas, dropped = np.bincount(grown.ravel(), minlength=1)[1:], -1
            before, dropped = dropped, int(((areas > 0) & (areas < settings.min_area)).sum())
            if dropped == before:  # as for the area before
                counts.append(counts[-1])
                continue
            labels = grown.copy()
            settle(labels, settings.min_area)
            counts.append(count(match(truth, labels)))
        self._counts[index] = np.stack(counts)

    def finish(self) -> tuple[Counts, int]:
        """Of the images of all processes: (S, C) of each setting, and the height of an object."""
        none = np.zeros((len(self._grid), len(COUNTS)), np.int64)
        parts = all_gather((sum(self._counts.values(), none), self._highest))
        counts_SC = np.sum([counts for counts, _ in parts], axis=0)
        return np.asarray(counts_SC, np.int64), max(rows for _, rows in parts)

    def best(self, units: UnitsOf) -> tuple[dict[str, float], str]:
        """The settings of the highest AP, mean over IoU .5:.05:.95 of all objects together.

        Raises:
            SegkitError: there is no object in what was seen.
        """
        del units  # objects are pooled
        counts_SC, rows = self.finish()
        settings, found, objects = best_settings(counts_SC, self._grid)
        # What is found may be somewhat larger than what is there.
        halo = min(max(_LEAST_HALO, rows + rows // 4), HIGHEST_HALO)
        best = asdict(replace(settings, halo=halo))
        chosen = {key: best[key] for key in self.task.auto}
        told = ", ".join(f"{key} {value}" for key, value in chosen.items())
        return chosen, f"fitted to {objects} validation objects (ap {found:.4f}): {told}"


def highest(labels_HW: Labels) -> int:
    """Rows from the first to the last of the highest object; 0 without one."""
    _, boxes = bounding_boxes(labels_HW, pixels=_BAND)
    return int((boxes[:, 2] - boxes[:, 0]).max(initial=0))


def best_settings(counts_SC: Counts, grid: Sequence[Settings]) -> tuple[Settings, float, int]:
    """The settings of the highest AP; of equals those nearest to the defaults.

    Args:
        counts_SC: at each setting, of all objects together.
        grid: the settings.

    Returns:
        They, their AP, and the number of true objects.

    Raises:
        SegkitError: there is no object, true or found.
    """
    ap_S: NDArray[np.float64] = each(counts_SC, "ap")
    objects = int(counts_SC[0, COUNTS.index("true")])
    if not objects:
        raise SegkitError(
            "no settings can be fitted: the validation split has no object",
            where="threshold=auto",
            remedy="leave threshold out, or set it to a number: threshold=0.5",
        )
    best = np.flatnonzero(ap_S == np.nanmax(ap_S)).tolist()
    nearest = min(best, key=lambda place: _distance(grid[place]))
    return grid[nearest], float(ap_S[nearest]), objects


def _distance(settings: Settings) -> float:
    usual = Settings()
    return (
        abs(settings.threshold - usual.threshold)
        + abs(settings.seed_threshold - usual.seed_threshold)
        + abs(settings.min_area - usual.min_area) / 1000
    )
