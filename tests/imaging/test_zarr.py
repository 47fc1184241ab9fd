"""OME-Zarr: level 0 as it was written, whole and by rows; what is not one image is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.core.limits import limited_to
from segkit.core.planes import Planes
from segkit.imaging.bands import open_rows
from segkit.imaging.formats.zarr import spacing
from segkit.imaging.zarr_bands import ZarrRows
from tests.imaging.zarr_files import attributes, write_zarr

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 60000, (3, 70, 90)).astype(np.uint16)
# Both ways of reading: whole, and by rows whatever the size.
WAYS = (10**9, 0)


def same(path: Path, wanted: Any, planes: Planes | None = None) -> None:
    """Both ways give these pixels, at any rows, and one of them reads no more."""
    whole, rows = (open_rows(path, large, "image", planes=planes or Planes()) for large in WAYS)
    assert isinstance(rows, ZarrRows) == (wanted.dtype in (np.uint8, np.uint16, np.int16))
    for opened in (whole, rows):
        assert opened.size == wanted.shape[:2]
        assert opened.depth == wanted.dtype.name
        found = opened.stored(7, 61)
        assert found.dtype == wanted.dtype
        assert np.array_equal(found, wanted[7:61])
    assert np.array_equal(whole.rows(0, 70), rows.rows(0, 70))


@pytest.mark.parametrize(
    "kind", ["bool", "int8", "uint8", ">u2", "int16", "<u4", "i8", ">f4", "f8"]
)
@pytest.mark.parametrize("version", [2, 3])
def test_values_of_every_kind(kind: str, version: int, tmp_path: Path) -> None:
    pixels = RNG.integers(0, 120, (70, 90)).astype(kind)
    path = write_zarr(tmp_path / "a.ome.zarr", pixels, version=version)
    same(path, pixels.astype(pixels.dtype.newbyteorder("=")))


@pytest.mark.parametrize(
    "codec",
    [None, *(numcodecs.get_codec({"id": name}) for name in ("blosc", "bz2", "gzip", "lz4"))]
    + [numcodecs.get_codec({"id": name}) for name in ("lzma", "zlib", "zstd")]
    + [numcodecs.Blosc(cname, shuffle=s) for cname in ("zstd", "zlib", "blosclz") for s in (0, 2)],
)
def test_what_packs_chunks_in_version_2(codec: Any, tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", DEEP, "cyx", compressors=codec)
    same(path, np.moveaxis(DEEP, 0, -1))


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": None},
        {"compressors": [{"name": "gzip", "configuration": {"level": 5}}]},
        {"compressors": [{"name": "blosc", "configuration": {"cname": "lz4"}}, {"name": "crc32c"}]},
        {"filters": [{"name": "transpose", "configuration": {"order": [2, 0, 1]}}]},
        {"chunks": (1, 16, 16), "shards": (3, 32, 64)},
        {"chunks": (1, 16, 16), "shards": (1, 16, 16), "compressors": None},
        {"chunk_key_encoding": {"name": "v2", "separator": "."}},
    ],
)
def test_what_packs_chunks_in_version_3(options: Any, tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", DEEP, "cyx", version=3, **options)
    same(path, np.moveaxis(DEEP, 0, -1))


@pytest.mark.parametrize(
    "options", [{"order": "F"}, {"chunk_key_encoding": {"name": "v2", "separator": "/"}}]
)
def test_orders_and_names_of_version_2(options: Any, tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", DEEP, "cyx", **options)
    same(path, np.moveaxis(DEEP, 0, -1))


def test_chunks_that_are_not_there_hold_the_fill_value(tmp_path: Path) -> None:
    older = write_zarr(tmp_path / "2.zarr", DEEP, "cyx", fill_value=7)
    newer = write_zarr(tmp_path / "3.zarr", DEEP, "cyx", version=3, fill_value=7)
    (older / "0" / "0.1.0").unlink()
    shutil.rmtree(newer / "0" / "c" / "0" / "1")
    for path, columns in ((older, 32), (newer, 90)):
        wanted = np.moveaxis(DEEP, 0, -1).copy()
        wanted[32:64, :columns] = 7
        same(path, wanted)


@pytest.mark.parametrize("axes", ["cyx", "tcyx", "czyx", "tczyx", "yxc"])
def test_axes_are_those_of_the_metadata(axes: str, tmp_path: Path) -> None:
    order = {"cyx": (0, 1, 2), "yxc": (1, 2, 0)}.get(axes, (0, 1, 2))
    pixels = DEEP.transpose(order)
    pixels = pixels.reshape([{"c": 3, "y": 70, "x": 90}.get(axis, 1) for axis in axes])
    path = write_zarr(tmp_path / "a.zarr", pixels, axes, version=3, names=["DAPI", "GFP", "Cy5"])
    same(path, np.moveaxis(DEEP, 0, -1))
    assert {open_rows(path, large).channels for large in WAYS} == {("DAPI", "GFP", "Cy5")}


@pytest.mark.parametrize("z", ["max", "mean", 2])
def test_stacks_by_the_settings(z: Any, tmp_path: Path) -> None:
    stack = RNG.integers(0, 255, (2, 4, 70, 90)).astype(np.uint8)
    path = write_zarr(tmp_path / "a.zarr", stack, "czyx")
    wanted = {"max": stack.max(1), "mean": np.rint(stack.mean(1)), 2: stack[:, 2]}[z]
    same(path, np.moveaxis(wanted, 0, -1).astype(np.uint8), Planes(z=z))


@pytest.mark.parametrize("large", WAYS)
def test_planes_that_nobody_chose_are_refused(large: int, tmp_path: Path) -> None:
    stack = write_zarr(tmp_path / "z.zarr", np.zeros((2, 5, 70, 90), np.uint8), "czyx")
    series = write_zarr(tmp_path / "t.zarr", np.zeros((2, 3, 70, 90), np.uint8), "tzyx")
    with pytest.raises(SegkitError, match=r"a stack of planes[\s\S]*z=2"):
        open_rows(stack, large)
    with pytest.raises(SegkitError, match="a stack of planes, the last of which is 4"):
        open_rows(stack, large, planes=Planes(z=5))
    with pytest.raises(SegkitError, match="time series"):
        open_rows(series, large, planes=Planes(z="max"))


def test_a_pixel_is_as_large_as_both_scales_say(tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", DEEP, "cyx", unit="nanometer")
    assert spacing(path) == pytest.approx((0.0005, 0.00025))
    said = json.loads((path / ".zattrs").read_text())
    said["multiscales"][0]["coordinateTransformations"] = [{"type": "scale", "scale": [1, 4, 2]}]
    (path / ".zattrs").write_text(json.dumps(said))
    assert spacing(path) == pytest.approx((0.002, 0.0005))
    assert spacing(write_zarr(tmp_path / "b.zarr", DEEP, "cyx", unit=None)) is None


@pytest.mark.parametrize(
    "names", [["a", "b"], ["a", "b", "a"], ["a", "", "c"], ["a", "b", "\x1b[2J"]]
)
def test_names_that_do_not_tell_channels_apart_are_none(names: list[str], tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", DEEP, "cyx", names=names)
    assert {open_rows(path, large).channels for large in WAYS} == {()}


def test_what_bioformats2raw_writes(tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr" / "0", DEEP, "cyx")
    (tmp_path / "a.zarr" / ".zattrs").write_text('{"bioformats2raw.layout": 3}')
    (tmp_path / "a.zarr" / ".zgroup").write_text('{"zarr_format": 2}')
    same(tmp_path / "a.zarr", np.moveaxis(DEEP, 0, -1))
    same(tmp_path / "a.zarr" / "0", np.moveaxis(DEEP, 0, -1))
    write_zarr(tmp_path / "a.zarr" / "1", DEEP, "cyx")
    with pytest.raises(SegkitError, match=r"several images[\s\S]*a.zarr/0"):
        open_rows(tmp_path / "a.zarr", 0)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"plate": {}}, "a plate of many images"),
        ({"well": {}}, "a plate of many images"),
        ({}, "does not say that it is an image"),
        ({"multiscales": [{"datasets": [{"path": "0"}]}]}, "does not name its axes"),
        (attributes("cyw"), "axes c, y, w"),
        (attributes("yyx"), "axes y, y, x"),
        (attributes("yx"), "axes yx, and 3 sides"),
        (attributes("cyx", level="../b"), "leads out of its folder"),
        (attributes("cyx", level="/etc"), "leads out of its folder"),
        (attributes("cyx", level="9"), "cannot be read"),
    ],
)
def test_what_is_no_image_is_refused(said: Any, told: str, tmp_path: Path) -> None:
    write_zarr(tmp_path / "b", DEEP, "cyx")
    path = write_zarr(tmp_path / "a.zarr", DEEP, "cyx")
    (path / ".zattrs").write_text(json.dumps(said))
    for large in WAYS:
        with pytest.raises(SegkitError, match=told):
            open_rows(path, large)


def test_rows_of_an_image_beyond_the_limit(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 255, (3000, 400)).astype(np.uint8)
    path = write_zarr(tmp_path / "a.zarr", pixels, chunks=(128, 128))
    with limited_to(1):
        assert np.array_equal(open_rows(path, 0).rows(2900, 3000), pixels[2900:])
        with pytest.raises(SegkitError, match="the limit is 1 megapixels"):
            open_rows(path, 10**9)
    with limited_to(0.01), pytest.raises(SegkitError, match="a band of 1024 rows"):
        open_rows(path, 0)


def test_without_zarr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zarr(tmp_path / "a.zarr", DEEP, "cyx")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for large in WAYS:
        with pytest.raises(SegkitError, match=r"pip install 'segkit\[zarr\]'"):
            open_rows(path, large)
