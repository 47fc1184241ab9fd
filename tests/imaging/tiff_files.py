"""TIFF files of every kind that the field writes, and what is right for each."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms

Array = np.ndarray[Any, Any]
# Writes a file, and gives the pixels that are to be read from it.
Write = Callable[[Path], Array]

SIDES = (50, 37)


def noise(kind: str = "uint8", channels: int = 1, top: float | None = None) -> Array:
    shape = (*SIDES, channels) if channels > 1 else SIDES
    drawn = np.random.default_rng(7).random(shape)
    # Smooth, so that JPEG and halved colour keep it.
    smooth = cv2.GaussianBlur(drawn, (0, 0), 4)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    if np.dtype(kind).kind == "f":
        return np.asarray(smooth * 9 - 2, kind)
    info = np.iinfo(kind)
    low, high = (info.min, info.max) if top is None else (0, top)
    return np.asarray(low * 0.999 + smooth * (high - low * 1.0) * 0.998).astype(kind)


def raw(
    strips: list[bytes], tags: dict[int, Any], *, order: str = "<", sides: tuple[int, int] = SIDES
) -> bytes:
    """A TIFF of these strips and tags: an int or a tuple of ints (16 bits), or rationals."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    out, starts = bytearray(head + bytes(4)), []
    for strip in strips:
        starts.append(len(out))
        out += strip + b"\0" * (len(strip) % 2)
    full = {256: sides[1], 257: sides[0], 258: 8, 259: 1, 277: 1, 278: sides[0]} | tags
    entries = []
    for tag, value in (full | {273: starts, 279: [len(one) for one in strips]}).items():
        values = list(value) if isinstance(value, list | tuple) else [value]
        kind, code = (4, "I") if tag in (273, 279, 513, 514) else (3, "H")
        if values and isinstance(values[0], tuple):
            kind, code, values = 5, "I", [part for pair in values for part in pair]
        packed = struct.pack(f"{order}{len(values)}{code}", *values)
        count = len(values) // (2 if kind == 5 else 1)
        if len(packed) > 4:
            place = len(out)
            out += packed + b"\0" * (len(packed) % 2)
            packed = struct.pack(f"{order}I", place)
        entries.append((tag, struct.pack(f"{order}HHI", tag, kind, count) + packed.ljust(4, b"\0")))
    out[4:8] = struct.pack(f"{order}I", len(out))
    out += struct.pack(f"{order}H", len(entries))
    out += b"".join(entry for _, entry in sorted(entries)) + bytes(4)
    return bytes(out)


def by_tifffile(pixels: Array, right: Array | None = None, /, **options: Any) -> Write:
    def write(path: Path) -> Array:
        tifffile.imwrite(path, pixels, **options)
        return pixels if right is None else right

    return write


def by_pillow(mode: str, pixels: Array, **options: Any) -> Write:
    """Written by Pillow, and read by it."""

    def write(path: Path) -> Array:
        Image.fromarray(pixels, mode).save(path, "TIFF", **options)
        return pillow(path)

    return write


def pillow(path: Path) -> Array:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def seen_by_pillow(write: Write) -> Write:
    def both(path: Path) -> Array:
        write(path)
        return pillow(path)

    return both


def by_hand(tags: dict[int, Any], pixels: bytes, right: Array | None = None, **more: Any) -> Write:
    """Of one strip; where nothing else is said, what Pillow reads is right."""

    def write(path: Path) -> Array:
        path.write_bytes(raw([pixels], tags, **more))
        return pillow(path) if right is None else right

    return write


def old_jpeg(apart: bool) -> Write:
    """Compression 6: a whole JPEG is the strip, or its tables stand before it."""

    def write(path: Path) -> Array:
        stream = io.BytesIO()
        Image.fromarray(noise(channels=3)).save(stream, "JPEG", quality=95, subsampling=0)
        data = stream.getvalue()
        scan = data.index(b"\xff\xda")
        scan += 2 + struct.unpack_from(">H", data, scan + 2)[0]
        tags = {258: (8, 8, 8), 259: 6, 262: 6, 277: 3, 530: (1, 1)}
        if apart:
            tags |= {513: [8], 514: [len(data)]}
            found = raw([data], tags)
            # The strip is what follows the header of the scan.
            for tag, value in ((273, 8 + scan), (279, len(data) - scan)):
                place = found.index(struct.pack("<HHI", tag, 4, 1))
                found = found[: place + 8] + struct.pack("<I", value) + found[place + 12 :]
        else:
            found = raw([data], tags)
        path.write_bytes(found)
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    return write


def subsampled(across: int, down: int) -> Write:
    ycbcr = cv2.cvtColor(noise(channels=3), cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    rows, columns = -(-SIDES[0] // down), -(-SIDES[1] // across)
    padding = ((0, rows * down - SIDES[0]), (0, columns * across - SIDES[1]), (0, 0))
    blocks = np.pad(ycbcr, padding, "edge").reshape(rows, down, columns, across, 3).swapaxes(1, 2)
    luma = blocks[..., 0].reshape(rows, columns, -1)
    colour = blocks[..., 1:].mean(axis=(2, 3)).astype(np.uint8)
    tags = {258: (8, 8, 8), 259: 8, 262: 6, 277: 3, 530: (across, down)}
    return by_hand(tags, zlib.compress(np.concatenate([luma, colour], axis=-1).tobytes()))


def lab(icc: bool, wide: bool) -> Write:
    """CIELab as LittleCMS makes it, right if LittleCMS would give it back."""

    def write(path: Path) -> Array:
        srgb, space = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        there = ImageCms.buildTransform(srgb, space, "RGB", "LAB")
        back = ImageCms.buildTransform(space, srgb, "LAB", "RGB")
        made = ImageCms.applyTransform(Image.fromarray(noise(channels=3) // 2 + 64), there)
        assert made is not None
        right = np.asarray(ImageCms.applyTransform(made, back))
        codes = np.asarray(made) ^ np.array([0, 128, 128], np.uint8)  # a and b count from 128
        stored = codes.astype(np.uint16)
        if wide:
            lightness = stored[..., :1] * (256 if icc else 257)
            stored, right = np.concatenate([lightness, stored[..., 1:] * 256], -1), right * 257.0
        if not icc:
            middle = 128 * (256 if wide else 1)
            stored[..., 1:] -= np.uint16(middle)
        bits, kind = (16, "<u2") if wide else (8, "u1")
        tags = {258: (bits,) * 3, 262: 9 if icc else 8, 277: 3}
        path.write_bytes(raw([stored.astype(kind).tobytes()], tags))
        return right

    return write


def pages(*several: tuple[Array, dict[str, Any]]) -> Write:
    """The last of these pages is the image."""

    def write(path: Path) -> Array:
        with tifffile.TiffWriter(path) as writer:
            for pixels, options in several:
                writer.write(pixels, metadata=None, **options)
        return several[-1][0]

    return write


def with_levels(path: Path) -> Array:
    pixels = noise(channels=3)
    with tifffile.TiffWriter(path) as writer:
        options: dict[str, Any] = {"photometric": "rgb", "metadata": None}
        writer.write(pixels, subifds=1, **options)
        writer.write(pixels[::2, ::2], subfiletype=1, **options)
    return pixels
