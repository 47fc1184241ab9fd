"""What the objects of an image measure, on the pixels that its file stores."""

from collections.abc import Sequence

from segkit.imaging.bands import Opened
from segkit.imaging.pixel_size import PixelSize
from segkit.imaging.pixels import Pixels
from segkit.imaging.windows import Sliced
from segkit.inference.objects.measure import Columns, measure

_CHANNELS = {1: ("intensity",), 3: ("red", "green", "blue")}


def measure_objects(
    labels: Sliced, image: Opened, probability: Sliced, pixel_size: PixelSize | None
) -> Columns:
    """The table ``objects.csv`` of one image.

    Args:
        labels: (H, W) integers.
        image: its pixels; measured are those it stores, before they are brought to 0…255.
        probability: (H, W) of the foreground, 0…1.
        pixel_size: height and width of a pixel in µm, where it is known.

    Returns:
        See :func:`segkit.inference.objects.measure.measure`.
    """
    stored = _Stored(image)
    return measure(
        labels,
        image=stored,
        channels=stored.channels,
        probability=probability,
        pixel_size=pixel_size,
    )


class _Stored:
    """Intensities as the file holds them, (H, W) or (H, W, C), read by slices of rows."""

    def __init__(self, image: Opened) -> None:
        self._image = image
        self.shape = (*image.size, *image.stored(0, 1).shape[2:])

    @property
    def channels(self) -> Sequence[str]:
        count = self.shape[2] if len(self.shape) > 2 else 1
        return _CHANNELS.get(count, [f"channel_{number}" for number in range(1, count + 1)])

    def __getitem__(self, rows: slice, /) -> Pixels:
        top, bottom, _ = rows.indices(self.shape[0])
        return self._image.stored(top, bottom)
