"""NIfTI volumes, as nibabel reads their headers. What a header claims is compared first."""

import gzip
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from nibabel.nifti1 import Nifti1Header, data_type_codes
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from nibabel.volumeutils import array_from_file
from numpy.typing import NDArray

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.core.limits import check_bytes, check_pixels
from segkit.imaging.formats.base import AXES, Open, Slicing, Volume, Voxels
from segkit.imaging.formats.registry import bare

Affine = NDArray[np.float64]
# Of what stands between the header and the voxels; none needs as much.
_EXTENSIONS = 2**26
# Deflate makes at most so many bytes of one.
_MOST_PACKED = 1032
_FOUR = (
    'write a file for each, and remove this one: python -c "import nibabel as n; p = {place!r}; '
    "[n.save(v, f'{{p}}_{{i:04}}.nii.gz') for i, v in enumerate(n.four_to_three(n.load({name!r})))]"
    '"; those of one mask are read as sequences of one image'
)


def open_volume(opened: Open, name: str, slicing: Slicing) -> Volume:
    """Read a header, and say what is behind it.

    Slices are as a radiologist sees them, whatever the order of the voxels: head or front up, the
    patient's right (of a sagittal slice the front) on the left. They are counted from the feet, the
    back or the left. Of an oblique volume the nearest axis counts.

    Args:
        opened: opens the file.
        name: what to call it in an error.
        slicing: along which axis.

    Raises:
        SegkitError: more than three dimensions, colours, or larger than the bound.
        Exception: whatever a damaged file raises.
    """
    header = read_header(opened)
    shape, affine = _shape(header, name), orientation_affine(header)
    kind = _kind(header, name)
    check_bytes(math.prod(shape) * kind.itemsize, "a NIfTI volume", name)
    # Sizes without the voxels: nothing is allocated.
    axis = AXES.index(slicing.axis)
    turned = slices_of(np.broadcast_to(np.uint8(0), shape), affine, axis)
    check_pixels(turned.shape[1], turned.shape[2], name)
    slope, offset = header.get_slope_inter()

    def read() -> Voxels:
        voxels = _voxels(opened, header, shape, kind, name)
        stored = (1.0 if slope is None else slope), (0.0 if offset is None else offset)
        return Voxels(slices_of(voxels, affine, axis), *map(float, stored))

    size = (turned.shape[1], turned.shape[2])
    return Volume(turned.shape[0], size, read, _slice_affine(affine, shape, axis))


def read_header(opened: Open) -> Nifti1Header:
    """The header of a file, as it stands there.

    Raises:
        ValueError: it is not that of a single NIfTI file.
    """
    with _unpacked(opened) as stream:
        data = stream.read(Nifti2Header.sizeof_hdr)
    for kind in (Nifti1Header, Nifti2Header):
        size = kind.sizeof_hdr
        if size in (int.from_bytes(data[:4], order) for order in ("little", "big")):
            header = kind(data[:size], check=False)
            if bytes(header["magic"])[:3] not in (b"n+1", b"n+2"):
                raise ValueError("not a single NIfTI file; convert the pair .hdr and .img to one")
            return header
    raise ValueError("its content is not NIfTI")


def write_mask(path: Path, opened: Open, mask_SHW: NDArray[np.uint8], slicing: Slicing) -> None:
    """Write a mask on the grid of a volume, whose header it has but for the kind of voxels.

    Args:
        path: of the new file, packed by gzip.
        opened: opens the volume's.
        mask_SHW: what was found in its slices, (S, H, W).
        slicing: by which they were cut.
    """
    header = read_header(opened)
    count = int(header["dim"][0])
    voxels = np.zeros((*header["dim"][1 : count + 1], 1, 1)[:3], np.uint8, order="F")
    axis = AXES.index(slicing.axis)
    slices_of(voxels, orientation_affine(header), axis)[:] = mask_SHW
    begin = header.sizeof_hdr + 4
    fields = {"datatype": 2, "bitpix": 8, "vox_offset": begin, "scl_slope": 1, "scl_inter": 0}
    for field, value in (fields | {"cal_min": 0, "cal_max": 0}).items():
        header[field] = value
    # Without a name and a time: the same mask is the same file.
    with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        packed.write(header.binaryblock + bytes(4))
        packed.write(voxels.tobytes(order="F"))


def orientation_affine(header: Nifti1Header) -> Affine:
    """(4, 4), from voxels to mm in the patient.

    Raises:
        ValueError: it does not say where the axes point.
    """
    affine: Affine = np.asarray(header.get_best_affine(), np.float64)
    if not np.isfinite(affine).all() or np.isnan(io_orientation(affine)).any():
        raise ValueError("an affine by which its axes point nowhere")
    return affine


def slices_of(voxels: NDArray[Any], affine: Affine, axis: int) -> NDArray[Any]:
    """A view (S, H, W) of voxels (X, Y, Z); what is written to it is written to them."""
    canonical: NDArray[Any] = apply_orientation(voxels, io_orientation(affine))
    return np.moveaxis(canonical, axis, 0).transpose(0, 2, 1)[:, ::-1, ::-1]


def _slice_affine(affine: Affine, shape: tuple[int, ...], axis: int) -> Affine:
    """From (column, row, slice) to mm: of files of one patient alike, however voxels are stored."""
    ornt = io_orientation(affine)
    canonical = affine @ inv_ornt_aff(ornt, shape)
    sides = [0, 0, 0]
    for own, there in enumerate(ornt[:, 0].astype(int)):
        sides[there] = shape[own]
    across, along = (each for each in range(3) if each != axis)
    turned = np.zeros((4, 4))
    turned[axis, 2] = turned[3, 3] = 1
    turned[across, 0], turned[across, 3] = -1, sides[across] - 1
    turned[along, 1], turned[along, 3] = -1, sides[along] - 1
    return np.asarray(canonical @ turned)


def _shape(header: Nifti1Header, name: str) -> tuple[int, int, int]:
    count = int(header["dim"][0])
    sizes = [int(side) for side in header["dim"][1 : count + 1]]
    if not 1 <= count <= 7 or min(sizes, default=0) < 1:
        raise ValueError(f"a volume of {count} dimensions, {sizes}")
    if any(side > 1 for side in sizes[3:]):
        shown = "×".join(map(str, sizes))
        raise SegkitError(
            f"{count} dimensions, {shown}: points in time, or several sequences in one file",
            where=name,
            remedy=_FOUR.format(name=name, place=bare(name)),
        )
    first, second, third = (*sizes[:3], 1, 1)[:3]
    return first, second, third


def _kind(header: Nifti1Header, name: str) -> np.dtype[Any]:
    code = int(header["datatype"])
    if code not in data_type_codes.dtype:
        raise ValueError(f"voxels of type {code}, which NIfTI does not have")
    kind: np.dtype[Any] = header.get_data_dtype()
    if kind.kind not in "iuf" or kind.itemsize > 8:
        raise SegkitError(
            f"a NIfTI volume of {data_type_codes.label[code]}",
            where=name,
            remedy="write one real number a voxel, of 64 bits at most; channels as files of their "
            "own: case_0000.nii.gz, case_0001.nii.gz",
        )
    return kind


def _voxels(
    opened: Open, header: Nifti1Header, shape: tuple[int, ...], kind: np.dtype[Any], name: str
) -> NDArray[Any]:
    offset, count = int(header["vox_offset"]), math.prod(shape) * kind.itemsize
    if not header.sizeof_hdr <= offset <= _EXTENSIONS:
        raise ValueError(f"voxels {offset} bytes behind the beginning")
    with opened() as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stored = stream.seek(0, io.SEEK_END)
    if offset + count > stored * (_MOST_PACKED if packed else 1):
        raise ValueError("a file that was cut off")
    memory.require(
        count,
        f"decoding a volume of {'×'.join(map(str, shape))} voxels",
        where=name,
        remedy="cut it into parts",
    )
    with _unpacked(opened) as stream:
        voxels = array_from_file(shape, kind, stream, offset, order="F", mmap=False)
        stream.read(1)  # the checksum of a packed file stands at its end
    return np.asarray(voxels, kind.newbyteorder("="))


@contextmanager
def _unpacked(opened: Open) -> Iterator[IO[bytes] | gzip.GzipFile]:
    with opened() as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        if not packed:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as unpacked:
            yield unpacked
