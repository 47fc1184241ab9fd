"""Archives whose members lead out of them: nothing is unpacked, so nothing lands anywhere."""

import stat
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from segkit.core.errors import SegkitError
from segkit.drawing.overlay import encode_png
from segkit.imaging.bands import open_rows
from segkit.imaging.pixels import decode

CLASSES = "dataset.classes=[background,nucleus]"
ESCAPES = (
    "../../escaped/{}",
    "/tmp/escaped/{}",  # never written to
    "images/../../../escaped/{}",
    "..\\..\\escaped\\{}",
    "C:\\escaped\\{}",
    "images/\u202egnp.{}",
)


def pair(number: int) -> tuple[bytes, bytes]:
    rng = np.random.default_rng(number)
    mask = np.zeros((32, 32), np.uint8)
    mask[4:20, 4 : 20 + number] = 255
    return encode_png(rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)), encode_png(mask)


def archive(path: Path, escape: str) -> None:
    """Eight good pairs, and the ninth under names that lead elsewhere."""
    with zipfile.ZipFile(path, "w") as made:
        for number in range(9):
            image, mask = pair(number)
            name = "images/{}" if number < 8 else escape
            made.writestr(name.format(f"{number}.png"), image)
            masks = name.replace("images", "masks") if "images" in name else f"masks/{name}"
            made.writestr(masks.format(f"{number}.png"), mask)


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


@pytest.mark.parametrize("escape", ESCAPES)
def test_members_that_lead_out(stranger: Any, escape: str) -> None:
    base: Path = stranger.home.parent
    archive(base / "data.zip", escape)
    before = everything(base)
    given = [f"dataset.root={base / 'data.zip'}", f"dataset.cache_dir={base / 'cache'}"]
    more = ["dataset.on_bad_record=skip", "split=all"]
    code, said = stranger.use("evaluate", "dataset=folder", CLASSES, *given, *more)
    assert code == 0, said
    made = everything(base) - before
    assert any(path.is_relative_to(base / "cache") for path in made)
    inside = (base / "cache", stranger.folder)
    assert all(any(path.is_relative_to(place) for place in inside) for path in made)
    assert not Path("/tmp/escaped").exists()


def test_a_member_that_is_a_link(stranger: Any) -> None:
    """Its content is the name of a file of the user's, and is read as a damaged image."""
    base: Path = stranger.home.parent
    secret = base / "secret.png"
    secret.write_bytes(pair(1)[0])
    root = base / "data.zip"
    archive(root, "images/{}")
    with zipfile.ZipFile(root, "a") as made:
        for name in ("images/link.png", "masks/link.png"):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            made.writestr(entry, str(secret))
    given = ["dataset=folder", f"dataset.root={root}", f"dataset.cache_dir={base / 'cache'}"]
    said = stranger.refuses("evaluate", *given, CLASSES, "split=all")
    assert "images/link.png" in said


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "..\\secret.png", "C:\\x.png"])
@pytest.mark.parametrize("column", ["image", "mask"])
def test_a_table_names_nothing_outside(stranger: Any, column: str, name: str) -> None:
    root = stranger.home.parent / "data"
    image, mask = pair(1)
    for path, data in ((root / "a.png", image), (root / "m.png", mask)):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    row = {"image": "a.png", "mask": "m.png", column: name}
    (root / "table.csv").write_text(f"image,mask\n{row['image']},{row['mask']}\n", "utf-8")
    given = ["dataset=folder", f"dataset.root={root}", "dataset.manifest=table.csv"]
    said = stranger.refuses("train", "resume=null", *given, "dataset.cache_dir=c")
    assert "leads out of the data set" in said


OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">
<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="32"
 SizeY="32" SizeC="1" SizeZ="1" SizeT="2"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>
<TiffData IFD="0" FirstT="0" PlaneCount="1"><UUID FileName="a.tif">urn:uuid:1</UUID></TiffData>
<TiffData IFD="0" FirstT="1" PlaneCount="1"><UUID FileName="{}">urn:uuid:2</UUID></TiffData>
</Pixels></Image></OME>"""


@pytest.mark.parametrize("absolute", [True, False])
def test_an_image_does_not_bring_other_files_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absolute: bool
) -> None:
    """TIFF's OME form names further files to be read together with the first."""
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("other.tif", np.full((32, 32), 77, np.uint8))
    named = OME.format(tmp_path / "other.tif" if absolute else "other.tif")
    tifffile.imwrite("a.tif", np.zeros((32, 32), np.uint8), description=named, metadata=None)
    with tifffile.TiffFile("a.tif") as tiff:
        assert 77 in tiff.series[0].asarray(), "it names no other file"
    with suppress(SegkitError):
        assert 77 not in decode(Path("a.tif").read_bytes(), "a.tif")
    with suppress(SegkitError):
        assert 77 not in open_rows(tmp_path / "a.tif", 0).rows(0, 32)
