"""``dataset.intensity``: what a reader gives, what a cache is built anew for, what auto becomes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from segkit.core.channels import Channels
from segkit.core.errors import SegkitError
from segkit.data.cache import Cache, open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.folder import Folder
from segkit.imaging.pixels import to_uint8
from segkit.runs.settled import settled

SIDE = 24


def plane(number: int, scale: int, channels: int = 1) -> NDArray[np.uint16]:
    shape = (SIDE, SIDE, channels) if channels > 1 else (SIDE, SIDE)
    return (np.random.default_rng(number).integers(50, 250, shape) * scale).astype(np.uint16)


def write(root: Path, name: str, pixels: NDArray[Any], *, mask: bool = True) -> None:
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True, exist_ok=True)
    colour = "rgb" if pixels.ndim == 3 and pixels.shape[2] == 3 else "minisblack"
    tifffile.imwrite(root / "images" / f"{name}.tif", pixels, photometric=colour)
    if mask:
        Image.fromarray(np.eye(SIDE, dtype=np.uint8)).save(root / "masks" / f"{name}.png")


def reader(root: Path, intensity: Any) -> Folder:
    found = Folder(root, classes=("a", "b"), group_pattern=r"(p\d+)_")
    found.intensity = intensity
    return found


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """Two patients: the second's images are a hundred times as bright, and one of them is dark."""
    for name, scale in (("p1_a", 1), ("p1_b", 1), ("p2_a", 100), ("p2_b", 1)):
        write(tmp_path / "data", name, plane(ord(name[-1]) + scale, scale))
    return tmp_path / "data"


def images(root: Path, intensity: Any) -> dict[str, NDArray[np.uint8]]:
    found = reader(root, intensity)
    return {one.id: found.read(one).image for one in found.listing().records}


def test_a_group_is_scaled_together(patients: Path) -> None:
    each, together = images(patients, "image"), images(patients, "group")
    assert all(image.max() == 255 for image in each.values())
    assert together["p2_b"].max() <= 3  # a hundredth of its group's brightest
    # The window is of all of them: equal values are equal in both images of a patient.
    stored = {name: tifffile.imread(patients / "images" / f"{name}.tif") for name in together}
    for value in np.intersect1d(stored["p1_a"], stored["p1_b"]):
        shades = {int(x) for n in ("p1_a", "p1_b") for x in together[n][stored[n] == value]}
        assert len(shades) == 1


def test_an_image_of_a_group_that_cannot_be_read_does_not_stop_the_others(patients: Path) -> None:
    (patients / "images" / "p1_b.tif").write_bytes(b"II*\0nothing")
    found = reader(patients, "group")
    one, bad = found.listing().records[:2]
    assert found.read(one).image.max() == 255
    with pytest.raises(SegkitError):
        found.read(bad)


def test_images_without_a_mask_do_not_count_where_others_have_one(patients: Path) -> None:
    before = images(patients, "group")["p1_a"]
    (patients / "images" / "test").mkdir()
    tifffile.imwrite(patients / "images" / "test" / "p1_z.tif", plane(1, 200))
    found = reader(patients, "group")
    assert [one.group for one in found.listing().records].count("p1") == 3
    np.testing.assert_array_equal(found.read(found.listing().records[0]).image, before)


def cache(root: Path, folder: Path, intensity: Any, channels: Channels = 1) -> Cache:
    one = reader(root, intensity)
    spec = CacheSpec(None, channels)
    records = one.listing().records
    return open_cache(one, records, spec=spec, folder=folder, name="x", threads=2)


def test_another_rule_is_another_cache_and_depths_are_kept(patients: Path, tmp_path: Path) -> None:
    Image.fromarray(plane(9, 1).astype(np.uint8)).save(patients / "images" / "p3_a.png")
    Image.fromarray(np.eye(SIDE, dtype=np.uint8)).save(patients / "masks" / "p3_a.png")
    rules: list[Any] = ["stored", "image", "group", (0.0, 100.0), (0.0, 200.0)]
    built = [cache(patients, tmp_path / "c", rule) for rule in rules]
    assert len({one.folder for one in built}) == len(rules)
    for one, rule in zip(built, rules, strict=True):
        assert one.depths == {"uint16": 4, "uint8": 1}
        assert one.depths == cache(patients, tmp_path / "c", rule).depths  # not decoded again
    expected = to_uint8(plane(9, 1).astype(np.uint8), "a", (0.0, 100.0))
    np.testing.assert_array_equal(built[3].image("p3_a")[..., 0], expected)


def test_by_default_a_reader_does_what_it_did(patients: Path) -> None:
    found = Folder(patients, classes=("a", "b"))
    for record in found.listing().records:
        stored = tifffile.imread(patients / record.image)
        np.testing.assert_array_equal(found.read(record).image, to_uint8(stored, "a"))


@pytest.mark.parametrize(
    ("count", "channels", "intensity", "expected"),
    [
        (1, "auto", "auto", (3, "image")),
        (3, "auto", "auto", (3, "image")),
        (5, "auto", "auto", (5, "channel")),
        (5, [0, 4], "auto", ([0, 4], "channel")),
        (5, "auto", "group", (5, "group")),
        (1, 1, [10, 20], (1, [10, 20])),
    ],
)
def test_auto_is_settled_by_the_data(
    tmp_path: Path, count: int, channels: Any, intensity: Any, expected: Any
) -> None:
    planes = plane(0, 1, count)
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "a.tif"
    if count == 5:
        moved = np.ascontiguousarray(np.moveaxis(planes, 2, 0))
        tifffile.imwrite(path, moved, imagej=True, metadata={"axes": "CYX"})
    else:
        tifffile.imwrite(path, planes, photometric="rgb" if count == 3 else "minisblack")
    one = Folder(tmp_path, classes=("a", "b"))
    config = {"dataset": {"channels": channels, "intensity": intensity}}
    found = settled(config, one)["dataset"]
    assert (found["channels"], found["intensity"]) == expected
    assert one.intensity == (
        expected[1] if isinstance(expected[1], str) else tuple(map(float, expected[1]))
    )
