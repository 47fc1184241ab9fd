"""What is stored in a mask file, to class indices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.planes import PLAIN, Planes
from segkit.imaging.channels import flat
from segkit.imaging.pixels import Pixels, decode_picture, open_header

_RULE = (
    "with two classes and no dataset.mask_values they must be 0 and 1, or 0 and 255, in each file"
)


class MaskDoubtError(SegkitError):
    """A mask whose stored values the settings do not turn into classes.

    What to do depends on the whole data set: :func:`segkit.imaging.mask_advice.advised` says it.

    Args:
        what: is wrong with the file.
        where: its name.
        rule: that the values of the data set break.
        mapping: in which there is no class for some.
        inverted: whether it is only in doubt what 0 stands for.
    """

    def __init__(
        self,
        what: str,
        where: str,
        *,
        rule: str = "",
        mapping: Mapping[int | str, int] | None = None,
        inverted: bool = False,
    ) -> None:
        super().__init__(what, where=where)
        self.rule = rule
        self.mapping = mapping
        self.inverted = inverted


def zero_is_light(data: bytes) -> bool:
    """Whether an image file shows the stored value 0 lighter than 1.

    So do palettes that begin with white, and TIFFs whose photometric tag is "min is white". In
    a mask it leaves open whether 0 means the background.
    """
    try:
        with open_header(data) as picture:
            if picture.format == "TIFF" and getattr(picture, "tag_v2", {}).get(262) == 0:
                return True
            palette = (picture.getpalette("RGB") or []) if picture.mode == "P" else []
    except Exception:  # a TIFF that only tifffile reads; whoever decodes it reports damage
        return False
    return sum(palette[:3]) > sum(palette[3:6])


def decode_mask(data: bytes, name: str, *, indexed: bool = False, planes: Planes = PLAIN) -> Pixels:
    """Decode a mask file; see :func:`segkit.imaging.pixels.decode`.

    Where all colours are one, and alpha is not, alpha holds what was drawn: editors write it so.
    """
    picture = decode_picture(data, name, indexed=indexed, planes=planes)
    pixels, alpha = picture.pixels, picture.alpha
    if alpha is None or not alpha.size or (pixels != pixels[:1, :1]).any():
        return pixels
    opaque = 1 if alpha.dtype.kind in "bf" else np.iinfo(alpha.dtype).max
    return pixels if (alpha == opaque).all() else alpha


def as_shown(data: bytes, name: str, planes: Planes = PLAIN) -> Pixels:
    """A mask file as it is stored, but for a palette, of which the colours count."""
    return decode_mask(data, name, indexed=not _has_palette(data), planes=planes)


def _has_palette(data: bytes) -> bool:
    try:
        with open_header(data) as picture:
            return picture.mode in ("P", "PA")
    except Exception:  # whoever decodes it reports damage
        return False


def above(pixels: Pixels, threshold: float) -> NDArray[np.bool_]:
    """Where the brightest colour of (H, W) or (H, W, C) is above ``threshold``; bool is 0 and 255.

    Returns:
        (H, W) bool.
    """
    planes = flat(pixels)
    bright = planes.max(axis=2) if planes.ndim == 3 else planes
    return np.asarray(bright if bright.dtype == np.bool_ else bright > threshold, np.bool_)


def map_values(pixels: Pixels, mapping: Mapping[int | str, int], name: str) -> NDArray[np.uint8]:
    """Turn stored mask values into class indices.

    Args:
        pixels: (H, W), or (H, W, C) where colour tells the class.
        mapping: stored value to class: ``{0: 0, 255: 1}``; or ``{"#000000": 0, "#ff0000": 1}``
            for coloured masks (``0xff0000`` says the same on a command line), in which a whole
            number stands for that grey, and ``#ffff00000000`` for a colour of 16 bits.
        name: what to call the mask in an error.

    Returns:
        (H, W) uint8.

    Raises:
        MaskDoubtError: a value is not in the map, is not whole, or is a colour without a colour
            map.
    """
    coloured = any(is_colour(key) for key in mapping)
    table = {value_key(key, coloured=coloured): cls for key, cls in mapping.items()}
    keys = mask_keys(pixels, name, coloured=coloured)
    found = _present(keys)
    unknown = [value for value in found if value not in table]
    if unknown:
        shown = [show_colour(key) if coloured else str(key) for key in unknown[:8]]
        stored = ", ".join(f"{key}: {cls}" for key, cls in mapping.items())
        raise MaskDoubtError(
            f"mask values [{', '.join(shown)}{', …' if len(unknown) > 8 else ''}] are not in the "
            f"map {{{stored}}}",
            name,
            mapping=mapping,
        )
    classes = np.array([table[value] for value in found], np.uint8)
    if keys.dtype.itemsize == 1:
        lookup = np.zeros(256, np.uint8)
        lookup[found] = classes
        return lookup[keys.astype(np.uint8)]
    return classes[np.searchsorted(np.array(found), keys)]


def automatic_classes(
    pixels: Pixels, name: str, classes: int, *, inverted: bool
) -> NDArray[np.uint8]:
    """Class indices of a mask whose stored values leave no doubt; no mapping is needed.

    With two classes the values of a file must all lie in {0, 1} or all in {0, 255}. With more
    they are the class indices 0…K-1 themselves.

    Args:
        pixels: (H, W), or (H, W, C) with equal colours, as decoded with palette indices.
        name: what to call the mask in an error.
        classes: K, the number of classes.
        inverted: what :func:`zero_is_light` says of the file.

    Raises:
        MaskDoubtError: there is doubt.
    """
    if classes > 2:
        return map_values(pixels, {k: k for k in range(classes)}, name)
    planes = flat(pixels)
    if name.lower().endswith((".jpg", ".jpeg")) and planes.ndim == 3:
        planes = planes.max(axis=2)  # JPEG tints the edges of a grey mask
    keys = mask_keys(planes, name)
    found = _present(keys)
    if not (set(found) <= {0, 1} or set(found) <= {0, 255}):
        shown = ", ".join(map(str, found[:8])) + (", …" if len(found) > 8 else "")
        raise MaskDoubtError(f"a mask holds the values {shown}; {_RULE}", name, rule=_RULE)
    if inverted:
        what = "a mask holds 0 for white: it may stand for background or foreground"
        raise MaskDoubtError(what, name, rule="0 stands for white", inverted=True)
    return np.asarray(keys != 0, np.uint8)


def mask_keys(pixels: Pixels, name: str, *, coloured: bool = False) -> Pixels:
    """One whole number a pixel: its stored value, or its packed colour when ``coloured``.

    Raises:
        MaskDoubtError: values that are not whole, or colours where ``coloured`` is false.
    """
    planes = flat(pixels)
    if planes.dtype.kind == "f":
        if not np.isfinite(planes).all() or not np.array_equal(planes, np.rint(planes)):
            what = "a mask holds values that are not whole numbers"
            raise MaskDoubtError(what, name, rule="classes are whole numbers")
        planes = planes.astype(np.int64)
    if coloured:
        scale = 255 if planes.dtype == np.bool_ else 1
        rgb = planes.astype(np.int64) * scale
        rgb = rgb if rgb.ndim == 3 else np.stack([rgb] * 3, axis=2)
        return np.asarray(pack(*np.moveaxis(rgb, -1, 0)))
    if planes.ndim == 2:
        return planes
    # A grey mask saved as RGB says the same thing three times.
    if (planes != planes[..., :1]).any():
        rule = "each needs its class in dataset.mask_values"
        raise MaskDoubtError("a mask holds colours", name, rule=rule)
    return planes[..., 0]


def _present(keys: Pixels) -> list[int]:
    """The values that occur, in rising order."""
    small = keys.dtype in (np.uint8, np.bool_)
    if small and keys.size:
        # Most masks, and every file of one object; bincount would widen each pixel to 64 bits.
        top, zeros = keys.max(), np.count_nonzero(keys == 0)
        if top and zeros + np.count_nonzero(keys == top) == keys.size:
            return [0] * bool(zeros) + [int(top)]
    found = np.flatnonzero(np.bincount(keys.ravel())) if small else np.unique(keys)
    return [int(value) for value in found]


def is_colour(key: int | str) -> bool:
    """Whether a key of a mapping names a colour: ``#ff0000`` or ``0xff0000``."""
    return isinstance(key, str) and key.lower().startswith(("#", "0x"))


def value_key(key: int | str, *, coloured: bool) -> int:
    """The number by which :func:`mask_keys` knows a key of a mapping.

    Raises:
        SegkitError: it is neither a whole number nor a colour.
    """
    try:
        number = int(str(key).removeprefix("#"), 16 if is_colour(key) else 10)
    except ValueError as error:
        raise SegkitError(
            f"{key!r} is not a stored mask value",
            where="dataset.mask_values",
            remedy="use whole numbers (255) or colours ('#ff0000', 0xff0000) as keys",
        ) from error
    if not coloured:
        return number
    bits = 16 if len(str(key).lower().removeprefix("#").removeprefix("0x")) > 6 else 8
    most = 2**bits - 1
    red, green, blue = (
        (number >> 2 * bits, number >> bits & most, number & most)
        if is_colour(key)
        else (number,) * 3
    )
    return int(pack(red, green, blue))


def pack(red: Any, green: Any, blue: Any) -> Any:
    """One number for a colour, or for each of an array of int64; ``show_colour`` is its reverse."""
    return red << 32 | green << 16 | blue


def show_colour(key: int) -> str:
    """A packed colour as ``#rrggbb``; one that 8 bits do not hold as ``#rrrrggggbbbb``."""
    channels = (key >> 32, key >> 16 & 0xFFFF, key & 0xFFFF)
    digits = 2 if max(channels) < 256 else 4
    return "#" + "".join(f"{channel:0{digits}x}" for channel in channels)
