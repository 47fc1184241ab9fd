"""What is known of a DICOM file before its pixels are read; known without pydicom."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself. What names a patient is for comparing, never for showing.

    Attributes:
        kind: what DICOM calls such an object; "" where the file does not say.
        pixels: whether it may hold any.
        person: the patient, else the study, else the series: what must not be split; or nothing.
        series: of images, or "".
        place: in mm along the normal of the slices, else the number in its series.
    """

    kind: str
    pixels: bool
    person: tuple[str, ...] = field(default=(), repr=False)
    series: str = field(default="", repr=False)
    place: float = 0.0
