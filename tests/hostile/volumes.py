"""Volumes: damaged, odd, and larger than they look, as images and as masks."""

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from tests.hostile.cases import Case, spoilt
from tests.hostile.samples import noise

AFFINE = np.diag([-1.0, 1, 2, 1])


def nifti(data: Any, kind: Any = nib.Nifti1Image, affine: Any = AFFINE) -> bytes:
    """A volume as nibabel writes it."""
    return bytes(kind(data, affine).to_bytes())


def header(**fields: Any) -> bytes:
    """A header of NIfTI-1 that claims anything, and a few bytes of voxels."""
    made = nib.Nifti1Header()
    made["dim"][:4] = (3, 6, 5, 4)
    made["datatype"], made["bitpix"], made["vox_offset"] = 2, 8, 352
    made["pixdim"][1:4] = 1
    made.set_sform(AFFINE, 1)
    for name, value in fields.items():
        made[name] = value
    return bytes(made.binaryblock) + bytes(4 + 120)


def volumes(seed: int = 0, count: int = 200) -> Iterator[Case]:
    """Damaged files, ``count`` in all, as image or as mask; then the odd ones, as both."""
    samples = {
        "plain.nii": nifti(noise(6, 5, 4, kind="uint16")),
        "packed.nii.gz": gzip.compress(nifti(noise(6, 5, 4)), mtime=0),
        "second.nii": nifti(noise(6, 5, 4).astype(np.float32), nib.Nifti2Image),
    }
    for number, (name, data) in enumerate(samples.items()):
        each = spoilt(name, data, count // len(samples), seed * 1000 + number)
        for turn, (what, damaged) in enumerate(each):
            yield _case(what, damaged, name, "masks" if turn % 3 == 2 else "images")
    for name, data in odd().items():
        for place in ("images", "masks"):
            yield _case(f"{name} in {place}", data, name, place)


def volume_bombs() -> Iterator[Case]:
    """Those that are larger than they look."""
    for name, data in bombs().items():
        yield _case(name, data, name, "images")


def odd() -> dict[str, bytes]:
    """Files that are as the format allows, or nearly, and that few expect."""
    floats = noise(6, 5, 4).astype(np.float32)
    floats[0, 0, :3] = np.nan, np.inf, -np.inf
    good = nifti(noise(6, 5, 4))
    found = {
        "empty.nii": b"",
        "empty.nii.gz": gzip.compress(b""),
        "text.nii": b"id,age\n7,61\n",
        "no number.nii": nifti(floats),
        "behind.nii": good + bytes(999),
        "two.nii.gz": gzip.compress(good[:400], mtime=0) + gzip.compress(good[400:], mtime=0),
        "not packed.nii.gz": good,
        "packed.nii": gzip.compress(good),
        "pair.nii": header(magic=b"ni1"),
        "analyze.nii": header(magic=b""),
        "plane.nii": nifti(noise(6, 5)),
        "line.nii": nifti(noise(6)),
        "four.nii": nifti(noise(6, 5, 4, 2)),
        "six.nii": nifti(noise(6, 5, 4, 1, 1, 1)),
        "colours.nii": header(datatype=128, bitpix=24),
        "complex.nii": header(datatype=32, bitpix=64),
        "long double.nii": header(datatype=1536, bitpix=128),
        "bits.nii": header(datatype=1, bitpix=1),
        "unknown.nii": header(datatype=77),
        "slope.nii": header(scl_slope=np.inf, scl_inter=np.nan),
        "steep.nii": header(scl_slope=3e38, scl_inter=-3e38),
        "flat.nii": header(srow_y=0),
        "nowhere.nii": header(srow_x=np.nan),
        "quaternion.nii": header(sform_code=0, qform_code=1, quatern_b=9, quatern_c=9),
        "no size.nii": header(sform_code=0, pixdim=0),
    }
    for name, dim in {
        "none": [0] * 8,
        "negative": [3, -6, 5, 4, 0, 0, 0, 0],
        "zero": [3, 6, 0, 4, 0, 0, 0, 0],
        "nine": [9, 6, 5, 4, 1, 1, 1, 1],
        "minus": [-3, 6, 5, 4, 1, 1, 1, 1],
        "surface": [3, -1, 1, 1, 1, 1, 1, 1],
    }.items():
        found[f"dim {name}.nii"] = header(dim=dim)
    for offset in (0, 100, -1, 1e9, 3e38, np.nan, np.inf, 360):
        found[f"offset {offset}.nii"] = header(vox_offset=offset)
    extension = struct.pack("<4B2i", 1, 0, 0, 0, 2**31 - 16, 6)
    found["extension.nii"] = header()[:348] + extension + bytes(120)
    return found


def bombs() -> dict[str, bytes]:
    """Small files that claim, or unpack to, more than a machine holds."""
    side = 2**15 - 1
    huge, wide = [3, side, side, side, 1, 1, 1, 1], [3, 3000, 3000, 1, 1, 1, 1, 1]
    many = [3, 100, 100, side, 1, 1, 1, 1]
    zeros = bytes(2**26)
    return {
        "claims.nii": header(dim=huge),
        "claims.nii.gz": gzip.compress(header(dim=huge)),
        "wide.nii.gz": gzip.compress(header(dim=wide) + bytes(9_000_000)),
        "many.nii.gz": gzip.compress(header(dim=many) + zeros),
        "behind.nii.gz": gzip.compress(nifti(noise(6, 5, 4)) + zeros),
        "offset.nii.gz": gzip.compress(header(vox_offset=2**27) + zeros),
        "unpacks.nii.gz": gzip.compress(zeros),
    }


def _case(name: str, data: bytes, called: str, place: str) -> Case:
    def write(folder: Path) -> Path:
        suffix = ".nii.gz" if called.endswith(".gz") else ".nii"
        for kind in ("images", "masks"):
            (folder / kind).mkdir()
            content = data if kind == place else nifti(noise(6, 5, 4) // 128)
            (folder / kind / f"a{suffix}").write_bytes(content)
        return folder / place / f"a{suffix}"

    return Case(f"{name}, volume", "volume", write)
