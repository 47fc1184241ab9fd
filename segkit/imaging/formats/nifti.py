"""NIfTI-1 and NIfTI-2 in a single file, packed or not; how it is decoded: ``imaging/nifti.py``."""

import io
import zlib

from segkit.core.errors import SegkitError
from segkit.imaging.formats.base import Format, Open, Picture, Slicing, Volume

# The header's size comes first, in either byte order.
_SIZES = [size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big")]


def _known(head: bytes) -> bool:
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(31).decompress(head, 4)
        except zlib.error:
            return False
        if not head:  # behind a long name, which gzip puts first
            return True
    return head[:4] in _SIZES


def _volume(opened: Open, name: str, slicing: Slicing) -> Volume:
    from segkit.imaging.nifti import open_volume  # nibabel takes half a second

    return open_volume(opened, name, slicing)


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    del indexed
    volume = _volume(lambda: io.BytesIO(data), name, Slicing())
    if volume.slices > 1:
        raise SegkitError(
            f"a volume of {volume.slices} slices, where one plane is expected",
            where=name,
            remedy="train with dataset=folder, which cuts volumes into slices; predict with "
            "python -m segkit.predict, which writes a volume",
        )
    return volume.read().picture(0)


FORMAT = Format("NIfTI", (".nii", ".nii.gz"), _known, _read, volume=_volume, mask=".nii.gz")
