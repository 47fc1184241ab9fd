"""Single image files: damaged, odd, and larger than they look."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import tifffile
from PIL import Image

from tests.hostile.cases import Case, file, spoilt
from tests.hostile.samples import images, noise, pillow, tiff


def pictures(seed: int = 0, count: int = 400) -> Iterator[Case]:
    """Damaged files of every format, ``count`` in all, and then the odd ones."""
    samples = images()
    for number, (name, data) in enumerate(samples.items()):
        each = count // len(samples) + (number < count % len(samples))
        for what, damaged in spoilt(name, data, each, seed * 1000 + number):
            yield file(what, "image", damaged, name)
    for name, data in odd().items():
        yield file(name, "image", data, name)


def picture_bombs() -> Iterator[Case]:
    """Those that are larger than they look."""
    for name, data in bombs().items():
        yield file(name, "image", data, name)


def png(width: int, height: int, depth: int, colour: int, data: bytes, *more: bytes) -> bytes:
    """A PNG of any header, its pixels packed as given; ``more`` are further chunks before them."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    extra = b"".join(chunk(one[:4], one[4:]) for one in more)
    body = chunk(b"IHDR", head) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def directory(tags: dict[int, tuple[int, int]], following: int = 0) -> bytes:
    """A TIFF directory of long tags: (count, value or offset) by number."""
    entries = [struct.pack("<HHII", tag, 4, *tags[tag]) for tag in sorted(tags)]
    return struct.pack("<H", len(tags)) + b"".join(entries) + struct.pack("<I", following)


def bare_tiff(width: int, height: int, **more: int) -> bytes:
    """A TIFF of one strip of a few bytes that claims any size; ``more`` are tags: t259=5."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 64}
    tags |= {int(name[1:]): value for name, value in more.items()}
    place = 8 + 64
    head = b"II*\x00" + struct.pack("<I", place) + b"\x80\x3f" * 32
    return head + directory({tag: (1, value) for tag, value in tags.items()})


def circle(pages: int) -> bytes:
    """A TIFF whose last of so many pages leads back to its first."""
    size, out = 2 + 9 * 12 + 4, b"II*\x00" + struct.pack("<I", 8)
    tags = {256: 2, 257: 2, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 2, 279: 4}
    for number in range(pages):
        after = 8 + size * ((number + 1) % pages)
        out += directory({tag: (1, value) for tag, value in tags.items()}, after)
    return out


def _rotated(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return pillow(noise(20, 24, 3), "JPEG", exif=exif)


def odd() -> dict[str, bytes]:
    """Files that are as their formats allow, or nearly, and that few expect."""
    floats = noise(20, 24).astype(np.float32)
    found = {"empty.png": b"", "text.png": b"id,age\n7,61\n", "zero.jpg": bytes(999)}
    for bad in (np.nan, np.inf, -np.inf, 3e38, -3e38):
        spoilt_one = floats.copy()
        spoilt_one[0, :3] = bad
        found[f"float {bad}.tif"] = tiff(spoilt_one)
    span = np.array([[-3e38, 3e38]], np.float32)
    found["span.tif"] = tiff(np.repeat(span, 20, 0))
    found["span64.tif"] = tiff(np.repeat(span.astype(np.float64) * 5e269, 20, 0))
    for kind in ("complex64", "int8", "int64", "uint64", "float16", "float64"):
        found[f"{kind}.tif"] = tiff(np.ones((20, 24), kind))
    found["one.png"] = pillow(noise(1, 1), "PNG")
    found["one.tif"] = tiff(noise(1, 1))
    found["norows.png"] = png(24, 0, 8, 0, zlib.compress(b""))
    found["nocolumns.png"] = png(0, 20, 8, 0, zlib.compress(bytes(20)))
    found["norows.tif"] = bare_tiff(24, 0)
    found["wide.png"] = pillow(np.zeros((1, 70_000), np.uint8), "PNG")
    found["high.tif"] = tiff(np.zeros((70_000, 1), np.uint8), compression="zlib")
    found["stack.tif"] = tiff(noise(6, 20, 24), photometric="minisblack")
    found["five.tif"] = tiff(noise(20, 24, 5), photometric="minisblack", planarconfig="contig")
    found["cfa.tif"] = bare_tiff(8, 8, t262=32803)
    found["itulab.tif"] = bare_tiff(8, 8, t262=10)
    found["bits.tif"] = bare_tiff(8, 8, t258=2**31)
    found["gif.png"] = pillow(noise(20, 24), "GIF")
    found["webp.png"] = pillow(noise(20, 24, 3), "WEBP")
    found["eps.png"] = pillow(noise(20, 24, 3), "EPS")
    found |= {f"turned{turn}.jpg": _rotated(turn) for turn in range(1, 9)}
    found["turned99.jpg"] = _rotated(99)
    for pages in (1, 2, 99, 100, 101, 150, 4000):
        found[f"circle{pages}.tif"] = circle(pages)
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for _ in range(300):
            writer.write(noise(4, 4), metadata=None)
    found["pages.tif"] = stream.getvalue()
    return found


def bombs() -> dict[str, bytes]:
    """Small files that claim, or unpack to, more than a machine holds."""
    side, zeros = 60_000, zlib.compress(bytes(2**26), 9)
    large = pillow(np.zeros((4000, 4000), np.uint8), "JPEG")
    claims = struct.unpack(">H", large[large.index(b"\xff\xc0") + 5 :][:2])[0]
    assert claims == 4000
    place = large.index(b"\xff\xc0") + 5
    huge = large[:place] + struct.pack(">HH", 65_500, 65_500) + large[place + 4 : 6000]
    found = {
        "header.png": png(side, side, 8, 0, zlib.compress(bytes(1000))),
        "deepheader.png": png(side, side, 16, 2, zlib.compress(bytes(1000))),
        "widest.png": png(2**31 - 1, 1, 8, 0, b""),
        "unpacks.png": png(8, 8, 8, 0, zeros),
        "text.png": png(8, 8, 8, 0, zlib.compress(bytes(72)), b"zTXtnote\0\0" + zeros),
        "profile.png": png(8, 8, 8, 0, zlib.compress(bytes(72)), b"iCCPicc\0\0" + zeros),
        "header.jpg": huge,
        "header.bmp": b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, side, side, 1, 24, *[0] * 6),
        "rle.bmp": b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 1078, 40, side, side, 1, 8, 1, *[0] * 5)
        + bytes(1024)
        + b"\xff\x01" * 99,
        "header.tif": bare_tiff(side, side),
        "largest.tif": bare_tiff(2**32 - 1, 2**32 - 1),
        "longest.tif": bare_tiff(1, 2**32 - 1, t278=1),
        "sparse.tif": bare_tiff(side, side, t273=0, t279=0),
        "tiles.tif": bare_tiff(64, 64, t322=2**31, t323=2**31, t324=8, t325=64),
        "samples.tif": bare_tiff(64, 64, t277=65_535),
        "depth.tif": bare_tiff(64, 64, t32997=2**30),
    }
    for method in (5, 7, 8, 32773, 34712, 34887, 34925, 50000, 50001, 50002):
        found[f"method{method}.tif"] = bare_tiff(side, side, t259=method)
    for name in ("zlib", "lzma", "zstd", "lzw", "packbits"):
        found[f"{name} unpacks.tif"] = _shrunk(
            tiff(np.zeros((4000, 4000), np.uint8), compression=name, rowsperstrip=4000)
        )
    inside = tiff(noise(16, 16, 3), photometric="rgb", compression="jpeg")
    start, size = _strip(inside)
    found["jpeg in jpeg.tif"] = _with_strip(
        inside, pillow(np.zeros((5000, 5000, 3), np.uint8), "JPEG"), start, size
    )
    inside = tiff(noise(16, 16, 3), photometric="rgb", compression="jpeg2000")
    big = tiff(
        np.zeros((2000, 2000, 3), np.uint8),
        photometric="rgb",
        compression="jpeg2000",
        rowsperstrip=2000,
    )
    where, long = _strip(big)
    found["jpeg2000 in tiff.tif"] = _with_strip(inside, big[where : where + long], *_strip(inside))
    for text in (
        "ImageJ=1.11a\nimages=999999999\nslices=999999999\n",
        '{"shape": [99999, 99999]}',
        '{"shape": [999999999, 20, 24]}',
    ):
        found[f"described {len(found)}.tif"] = tiff(noise(20, 24), description=text, metadata=None)
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY l0 "ha">{laughs}]><OME>&l9;</OME>'
    found["laughs.tif"] = tiff(noise(20, 24), description=bomb, metadata=None)
    return found


def _strip(data: bytes) -> tuple[int, int]:
    with tifffile.TiffFile(io.BytesIO(data)) as found:
        page = found.pages.first
        return page.dataoffsets[0], page.databytecounts[0]


def _with_strip(data: bytes, strip: bytes, start: int, size: int) -> bytes:
    """The file with another strip, which is put at its end."""
    with tifffile.TiffFile(io.BytesIO(data)) as found:
        tags = found.pages.first.tags
        places = [
            (tags[number].offset + 8, value)
            for number, value in ((273, len(data)), (279, len(strip)))
        ]
        assert (tags[273].value[0], tags[279].value[0]) == (start, size)
        kinds = [tags[number].dtype for number in (273, 279)]
    out = bytearray(data)
    for (place, value), kind in zip(places, kinds, strict=True):
        struct.pack_into("<I", out, place, value)
        struct.pack_into("<H", out, place - 6, 4)
        assert kind in (3, 4)
    return bytes(out) + strip


def _shrunk(data: bytes) -> bytes:
    """The same packed bytes under a header that claims 16 by 16 pixels."""
    with tifffile.TiffFile(io.BytesIO(data)) as found:
        tags = found.pages.first.tags
        places = [(tags[number].offset, 16) for number in (256, 257, 278)]
    out = bytearray(data)
    for place, value in places:
        struct.pack_into("<HII", out, place + 2, 4, 1, value)
    return bytes(out)
