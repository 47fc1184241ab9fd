"""What the image file of a record says of its axes and channels."""

from segkit.core.contracts import Record
from segkit.data.readers.base import Reader, is_image
from segkit.data.volumes import file_of
from segkit.imaging.formats import zarr
from segkit.imaging.layout import UNTOLD, Layout, tiff_layout


def stored_layout(reader: Reader, record: Record, count: int) -> Layout:
    """What it says; of channels nothing where others are read, such as those of sequences.

    Args:
        reader: of the record.
        record: whose image it is.
        count: of channels that were read.
    """
    name = file_of(record.image)
    if not is_image(name):
        return UNTOLD
    if zarr.is_zarr(path := reader.source.root / name):
        found = zarr.layout(path)
    else:
        with reader.source.open(name) as stream:
            found = tiff_layout(stream)
    return found if len(found.channels) == count else Layout(found.axes)
