"""Image sizes as they are configured."""

from typing import Any, Literal

from segkit.config.values import CROP, SIZE

AUTO = "auto"


def image_size(value: Any, key: str) -> tuple[int, int] | None:
    """One number, [rows, columns] or null to (rows, columns) or None.

    Raises:
        SegkitError: anything else.
    """
    SIZE.check(key, value)
    if value is None:
        return None
    rows, columns = (value, value) if isinstance(value, int) else value
    return int(rows), int(columns)


def crop_size(value: Any, key: str) -> tuple[int, int] | Literal["auto"] | None:
    """The same of a crop, which may be ``auto``."""
    CROP.check(key, value)
    return "auto" if value == AUTO else image_size(value, key)
