"""Records that cannot be used: they stop a run by name, or are left out and counted."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.data.augment import Augmentation
from segkit.data.datamodule import SegmentationData
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from segkit.data.splits import SplitSpec
from segkit.drawing.overlay import encode_png


def make(reader: Reader, cache_dir: Path, on_bad_record: Any = "error") -> SegmentationData:
    return SegmentationData(
        reader=reader,
        name="set",
        split=SplitSpec(val=0.25, test=0.25),
        augmentation=Augmentation(transforms=[]),
        size=(32, 32),
        crop=None,
        channels=1,
        batch_size=4,
        num_workers=0,
        score_by="image",
        score_at="native",
        on_bad_record=on_bad_record,
        cache_dir=cache_dir,
        panel_ids=None,
        panel_count=3,
        seed=0,
    )


def pairs(root: Path, count: int = 8, size: int = 32) -> Folder:
    """Images a, b, … with masks of 0 and 255."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
        for name in "abcdefghijkl"[:count]:
            pixels = rng.integers(0, 2, (size, size)).astype(np.uint8) * 255
            Image.fromarray(pixels).save(root / kind / f"{name}.png")
    return Folder(root, classes=["background", "cell"])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def not_a_number(root: Path) -> None:
    (root / "images" / "c.png").unlink()
    tifffile.imwrite(root / "images" / "c.tif", np.full((32, 32), np.nan, np.float32))


BAD: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "zero bytes": (lambda r: (r / "images/c.png").write_bytes(b""), "images/c.png", "zero bytes"),
    "truncated image": (lambda r: cut(r / "images/c.png"), "images/c.png", "cannot be read"),
    "truncated mask": (lambda r: cut(r / "masks/c.png"), "masks/c.png", "cannot be read"),
    "NaN": (not_a_number, "images/c.tif", "NaN or infinite"),
    "size": (
        lambda r: Image.new("L", (31, 32)).save(r / "masks/c.png"),
        "images/c.png and masks/c.png",
        "32×32 against 31×32",
    ),
    "mask value": (
        lambda r: Image.new("L", (32, 32), 7).save(r / "masks/c.png"),
        "masks/c.png",
        "hold the values",
    ),
    "orphan image": (lambda r: (r / "masks/c.png").unlink(), "images/c.png", "without a mask"),
    "orphan mask": (lambda r: (r / "images/c.png").unlink(), "masks/c.png", "without an image"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_record_stops_by_name_or_is_left_out_and_counted(
    tmp_path: Path, cache_dir: Path, kind: str
) -> None:
    reader = pairs(tmp_path / "set")
    whole = {path: path.read_bytes() for path in (tmp_path / "set").rglob("c.png")}
    damage, where, what = BAD[kind]
    damage(tmp_path / "set")
    data = make(reader, cache_dir)
    for _ in range(2):  # found while decoding, and then in the cache
        with pytest.raises(SegkitError, match=r"1 of \d records cannot be used") as caught:
            data.prepare_data()
        assert where in caught.value.where
        assert what in caught.value.where
        assert caught.value.remedy
        assert not list(cache_dir.glob(".*.building"))

    skipping = make(Folder(tmp_path / "set", classes=reader.classes), cache_dir, "skip")
    skipping.prepare_data()
    assert [record.id for record in skipping.records] == list("abdefgh")
    assert len(skipping.problems) == 1
    assert len(skipping.split_csv().splitlines()) == 8
    assert sum(len(batch["index_B"]) for batch in skipping.val_dataloader()) == 2

    for path, content in whole.items():
        path.write_bytes(content)
    (tmp_path / "set" / "images" / "c.tif").unlink(missing_ok=True)
    mended = make(Folder(tmp_path / "set", classes=reader.classes), cache_dir)
    mended.prepare_data()
    assert [record.id for record in mended.records] == list("abcdefgh")


@pytest.mark.parametrize(
    "name",
    [
        "{image}_mask_1.png",  # beside the image, which has {image}_mask.png too
        "masks/{image}/2.png",  # one file an object
    ],
)
@pytest.mark.parametrize("objects", [False, True])
def test_half_a_truth_is_none(tmp_path: Path, cache_dir: Path, name: str, objects: bool) -> None:
    """An image of which one of several masks cannot be read is left out as a whole."""
    root, rng = tmp_path / "set", np.random.default_rng(0)
    first = name.replace("_1", "").replace("2", "1")
    for image in "abcdefgh":
        own = f"images/{image}.png" if name.startswith("masks") else f"{image}.png"
        for file in (own, first.format(image=image), name.format(image=image)):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 2, (32, 32)).astype(np.uint8) * 255
            Image.fromarray(pixels).save(root / file)
    cut(root / name.format(image="c"))
    reader = Folder(root, classes=["background", "cell"], labels="objects" if objects else "auto")
    if objects:
        reader.require_objects()
    data = make(reader, cache_dir)
    with pytest.raises(SegkitError, match=r"1 of 8 records cannot be used") as caught:
        data.prepare_data()
    assert name.format(image="c") in caught.value.where
    skipping = make(reader, cache_dir, "skip")
    skipping.prepare_data()
    assert [PurePosixPath(record.id).name for record in skipping.records] == list("abdefgh")
    assert len(skipping.problems) == 1


def test_many_bad_records_are_counted_and_the_first_are_named(
    tmp_path: Path, cache_dir: Path
) -> None:
    reader = pairs(tmp_path / "set")
    for name in "abcdefg":
        (tmp_path / "set" / "images" / f"{name}.png").write_bytes(b"")
    with pytest.raises(SegkitError, match="7 of 8 records") as caught:
        make(reader, cache_dir).prepare_data()
    assert caught.value.where.endswith("a.png (an image file of zero bytes, and so in 6 more)")


def test_what_to_do_follows_from_what_is_wrong(tmp_path: Path, cache_dir: Path) -> None:
    reader = pairs(tmp_path / "set")
    for name in "abc":
        values = np.tile(np.arange(40, dtype=np.uint8), (40, 1))
        (tmp_path / "set" / "masks" / f"{name}.png").write_bytes(encode_png(values))
    with pytest.raises(SegkitError, match="3 of 8 records") as caught:
        make(reader, cache_dir).prepare_data()
    assert "dataset.mask_threshold=0" in caught.value.remedy
    assert "dataset.on_bad_record=skip" in caught.value.remedy


def test_skipping_everything_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    reader = pairs(tmp_path / "set", count=2)
    for path in (tmp_path / "set" / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(SegkitError, match="2 of 2 records cannot be used") as caught:
        make(reader, cache_dir, "skip").prepare_data()
    assert "on_bad_record" not in caught.value.remedy
