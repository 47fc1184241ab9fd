"""Files that are in order, of every kind that segkit reads: what the others are made from."""

import io
import zipfile
import zlib
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.imaging.tiff_files import raw

Array = NDArray[Any]
# Of its own writing tifffile's would hold a new identifier each time.
_OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="24" '
    'SizeY="20" SizeC="1" SizeZ="1" SizeT="1"><TiffData IFD="0" PlaneCount="1"/></Pixels></Image>'
    "</OME>"
)


def noise(*shape: int, kind: str = "uint8", seed: int = 0) -> Array:
    """Random pixels of an integer type."""
    top = np.iinfo(kind).max
    return np.random.default_rng(seed).integers(0, top, shape, endpoint=True).astype(kind)


def pillow(pixels: Array | Image.Image, kind: str, **options: Any) -> bytes:
    """An image as Pillow writes it."""
    stream = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(stream, kind, **options)
    return stream.getvalue()


def tiff(pixels: Array, **options: Any) -> bytes:
    """An image as tifffile writes it."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def npz(*, packed: bool = False, **arrays: Array) -> bytes:
    """Arrays as numpy saves them."""
    stream = io.BytesIO()
    save: Any = np.savez_compressed if packed else np.savez
    save(stream, **arrays)
    return stream.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def images() -> dict[str, bytes]:
    """One file of each format and depth, by a name whose suffix fits; 24 by 20 pixels."""
    grey, rgb, deep = noise(20, 24), noise(20, 24, 3), noise(20, 24, kind="uint16")
    palette = Image.fromarray(rgb).quantize(8)
    exif = Image.Exif()
    exif[0x0112] = 6
    floats = grey.astype(np.float32) / 7
    return {
        "grey.png": pillow(grey, "PNG"),
        "colour.png": pillow(rgb, "PNG", exif=exif),
        "bit.png": pillow(grey > 99, "PNG"),
        "palette.png": pillow(palette, "PNG", transparency=0),
        "deep.png": pillow(deep, "PNG"),
        "deepcolour.png": cv2.imencode(".png", noise(20, 24, 3, kind="uint16"))[1].tobytes(),
        "colour.jpg": pillow(rgb, "JPEG", exif=exif),
        "progressive.jpg": pillow(rgb, "JPEG", progressive=True),
        "cmyk.jpg": pillow(Image.fromarray(rgb).convert("CMYK"), "JPEG"),
        "palette.gif": pillow(palette, "GIF"),
        "grey.gif": pillow(grey, "GIF"),
        "colour.bmp": pillow(rgb, "BMP"),
        "palette.bmp": pillow(palette, "BMP"),
        "grey.tif": tiff(grey),
        "strips.tif": tiff(rgb, photometric="rgb", rowsperstrip=3, compression="zlib"),
        "lzw.tif": tiff(deep, compression="lzw", predictor=True),
        "tiles.tif": tiff(deep, tile=(16, 16), compression="zstd"),
        "lzma.tif": tiff(grey, compression="lzma"),
        "packbits.tif": tiff(grey, compression="packbits"),
        "jpeg.tif": tiff(rgb, photometric="rgb", compression="jpeg"),
        "jpeg2000.tif": tiff(rgb, photometric="rgb", compression="jpeg2000"),
        "palette.tif": pillow(palette, "TIFF"),
        "fax.tif": pillow(Image.fromarray(grey > 99), "TIFF", compression="group4"),
        "float.tif": tiff(floats),
        "big.tif": tiff(deep, bigtiff=True, byteorder=">"),
        "imagej.tif": tiff(deep, imagej=True),
        "ome.tif": tiff(deep, description=_OME, metadata=None),
        "shaped.tif": tiff(deep, metadata={"axes": "YX", "note": "x"}),
        **_kinds(grey, rgb),
    }


def _kinds(grey: Array, rgb: Array) -> dict[str, bytes]:
    """TIFF files whose samples are not what is seen, and of several planes."""
    three: dict[int, Any] = {258: (8, 8, 8), 277: 3}
    halved = noise(10, 12, 6).tobytes()
    table = tuple(range(0, 65536, 86))[:768]
    jpeg = pillow(rgb, "JPEG", subsampling=0)

    def by_hand(strip: bytes, **tags: Any) -> bytes:
        return raw([strip], three | {int(k[1:]): v for k, v in tags.items()}, sides=(20, 24))

    return {
        "cmyk.tif": pillow(Image.fromarray(rgb).convert("CMYK"), "TIFF"),
        "ycbcr.tif": pillow(Image.fromarray(rgb).convert("YCbCr"), "TIFF"),
        "halved.tif": by_hand(halved, t262=6, t530=(2, 2)),
        "halveddeflate.tif": by_hand(zlib.compress(halved), t259=8, t262=6, t530=(2, 2)),
        "lab.tif": by_hand(rgb.tobytes(), t262=8),
        "oldjpeg.tif": by_hand(jpeg, t259=6, t262=6, t530=(1, 1)),
        "oldjpegapart.tif": by_hand(jpeg, t259=6, t262=6, t513=[8], t514=[len(jpeg)]),
        "palettealpha.tif": by_hand(
            noise(20, 24, 2).tobytes(), t258=(8, 8), t262=3, t277=2, t338=2, t320=table
        ),
        "nibbles.tif": tiff(grey // 16, bitspersample=4),
        "white.tif": tiff(grey, photometric="miniswhite"),
        "planar.tif": tiff(rgb.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
        "channels.tif": tiff(noise(2, 20, 24), imagej=True, metadata={"axes": "CYX"}),
        "stack.tif": tiff(noise(3, 20, 24), photometric="minisblack", metadata={"axes": "ZYX"}),
        "pages.tif": tiff(noise(3, 20, 24), photometric="minisblack", metadata=None),
    }
