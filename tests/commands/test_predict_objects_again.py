"""Predict of objects, stopped, started again, and where it must not begin."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from segkit import predict
from segkit.core.tables import read_table
from segkit.inference.objects import label_files, object_files
from tests.commands.bright import ALL, MORE, discs, given, labels_of
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import table

# pycocotools' own, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


command = fixture_of(predict)


def content(folder: Path) -> dict[str, bytes]:
    """Of every file, without what a second run cannot give alike."""
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    del found["predictions.csv"]
    return found


def test_stopped_and_started_again_it_gives_the_same(
    object_runs: list[Path],
    command: Call,
    disc_inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert command(*given(object_runs[0], disc_inputs, whole, *ALL, *MORE)) == 0
    stopped = iter((False, False, True))
    real = label_files.write_labels

    def ended(*args: Any, **more: Any) -> None:
        if next(stopped):
            signal.raise_signal(signal.SIGTERM)
        real(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(object_files, "write_labels", ended)
        assert (
            command(*given(object_runs[0], disc_inputs, out, *ALL, *MORE)) == 128 + signal.SIGTERM
        )
    assert not [path for path in out.rglob(".*") if path.name != ".objects"]
    assert [row["image"] for row in table(out)] == ["colour", "deep"]
    assert not (out / "grey.png").exists()
    assert command(*given(object_runs[0], disc_inputs, out, *ALL, *MORE)) == 0
    assert content(out) == content(whole)
    # Another image alone: what was found before stays.
    Image.fromarray(discs(5, (60, 60), 4).astype(np.uint8)).save(tmp_path / "later.png")
    before = read_table(out / "objects.csv")
    assert command(*given(object_runs[0], tmp_path / "later.png", out, *ALL, *MORE)) == 0
    rows = read_table(out / "objects.csv")
    assert [row for row in rows if row["image"] != "later"] == before
    assert len(rows) > len(before)
    assert len(COCO(str(out / "coco.json")).anns) == len(rows)


def test_what_was_asked_for_later_is_made_and_a_lost_part_too(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert command(*given(object_runs[0], disc_inputs, out)) == 0
    assert not (out / "coco.json").exists()
    assert command(*given(object_runs[0], disc_inputs, out, "coco=true")) == 0
    (out / ".objects" / "grey.objects.csv").unlink()
    assert command(*given(object_runs[0], disc_inputs, out, "coco=true")) == 0
    assert command(*given(object_runs[0], disc_inputs, whole, "coco=true")) == 0
    assert content(out) == content(whole)


def test_more_objects_than_16_bits_hold(
    object_runs: list[Path],
    command: Call,
    disc_inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The form follows the number of objects, and the other form does not stay beside it."""
    out, one = tmp_path / "out", disc_inputs / "grey.png"
    assert command(*given(object_runs[0], one, out)) == 0
    labels = labels_of(out / "grey.png")
    with monkeypatch.context() as patch:
        patch.setattr(object_files, "label_suffix", lambda *_: ".tif")
        assert command(*given(object_runs[0], one, out, "overwrite=true")) == 0
    assert not (out / "grey.png").exists()
    assert np.array_equal(labels_of(out / "grey.tif"), labels)
    written = (out / "grey.tif").stat().st_mtime_ns
    assert command(*given(object_runs[0], one, out)) == 0
    assert (out / "grey.tif").stat().st_mtime_ns == written
    assert not (out / "grey.png").exists()
    # Of fewer objects again, as 16 bits hold.
    assert command(*given(object_runs[0], one, out, "overwrite=true")) == 0
    assert not (out / "grey.tif").exists()
    (out / "grey.png").rename(out / "grey.tif")
    # Without a row, it is somebody else's.
    (out / "predictions.csv").unlink()
    assert command(*given(object_runs[0], one, out)) == 2
    assert label_files.label_suffix(np.array([[70_000]])) == ".tif"


def test_a_mask_that_no_row_tells_of_is_kept(
    object_runs: list[Path],
    command: Call,
    disc_inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Labels corrected in another program, saved as TIFF beside the PNG."""
    out, one = tmp_path / "out", disc_inputs / "grey.png"
    assert command(*given(object_runs[0], one, out)) == 0
    (out / "grey.tif").write_bytes(b"corrected by hand")
    Image.fromarray(discs(5, (60, 60), 4).astype(np.uint8)).save(one)
    assert command(*given(object_runs[0], one, out)) == 0
    assert labels_of(out / "grey.png").shape == (60, 60)
    assert (out / "grey.tif").read_bytes() == b"corrected by hand"
    # Nor is it taken for the mask, nor replaced.
    (out / "grey.png").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(object_files, "label_suffix", lambda *_: ".tif")
        assert command(*given(object_runs[0], one, out)) == 1
        assert "grey.tif is there already" in table(out)[0]["status"]
        assert (out / "grey.tif").read_bytes() == b"corrected by hand"
        assert command(*given(object_runs[0], one, out, "overwrite=true")) == 0
    assert labels_of(out / "grey.tif").shape == (60, 60)


def test_a_part_of_an_image_that_changed_is_not_taken_for_the_new_one(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    out, one = tmp_path / "out", disc_inputs / "grey.png"
    asked = ("coco=true", "rle=true")
    assert command(*given(object_runs[0], one, out, *asked)) == 0
    Image.fromarray(discs(5, (60, 60), 4).astype(np.uint8)).save(one)
    assert command(*given(object_runs[0], one, out)) == 0
    assert command(*given(object_runs[0], one, out, *asked)) == 0
    assert {
        tuple(each["segmentation"]["size"]) for each in COCO(str(out / "coco.json")).anns.values()
    } == {(60, 60)}


@pytest.fixture
def refused(
    command: Call, disc_inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What the command says where it must not begin."""

    def call(run: Path, *more: str) -> str:
        before = sorted((tmp_path / "out").rglob("*"))
        assert command(*given(run, disc_inputs, tmp_path / "out", *more)) == 2
        assert sorted((tmp_path / "out").rglob("*")) == before
        return capsys.readouterr().err

    return call


@pytest.mark.parametrize("name", ["objects.csv", "coco.json", "submission.csv"])
def test_a_file_of_somebody_elses_is_not_replaced(
    name: str, object_runs: list[Path], refused: Callable[..., str], command: Call, tmp_path: Path
) -> None:
    out, asked = tmp_path / "out", ("coco=true", "rle=true")
    out.mkdir()
    (out / name).write_text('{"images": []}', "utf-8")
    said = refused(object_runs[0], *asked)
    assert name in said
    assert "overwrite=true" in said
    assert command(*given(object_runs[0], tmp_path / "in", out, *asked, "overwrite=true")) == 0
    assert command(*given(object_runs[0], tmp_path / "in", out, *asked)) == 0


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("values=[0,255]", "labels are stored as they are"),
        ("pixel_size=0", "0 is not the size of a pixel"),
        ("pixel_size=[1,2,3]", "height and width"),
        ("rois=1", "rois"),
    ],
)
def test_what_labels_cannot_be(
    key: str, says: str, object_runs: list[Path], refused: Callable[..., str]
) -> None:
    assert says in refused(object_runs[0], key)


@pytest.mark.parametrize("key", ["rois=true", "geojson=true", "coco=true", "pixel_size=0.3"])
def test_a_run_that_tells_no_objects_apart(key: str, run: Any, refused: Callable[..., str]) -> None:
    said = refused(run.folder, key)
    assert "tells no objects apart" in said
    assert "task=instance" in said
