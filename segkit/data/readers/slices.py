"""The slices of volumes as records: a group each, which is never split."""

from dataclasses import replace

import numpy as np

from segkit.core.contracts import Listing, Problem, Record
from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.planes import SLICES
from segkit.data.volumes import VolumeSource, slice_name
from segkit.imaging.formats.base import AXES, Slicing, Volume

_WHOLE = "give a volume a mask that is one, of as many slices"
_ONE = "; or, for one mask of a whole stack, make an image of it: dataset.z=max"
_REMEDY = "draw, or resample, the mask on the grid of its image"
# Of a voxel: headers hold some six digits.
_NEAR = 0.1


def slicing(axis: str) -> Slicing:
    """How volumes are cut.

    Raises:
        SegkitError: along no axis that there is.
    """
    if axis not in AXES:
        raise SegkitError(
            f"volumes are not cut along {axis!r}",
            where=f"dataset.axis={axis}",
            remedy=did_you_mean(str(axis), AXES),
        )
    return Slicing(axis)


def cut(found: Listing, source: VolumeSource) -> Listing:
    """Each record of volumes as one a slice, ``<id>#0``, ``<id>#1``, …; others as they are.

    Their group is the volume's, which is its id unless the data set knows a better one.

    Args:
        found: records of files.
        source: of the files; it is told how many volumes are worth keeping.
    """
    records, problems, largest = list[Record](), list(found.problems), 1
    for record in found.records:
        try:
            slices = _slices(record, source)
        except SegkitError as error:
            where = error.where.removeprefix(f"{source.root}/")
            problems.append(Problem(where, error.what, error.remedy))
            continue
        if slices is None:
            records.append(record)
            continue
        largest = max(largest, len(_files(record)))
        records += (_slice(record, number) for number in range(slices))
    source.held = max(source.held, 2 * largest)
    return Listing(records, problems)


def _files(record: Record) -> tuple[str, ...]:
    return (record.image, *record.sequences, *record.masks)


def _slice(record: Record, number: int) -> Record:
    return replace(
        record,
        id=slice_name(record.id, number),
        image=slice_name(record.image, number),
        sequences=tuple(slice_name(name, number) for name in record.sequences),
        masks=tuple(slice_name(name, number) for name in record.masks),
    )


def _slices(record: Record, source: VolumeSource) -> int | None:
    """How many slices a record's files have; None where they are no volumes.

    Raises:
        SegkitError: one cannot be read, or they do not lie on one grid.
    """
    volumes = {name: source.volume(name) for name in _files(record)}
    first = volumes[record.image]
    for name, other in volumes.items():
        if (first is None) != (other is None):
            kinds = ("a volume", "a plane") if other is None else ("a plane", "a volume")
            raise SegkitError(
                f"{kinds[0]}, and {name} of it is {kinds[1]}",
                where=source.where(record.image),
                remedy=_WHOLE + _ONE * (source.slicing.planes.z == SLICES),
            )
        if first is not None and other is not None and (what := difference(first, other)):
            raise SegkitError(
                f"{what} (image: {record.image})", where=source.where(name), remedy=_REMEDY
            )
    return None if first is None else first.slices


def difference(image: Volume, other: Volume) -> str:
    """In which another volume of the same patient does not fit an image; "" where it does."""
    if (image.slices, image.size) != (other.slices, other.size):
        mine, yours = (f"{v.size[1]}×{v.size[0]}×{v.slices}" for v in (other, image))
        return f"a volume of {mine} voxels of an image of {yours}"
    if image.affine is None or other.affine is None:
        return ""
    ends = np.array([*image.size[::-1], image.slices]) - 1
    corners = np.vstack([np.indices((2, 2, 2)).reshape(3, -1) * ends[:, None], np.ones(8)])
    far = np.linalg.norm(((image.affine - other.affine) @ corners)[:3], axis=0).max()
    near = _NEAR * np.linalg.norm(image.affine[:3, :3], axis=0).min()
    return f"a volume that lies {far:.3g} mm away from its image" if far > near else ""
