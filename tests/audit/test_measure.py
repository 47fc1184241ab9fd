"""Facts against images whose every number is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from segkit.audit.measure import Facts, measure_all
from segkit.core.errors import SegkitError
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.readers.folder import Folder
from segkit.data.readers.label_checks import Labels
from segkit.drawing.overlay import encode_png
from tests.imaging.zarr_files import write_zarr


def write(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels)
    else:
        path.write_bytes(encode_png(pixels))


def mask(*rows: slice) -> NDArray[np.uint8]:
    found = np.zeros((20, 30), np.uint8)
    for part in rows:
        found[part, 2:5] = 255
    return found


def facts(root: Path, **settings: Any) -> list[Facts]:
    reader = Folder(root, classes=("background", "cell"), **settings)
    found, unreadable = measure_all(reader, reader.listing().records, threads=2)
    assert unreadable == []
    return found


def test_a_colour_png(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[..., 1] = 100
    image[:5, :, 2] = 255
    write(tmp_path / "images" / "a.png", image)
    write(tmp_path / "masks" / "a.png", mask(slice(0, 4), slice(10, 12)))
    (fact,) = facts(tmp_path)
    assert (fact.format, fact.dtype, fact.bits) == ("PNG", "uint8", 8)
    assert (fact.height, fact.width, fact.channels) == (20, 30, 3)
    assert (fact.low, fact.mean, fact.high) == ((0, 100, 0), (0, 100, 63.75), (0, 100, 255))
    assert fact.saturated == 0.25
    assert fact.shares == pytest.approx((1 - 18 / 600, 18 / 600))
    assert fact.objects == 2
    assert (fact.empty, fact.blank) == (False, False)
    assert fact.mask_values == "0 255"
    assert fact.read_ms > 0


@pytest.mark.parametrize(("mode", "bits"), [("1", 1), ("P", 2), ("P", 4), ("L", 8)])
def test_the_bits_are_those_of_the_png(tmp_path: Path, mode: str, bits: int) -> None:
    write(tmp_path / "masks" / "a.png", mask(slice(0, 4)))
    (tmp_path / "images").mkdir()
    pixels = np.tile(np.arange(30, dtype=np.uint8) % 2, (20, 1))
    picture = Image.fromarray(pixels).convert("P" if mode == "P" else "L").convert(mode)
    picture.save(tmp_path / "images" / "a.png", bits=bits)
    (fact,) = facts(tmp_path)
    assert (fact.format, fact.bits, fact.dtype) == ("PNG", bits, "uint8")


@pytest.mark.parametrize(("mode", "bits"), [("1", 1), ("L", 8), ("RGB", 8)])
def test_the_bits_of_a_bmp_are_of_a_channel(tmp_path: Path, mode: str, bits: int) -> None:
    write(tmp_path / "masks" / "a.png", mask(slice(0, 4)))
    (tmp_path / "images").mkdir()
    Image.fromarray(mask(slice(0, 4))).convert(mode).save(tmp_path / "images" / "a.bmp")
    (fact,) = facts(tmp_path)
    assert (fact.format, fact.bits) == ("BMP", bits)


def test_a_16_bit_tiff_is_measured_as_stored(tmp_path: Path) -> None:
    image = np.full((20, 30), 1000, np.uint16)
    image[:2] = 4095
    image[2:4] = 500
    write(tmp_path / "images" / "a.tif", image)
    write(tmp_path / "masks" / "a.png", mask())
    (fact,) = facts(tmp_path)
    assert (fact.format, fact.dtype, fact.bits, fact.channels) == ("TIFF", "uint16", 16, 1)
    assert (fact.low, fact.high) == ((500,), (4095,))
    assert fact.saturated == 0.1  # 4095 is the top of 12 bits
    assert fact.empty
    assert fact.objects == 0


def test_a_blank_image_without_a_mask(tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.png", np.full((20, 30), 7, np.uint8))
    (fact,) = facts(tmp_path)
    assert fact.blank
    assert fact.shares == ()
    assert fact.objects is None
    assert not fact.empty
    assert fact.mask_values == fact.mask_digest == ""


def test_instances_are_counted_where_the_data_have_them(phantom_root: Path) -> None:
    reader = Dsb2018(phantom_root)
    records = reader.listing().records
    found, _ = measure_all(reader, records, threads=2)
    assert [fact.record.id for fact in found] == [record.id for record in records]
    assert [fact.objects for fact in found] == [len(record.masks) for record in records]
    assert {fact.record.stratum for fact in found} == {"fluorescence", "brightfield", "stained"}


def test_objects_that_a_mask_of_classes_would_merge_are_counted(tmp_path: Path) -> None:
    labels = np.zeros((30, 40), np.uint16)
    labels[2:8, 2:8], labels[2:8, 8:12] = 300, 7  # side by side
    labels[12:16, 2:6], labels[16:20, 6:10], labels[20:24, 10:14] = 8, 9, 10  # corner to corner
    labels[2:8, 30:36] = labels[20:24, 30:36] = 11  # alone, in two pieces
    counts = {}
    sets: tuple[tuple[Labels, NDArray[np.uint16]], ...] = (
        ("objects", labels),
        ("components", (labels > 0).astype(np.uint16)),
    )
    for kind, masks in sets:
        for folder in ("images", "masks"):
            (tmp_path / kind / folder).mkdir(parents=True)
            Image.fromarray(masks).save(tmp_path / kind / folder / "a.png")
        reader = Folder(tmp_path / kind, classes=("background", "cell"), labels=kind)
        ((found,), _) = measure_all(reader, reader.listing().records, threads=1)
        counts[kind] = (found.objects, found.touching)
    assert counts == {"objects": (6, 5), "components": (4, 0)}


def test_what_cannot_be_read_is_kept_apart(tmp_path: Path) -> None:
    for name in "abcd":
        write(tmp_path / "images" / f"{name}.png", np.full((20, 30), 7, np.uint8))
        write(tmp_path / "masks" / f"{name}.png", mask(slice(0, 4)))
    (tmp_path / "images" / "a.png").write_bytes(b"no image")
    write(tmp_path / "masks" / "b.png", np.zeros((10, 10), np.uint8))
    write(tmp_path / "masks" / "c.png", mask(slice(0, 4)) // 2)
    reader = Folder(tmp_path, classes=("background", "cell"))
    found, unreadable = measure_all(reader, reader.listing().records, threads=1)
    assert [fact.record.id for fact in found] == ["d"]
    assert [bad.record.id for bad in unreadable] == ["a", "b", "c"]
    for bad, words in zip(unreadable, ("cannot be read", "differ in size", "127"), strict=True):
        assert isinstance(bad.error, SegkitError)
        assert words in bad.error.what
        assert f"{bad.record.id}.png" in bad.error.where


def test_channels_and_axes_as_files_name_them(tmp_path: Path) -> None:
    planes = np.random.default_rng(0).integers(0, 255, (2, 20, 30)).astype(np.uint8)
    names = ["DAPI", "GFP"]
    (tmp_path / "images").mkdir()
    for name in "abcd":
        write(tmp_path / "masks" / f"{name}.png", mask(slice(0, 4)))
    ome: dict[str, Any] = {"axes": "CYX", "Channel": {"Name": names}}
    tifffile.imwrite(tmp_path / "images" / "a.ome.tif", planes, metadata=ome)
    (tmp_path / "masks" / "a.png").rename(tmp_path / "masks" / "a.ome.png")
    labels: dict[str, Any] = {"axes": "CYX", "Labels": names}
    tifffile.imwrite(tmp_path / "images" / "b.tif", planes, imagej=True, metadata=labels)
    write_zarr(tmp_path / "images" / "c.ome.zarr", planes, "cyx", names=names)
    write(tmp_path / "images" / "d.png", np.moveaxis(planes, 0, -1)[..., [0, 1, 1]])
    found = {fact.record.id: fact for fact in facts(tmp_path)}
    told = {fact.format: (fact.layout.axes, *fact.layout.channels) for fact in found.values()}
    assert told == {"TIFF": ("CYX", *names), "OME-Zarr": ("CYX", *names), "PNG": ("",)}
    assert {fact.channels for fact in found.values()} == {2, 3}
