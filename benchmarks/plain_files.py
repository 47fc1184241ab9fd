"""A data set as the plain files that other pipelines read."""

from pathlib import Path

from benchmarks.plain import Pair
from segkit.data.datamodule import SegmentationData
from segkit.drawing.overlay import encode_png
from segkit.imaging.channels import to_channels


def write_pairs(data: SegmentationData, stage: str, folder: Path) -> list[Pair]:
    """Write image and mask of a split as PNG files at their own size.

    Args:
        data: prepared.
        stage: train, val or test.
        folder: gets a folder of that name.

    Returns:
        The files, in the order of the records.
    """
    target = folder / stage
    target.mkdir(parents=True)
    records = [data.records[index] for index in data.indices(stage)]
    pairs = []
    for number, load in enumerate(data.reader.loaders(records)):
        sample = load()
        assert sample.mask is not None
        pair = target / f"{number:06d}.png", target / f"{number:06d}_mask.png"
        image = to_channels(sample.image, data.taken)
        pair[0].write_bytes(encode_png(image[..., 0] if data.channels == 1 else image))
        pair[1].write_bytes(encode_png(sample.mask))
        pairs.append(pair)
    return pairs
