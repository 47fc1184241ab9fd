"""Pillow and tifffile belong to the process: reading an image neither changes nor heeds them."""

import io
import logging
import runpy
import struct
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.imaging.bands import open_rows
from segkit.imaging.masks import zero_is_light
from segkit.imaging.pixels import decode, orientation
from segkit.imaging.quiet import without_tifffile_log
from tests.process_state import changed, process_state

PACKAGE = Path(__file__).parents[2] / "segkit"


def written(kind: str) -> bytes:
    stream = io.BytesIO()
    picture = Image.fromarray(np.full((40, 60), 7, np.uint8))
    if kind == "palette":
        picture = picture.convert("P")
        picture.putpalette([255, 255, 255, 0, 0, 0])
    if kind == "TIFF":
        tifffile.imwrite(stream, np.full((40, 60), 7, np.uint8), photometric="miniswhite")
    else:
        picture.save(stream, "PNG" if kind == "palette" else kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "palette"])
def test_pillows_bound(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # At twice its bound Pillow refuses, from its bound on it warns.
    for bound in (10, 2000, None):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", bound)
        before = process_state()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert decode(written(kind), "a", indexed=True).shape == (40, 60)
            assert orientation(written(kind)) == 1
            assert zero_is_light(written(kind)) == (kind in ("TIFF", "palette"))
        assert not changed(before)


@pytest.mark.parametrize(
    "module", ["imaging/pixels", "imaging/tiff", "data/augment", "data/distortion"]
)
def test_importing_changes_nothing(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_ALBUMENTATIONS_UPDATE", raising=False)
    before = process_state()
    runpy.run_path(str(PACKAGE / f"{module}.py"))
    assert not changed(before)


def odd_tiff() -> bytes:
    """A file that tifffile reads, with a tag of which it logs an error."""
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, np.ones((40, 60), np.uint8), metadata=None, software="x" * 40, description="y" * 40
    )
    data = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        struct.pack_into("<I", data, tiff.pages.first.tags["Software"].offset + 8, 2**31)
    return bytes(data)


def test_tifffiles_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "odd.tif"
    path.write_bytes(odd_tiff())
    before = process_state()
    assert decode(odd_tiff(), "odd.tif").all()
    assert open_rows(path, 10).rows(0, 40).all()
    assert not changed(before)
    assert caplog.text == ""
    # The user, who reads it himself, is told; and so is he while another thread reads for segkit.
    with without_tifffile_log():
        other = threading.Thread(target=lambda: tifffile.TiffFile(io.BytesIO(odd_tiff())).pages[0])
        other.start()
        other.join()
        alone = len(caplog.records)
        with without_tifffile_log():
            tifffile.TiffFile(io.BytesIO(odd_tiff())).pages[0]
        tifffile.TiffFile(io.BytesIO(odd_tiff())).pages[0]
        assert len(caplog.records) == alone > 0
    assert not logging.getLogger("tifffile").filters
    tifffile.TiffFile(io.BytesIO(odd_tiff())).pages[0]
    assert len(caplog.records) > alone
