"""Predict into the same folder again, asked for other files: none tells of earlier masks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segkit import predict
from segkit.core.tables import read_table
from tests.commands.bright import ALL, MORE, discs, given
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import given as given_semantic
from tests.commands.predicting import picture, table

command = fixture_of(predict)


def content(folder: Path) -> dict[str, bytes]:
    """Of every file but predictions.csv, which holds times."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != "predictions.csv"}


def test_what_was_written_of_an_image_is_written_of_its_new_labels(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    out, whole, one = tmp_path / "out", tmp_path / "whole", disc_inputs / "grey.png"
    assert command(*given(object_runs[0], disc_inputs, out, *ALL, *MORE)) == 0
    Image.fromarray(discs(5, (60, 60), 4).astype(np.uint8)).save(one)
    assert command(*given(object_runs[0], disc_inputs, out)) == 0
    assert command(*given(object_runs[0], disc_inputs, whole, *ALL, *MORE)) == 0
    expected = content(whole)
    # Whose rows it would have is not known: it held those of a command's own inputs.
    del expected["submission.csv"]
    assert content(out) == expected
    # Of another run too, and of what has been removed nothing comes back.
    (out / "grey.geojson").unlink()
    assert command(*given(object_runs[1], one, out, "overwrite=true")) == 0
    assert command(*given(object_runs[1], one, tmp_path / "other", *ALL, *MORE)) == 0
    own = content(tmp_path / "other")
    for name, found in content(out).items():
        if "grey" in name:
            assert found == own[name], name
    assert not (out / "grey.geojson").exists()


def test_a_file_that_was_not_asked_for_is_somebody_elses(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    out, one = tmp_path / "out", disc_inputs / "grey.png"
    assert command(*given(object_runs[0], one, out)) == 0
    (out / "grey_rois.zip").write_bytes(b"drawn by hand")
    Image.fromarray(discs(5, (60, 60), 4).astype(np.uint8)).save(one)
    assert command(*given(object_runs[0], one, out)) == 0
    assert (out / "grey_rois.zip").read_bytes() == b"drawn by hand"


def test_it_says_that_it_predicts_again_what_lacks_a_file(
    object_runs: list[Path],
    command: Call,
    disc_inputs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert command(*given(object_runs[0], disc_inputs, out, "geojson=true", "rle=true")) == 0
    before = content(out)
    capsys.readouterr()
    assert command(*given(object_runs[0], disc_inputs, out, "rois=true")) == 0
    said = capsys.readouterr().err
    again = "images that lack files of rois=true: 4; predicting them again"
    assert said.index(again) < said.index("loading PyTorch")
    # With the labels that it had: what stands beside them stays true.
    assert content(out).items() >= before.items()
    assert (out / "grey_rois.zip").is_file()
    assert {row["beside"] for row in table(out)} == {"rois geojson rle"}
    assert command(*given(object_runs[0], disc_inputs, out, "rois=true")) == 0
    assert "again" not in capsys.readouterr().err


def test_an_image_that_fails_keeps_what_it_had(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    out, one = tmp_path / "out", disc_inputs / "grey.png"
    assert command(*given(object_runs[0], one, out, "rois=true", "coco=true")) == 0
    one.write_bytes(b"no image")
    assert command(*given(object_runs[0], one, out)) == 1
    assert read_table(out / "objects.csv") == []
    assert "segmentation" not in (out / "coco.json").read_text("utf-8")
    Image.fromarray(discs(5, (60, 60), 4).astype(np.uint8)).save(one)
    assert command(*given(object_runs[0], one, out)) == 0
    assert command(*given(object_runs[0], one, tmp_path / "new", "rois=true", "coco=true")) == 0
    assert content(out) == content(tmp_path / "new")


def test_classes(run: Any, command: Call, tmp_path: Path) -> None:
    out, new, one = tmp_path / "out", tmp_path / "new", tmp_path / "a.png"
    asked = ("overlay=true", "colour=true", "probability=true")
    Image.fromarray(picture(1)).save(one)
    assert command(*given_semantic(run, one, out, *asked, "rle=true")) == 0
    Image.fromarray(picture(2)).save(one)
    assert command(*given_semantic(run, one, out)) == 0
    assert command(*given_semantic(run, one, new, *asked)) == 0
    assert content(out) == content(new)
