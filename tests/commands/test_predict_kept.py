"""``python -m segkit.predict`` overwrites nothing that it did not write."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from segkit import predict
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import given, picture, table

command = fixture_of(predict)


def test_what_it_did_not_write_is_not_overwritten(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "colour.png").write_bytes(b"drawn by hand")
    assert command(*given(run, inputs, out)) == 2
    assert (out / "colour.png").read_bytes() == b"drawn by hand"
    assert command(*given(run, inputs, out, "overwrite=true")) == 0
    # Of other settings, and of another image.
    before = (out / "predictions.csv").read_bytes()
    (inputs.parent / "more").mkdir()
    other = inputs.parent / "more" / "other.png"
    Image.fromarray(picture(1)).save(other)
    for source in (inputs, other):
        assert command(*given(run, source, out, "threshold=0.9")) == 2
        assert "overwrite=true" in capsys.readouterr().err
    assert (out / "predictions.csv").read_bytes() == before
    assert command(*given(run, inputs, out, "threshold=0.9", "overwrite=true")) == 0


def test_a_file_that_no_row_lists_is_not_overwritten(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though the table beside it is this prediction's: of an input that came later."""
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 0
    before = (out / "predictions.csv").read_bytes()
    (out / "later.png").write_bytes(b"drawn by hand")
    Image.fromarray(picture(5)).save(inputs / "later.png")
    assert command(*given(run, inputs, out)) == 2
    err = capsys.readouterr().err
    assert str(out / "later.png") in err
    assert "overwrite=true" in err
    assert (out / "later.png").read_bytes() == b"drawn by hand"
    assert (out / "predictions.csv").read_bytes() == before
    (out / "later.png").unlink()
    assert command(*given(run, inputs, out)) == 0
    assert (out / "later.png").is_file()


def test_what_was_drawn_in_place_of_a_failure_is_kept(
    run: Any, command: Call, inputs: Path, tmp_path: Path
) -> None:
    (inputs / "broken.png").write_bytes(b"\x89PNG not one")
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 1
    (out / "broken.png").write_bytes(b"drawn by hand")
    os.utime(out / "broken.png", (2**32, 2**32))
    assert command(*given(run, inputs, out)) == 2
    assert (out / "broken.png").read_bytes() == b"drawn by hand"


def test_a_submission_of_somebody_else_is_kept(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "submission.csv").write_text("id,rle_mask\n1,\n", "utf-8")
    asked = given(run, inputs / "grey.bmp", tmp_path, "rle=true")
    assert command(*asked) == 2
    assert "segkit did not write it" in capsys.readouterr().err
    assert (tmp_path / "submission.csv").read_text("utf-8") == "id,rle_mask\n1,\n"
    assert not (tmp_path / "predictions.csv").exists()
    for again in ("overwrite=true", "rle=true"):
        assert command(*asked, again) == 0
        assert (tmp_path / "submission.csv").read_text("utf-8").startswith("ImageId,Enc")


@pytest.mark.parametrize("head", ["a,b", "file,b"])
def test_a_table_of_something_else_is_kept(
    run: Any, command: Call, inputs: Path, tmp_path: Path, head: str
) -> None:
    (tmp_path / "predictions.csv").write_text(f"{head}\n1,2\n", "utf-8")
    asked = given(run, inputs / "grey.bmp", tmp_path)
    assert command(*asked) == 2
    assert (tmp_path / "predictions.csv").read_text("utf-8") == f"{head}\n1,2\n"
    assert command(*asked, "overwrite=true") == 0
    assert len(table(tmp_path)) == 1
