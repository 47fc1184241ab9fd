"""Images and masks that a viewer turns: as stored they are read, or refused where they differ."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.data.readers.folder import Folder


def shown(path: Path, size: tuple[int, int], value: int) -> None:
    """An image of rows and columns that a viewer turns."""
    path.parent.mkdir(exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = value
    pixels = np.zeros(size, np.uint8)
    pixels[:2, :3] = 255
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.mark.parametrize(
    ("image", "mask", "turns", "wrong"),
    [
        ((6, 8), (6, 8), (1, 1), ""),
        ((6, 8), (6, 8), (3, 3), ""),
        ((6, 8), (6, 8), (6, 1), ""),  # upright it would not fit: it is of the stored pixels
        ((6, 8), (8, 6), (6, 1), "EXIF orientation 1 of an image with 6"),
        ((6, 8), (6, 8), (3, 1), "EXIF orientation 1 of an image with 3"),
        ((6, 8), (6, 8), (1, 2), "EXIF orientation 2 of an image with 1"),
        ((6, 8), (6, 8), (5, 6), "EXIF orientation 6 of an image with 5"),
        ((8, 8), (8, 8), (8, 1), "EXIF orientation 1 of an image with 8"),
    ],
)
def test_an_image_that_may_be_turned_against_its_mask(
    tmp_path: Path,
    image: tuple[int, int],
    mask: tuple[int, int],
    turns: tuple[int, int],
    wrong: str,
) -> None:
    shown(tmp_path / "images" / "a.png", image, turns[0])
    shown(tmp_path / "masks" / "a.png", mask, turns[1])
    reader = Folder(tmp_path, classes=("background", "cell"))
    (record,) = reader.listing().records
    if not wrong:
        sample = reader.read(record)
        assert sample.mask is not None
        np.testing.assert_array_equal(sample.image, sample.mask * 255)
        return
    with pytest.raises(SegkitError, match=wrong) as caught:
        reader.read(record)
    assert caught.value.where.endswith("masks/a.png")
