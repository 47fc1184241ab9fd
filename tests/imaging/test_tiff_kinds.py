"""Every kind of TIFF is read as another decoder reads it, or as arithmetic has it, both ways."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.imaging.bands import open_rows
from segkit.imaging.pixels import decode, to_uint8
from tests.imaging.tiff_files import (
    SIDES,
    Write,
    by_hand,
    by_pillow,
    by_tifffile,
    lab,
    noise,
    old_jpeg,
    pages,
    raw,
    seen_by_pillow,
    subsampled,
    with_levels,
)

BLACK, WHITE, RGB = ({"photometric": name} for name in ("minisblack", "miniswhite", "rgb"))
GREY, COLOUR, DEEP = noise(), noise(channels=3), noise("uint16", 3)
FLOATS = noise("float32")
ALPHA = np.dstack([COLOUR, noise()[::-1]])
TABLE = np.random.default_rng(3).integers(0, 65536, (3, 256)).astype(np.uint16)
COLOURS = (TABLE >> 8).astype(np.uint8).T
INKS = noise(channels=4)
DEEP_INKS = noise("uint16", 4)
LEFT = 65535 - DEEP_INKS.astype(np.int64)
SMALL = (GREY[::4, ::4], {**BLACK, "subfiletype": 1})
TILES = {"tile": (16, 32)}


def bits(count: int, **more: Any) -> Write:
    """Grey of so few bits a sample, stretched to 8; of so many, as it is."""
    kind = "uint8" if count <= 8 else "uint16"
    stored, top = noise(kind, top=2**count), 2**count - 1
    right = np.rint(stored * (255 / top)).astype(kind) if count < 8 else stored
    if more.get("photometric") == "miniswhite":
        right = 255 - right if count < 8 else top - right
    return by_tifffile(stored, right, bitspersample=count, **{**BLACK, **more})


def packed(nibbles: np.ndarray[Any, Any]) -> bytes:
    even = np.pad(nibbles, ((0, 0), (0, nibbles.shape[1] % 2)))
    return bytes((even[:, ::2] << 4 | even[:, 1::2]).astype(np.uint8))


# What is right may differ by so much where colours are rounded.
CLOSE = {"jpeg": 2, "lab": 3, "lab 16": 4 * 257, "subsampled": 2, "ycbcr": 1}
# libtiff cuts what lies between whole numbers.
CLOSE["ycbcr of video"] = 3
KINDS: dict[str, Write] = {
    **{f"{kind}": by_tifffile(noise(kind), **BLACK) for kind in ("int8", "int16", "int32")},
    **{f"{kind}": by_tifffile(noise(kind), **BLACK) for kind in ("uint8", "uint16", "uint32")},
    **{f"{kind}": by_tifffile(noise(kind), **BLACK) for kind in ("float16", "float64")},
    "uint64": by_tifffile(noise("uint32").astype(np.uint64) << np.uint64(30), **BLACK),
    "bilevel": by_tifffile(GREY > 99, **BLACK),
    "white 1 bit": by_tifffile(GREY > 99, GREY <= 99, **WHITE),
    "white 8 bits": by_tifffile(GREY, 255 - GREY, **WHITE),
    "white 16 bits": by_tifffile(noise("uint16"), 65535 - noise("uint16"), **WHITE),
    "white signed": by_tifffile(noise("int16"), -1 - noise("int16"), **WHITE),
    "white 4 bits": bits(4, **WHITE),
    "white 12 bits": bits(12, **WHITE),
    **{f"{count} bits": bits(count) for count in (2, 3, 4, 6, 7, 10, 12, 14)},
    "rgb": by_tifffile(COLOUR, **RGB),
    "rgb 16 bits": by_tifffile(DEEP, **RGB),
    "no photometric tag": by_hand({}, GREY.tobytes(), GREY),
    "big-endian": by_tifffile(DEEP, **RGB, byteorder=">"),
    "bigtiff": by_tifffile(DEEP, **RGB, bigtiff=True, byteorder=">"),
    "planar": by_tifffile(COLOUR.transpose(2, 0, 1), COLOUR, **RGB, planarconfig="separate"),
    "planar tiles": by_tifffile(
        DEEP.transpose(2, 0, 1), DEEP, **RGB, planarconfig="separate", **TILES
    ),
    "strips": by_tifffile(COLOUR, **RGB, rowsperstrip=7),
    "tiles": by_tifffile(DEEP, **RGB, **TILES),
    "lzw 2": by_tifffile(DEEP, **RGB, compression="lzw", predictor=2, rowsperstrip=9),
    "deflate 2": by_tifffile(COLOUR, **RGB, compression="zlib", predictor=2, **TILES),
    "deflate 3": by_tifffile(FLOATS, **BLACK, compression="zlib", predictor=3),
    "lzw 3 big-endian": by_tifffile(
        noise("float64"), **BLACK, compression="lzw", predictor=3, byteorder=">"
    ),
    "orientation": by_tifffile(COLOUR, **RGB, extratags=[(274, "H", 1, 6, True)]),
    "jpeg": seen_by_pillow(by_tifffile(COLOUR, **RGB, compression="jpeg")),
    "jpeg 2×2": seen_by_pillow(by_tifffile(COLOUR, **RGB, compression="jpeg", subsampling=(2, 2))),
    "jpeg by libtiff": by_pillow("RGB", COLOUR, compression="jpeg", quality=98),
    "jpeg cmyk": by_pillow("CMYK", INKS, compression="jpeg", quality=98),
    "jpeg old": old_jpeg(apart=False),
    "jpeg old, tables apart": old_jpeg(apart=True),
    "palette": by_tifffile(GREY, COLOURS[GREY], photometric="palette", colormap=TABLE),
    "palette 16 bits": by_tifffile(
        noise("uint16"),
        (np.resize(TABLE, (3, 65536)) >> 8).astype(np.uint8).T[noise("uint16")],
        photometric="palette",
        colormap=np.resize(TABLE, (3, 65536)),
    ),
    "palette 4 bits": by_hand(
        {258: 4, 262: 3, 320: tuple(map(int, TABLE[:, :16].ravel()))}, packed(GREY // 16)
    ),
    "palette 1 bit": by_hand(
        {258: 1, 262: 3, 320: (0, 65535, 40000, 0, 9000, 100)},
        np.packbits(GREY > 99, axis=1).tobytes(),
    ),
    "palette and alpha": by_hand(
        {258: (8, 8), 262: 3, 277: 2, 338: 2, 320: tuple(map(int, TABLE.ravel()))},
        np.dstack([GREY, ALPHA[..., 3]]).tobytes(),
        COLOURS[GREY],
    ),
    "cmyk": by_pillow("CMYK", INKS),
    "cmyk lzw": by_pillow("CMYK", INKS, compression="tiff_lzw"),
    "cmyk 16 bits": by_tifffile(
        DEEP_INKS,
        np.rint(LEFT[..., :3] * LEFT[..., 3:] / 65535).astype(np.uint16),
        photometric="separated",
    ),
    "ycbcr": by_pillow("YCbCr", COLOUR),
    "ycbcr of video": by_hand(
        {258: (8, 8, 8), 259: 8, 262: 6, 277: 3, 530: (1, 1)}
        | {532: ((16, 1), (235, 1), (128, 1), (240, 1), (128, 1), (240, 1))},
        zlib.compress(COLOUR.tobytes()),
    ),
    **{f"subsampled {a}×{d}": subsampled(a, d) for a, d in ((2, 2), (2, 1), (4, 1), (4, 2))},
    "lab": lab(icc=False, wide=False),
    "lab icc": lab(icc=True, wide=False),
    "lab 16 bits": lab(icc=False, wide=True),
    "lab 16 bits icc": lab(icc=True, wide=True),
    "alpha": by_tifffile(ALPHA, COLOUR, **RGB, extrasamples=["unassalpha"]),
    "alpha associated": by_tifffile(ALPHA, COLOUR, **RGB, extrasamples=["assocalpha"]),
    "grey and alpha": by_tifffile(
        ALPHA[..., 2:], ALPHA[..., 2], **BLACK, planarconfig="contig", extrasamples=["unassalpha"]
    ),
    "a fourth channel": by_tifffile(ALPHA, **RGB, extrasamples=["unspecified"]),
    "five channels": by_tifffile(noise(channels=5), **BLACK, planarconfig="contig"),
    "five channels, white": by_tifffile(
        noise(channels=5), 255 - noise(channels=5), **WHITE, planarconfig="contig"
    ),
    "a thumbnail first": pages(SMALL, (GREY, BLACK)),
    "a mask first": pages((GREY > 9, {**BLACK, "subfiletype": 4}), (GREY, BLACK)),
    "a small page first": pages((COLOUR[::3, ::3], RGB), (COLOUR, RGB)),
    "levels": with_levels,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_tiff(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    right = KINDS[kind](path)
    whole = decode(path.read_bytes(), "a.tif")
    assert whole.shape == right.shape
    allowed = max((n for word, n in CLOSE.items() if kind.startswith(word)), default=0)
    difference = np.abs(whole.astype(np.float64) - right.astype(np.float64)).max()
    assert difference <= allowed, difference
    rows, shown = open_rows(path, 0), to_uint8(whole, "a.tif")
    assert rows.size == SIDES
    for top, bottom in ((0, 50), (11, 30)):
        assert np.array_equal(rows.rows(top, bottom), shown[top:bottom])
        assert np.array_equal(rows.stored(top, bottom), whole[top:bottom])


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({262: 32803}, "CFA"),
        ({262: 10, 258: (8, 8, 8), 277: 3}, "ITULAB"),
        ({262: 5, 258: (8,) * 4, 277: 4, 332: 2}, "inks other than cyan"),
        ({262: 2}, "1 samples a pixel, of which 3 are colour"),
        ({262: 3}, "a palette of too few colours"),
        ({262: 6, 258: (8, 8, 8), 277: 3, 530: (3, 3)}, "subsampled by 3×3"),
    ],
)
def test_what_is_not_known_is_refused(tags: dict[int, Any], said: str) -> None:
    with pytest.raises(SegkitError, match=said):
        decode(raw([bytes(9000)], tags), "a.tif")
