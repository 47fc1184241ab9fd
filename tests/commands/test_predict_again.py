"""``python -m segkit.predict`` in a folder of its own: what it continues, repeats and keeps."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch import Tensor

from segkit import predict
from segkit.core.files import CannotWriteError, atomic_path
from segkit.core.tables import table_text
from segkit.inference import outputs as prediction_files
from segkit.inference.names import Input
from segkit.inference.outputs import NotWrittenError
from segkit.inference.table import Table, columns
from segkit.tasks.semantic.decoder import SemanticDecoder
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import given, picture, table

command = fixture_of(predict)


def timeless(folder: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table(folder)]


def test_a_broken_file_is_reported_and_the_rest_is_done(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (inputs / "broken.png").write_bytes(b"\x89PNG not one")
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 1
    assert "1 of 7" in capsys.readouterr().err
    status = {Path(row["file"]).stem: row["status"] for row in table(out)}
    assert "cannot be read" in status.pop("broken")
    assert set(status.values()) == {"ok"}
    assert not (out / "broken.png").exists()
    # Mended, it alone is done.
    before = (out / "colour.png").stat().st_mtime_ns
    Image.fromarray(picture(9)).save(inputs / "broken.png")
    assert command(*given(run, inputs, out)) == 0
    assert (out / "colour.png").stat().st_mtime_ns == before
    assert {row["status"] for row in table(out)} == {"ok"}


def test_stopped_and_started_again_it_gives_the_same(
    run: Any, command: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert command(*given(run, inputs, whole)) == 0
    decode, calls = SemanticDecoder.decode, 0

    def failing(self: SemanticDecoder, outputs: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise KeyboardInterrupt
        return decode(self, outputs)

    with monkeypatch.context() as patch:
        patch.setattr(SemanticDecoder, "decode", failing)
        assert command(*given(run, inputs, stopped)) == 130
    assert len(list(stopped.glob("*.png"))) == 3
    assert not [path for path in stopped.iterdir() if path.name.startswith(".")]
    # As a kill leaves it: a row without its mask, and half a row of the next.
    last = table(stopped)[-1]
    (stopped / f"{last['image']}.png").unlink()
    with (stopped / "predictions.csv").open("a", encoding="utf-8") as stream:
        stream.write("/half/a/row.png,row,7")
    before = (stopped / "alpha.png").stat().st_mtime_ns
    assert command(*given(run, inputs, stopped)) == 0
    assert timeless(stopped) == timeless(whole)
    assert (stopped / "alpha.png").stat().st_mtime_ns == before
    for path in whole.glob("*.png"):
        assert path.read_bytes() == (stopped / path.name).read_bytes()


def written(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}


def test_an_input_that_changed_is_done_again_and_one_that_was_touched_is_not(
    run: Any, command: Call, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 0
    before = written(out)
    # Of another content, as large, and older than what was predicted of it.
    Image.fromarray(picture(12, (50, 40))).save(inputs / "grey.bmp")
    os.utime(inputs / "grey.bmp", (0, 0))
    os.utime(inputs / "deep.tif", (2**32, 2**32))
    assert command(*given(run, inputs, out)) == 0
    after = written(out)
    assert {name for name in after if after[name] != before[name]} == {"grey.png"}
    assert command(*given(run, inputs, out)) == 0
    assert written(out) == after


def test_other_inputs_of_the_same_names_are_predicted_anew(
    run: Any, command: Call, inputs: Path, tmp_path: Path
) -> None:
    """Both folders are older than the predictions; they change places."""
    out, new = tmp_path / "out", tmp_path / "new"
    new.mkdir()
    Image.fromarray(picture(13)).save(new / "colour.png")
    shutil.copy2(inputs / "grey.bmp", new)
    assert command(*given(run, inputs, out)) == 0
    before = written(out)
    inputs.rename(tmp_path / "old")
    new.rename(inputs)
    assert command(*given(run, inputs, out)) == 0
    assert {name for name in before if written(out)[name] != before[name]} == {"colour.png"}


def test_a_table_of_an_earlier_version_is_continued(
    run: Any, command: Call, inputs: Path, tmp_path: Path
) -> None:
    """It knows the times of files alone."""
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 0
    rows = table(out)
    names = [name for name in rows[0] if name not in ("input_stamp", "input_checksum")]
    text = table_text(names, [[row[name] for name in names] for row in rows])
    (out / "predictions.csv").write_text(text, "utf-8")
    before = written(out)
    os.utime(inputs / "deep.tif", (2**32, 2**32))
    assert command(*given(run, inputs, out)) == 0
    assert {name for name in before if written(out)[name] != before[name]} == {"deep.png"}
    done = [row["image"] for row in table(out) if row["input_checksum"]]
    assert done == ["deep"]


def test_each_row_is_there_before_its_files(
    run: Any, command: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill at any moment leaves no file without a row, which would be taken for another's."""
    out, seen = tmp_path / "out", []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        if Path(target).suffix != ".csv":
            assert Path(target).stem.split("_overlay")[0] in {row["image"] for row in table(out)}
            seen.append(Path(target).name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    assert command(*given(run, inputs, out, "overlay=true", "probability=true")) == 0
    assert len(seen) == 18


def test_from_another_folder_it_goes_on_and_loads_nothing(
    run: Any, command: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(*given(run, Path("in/grey.bmp"), Path("out"))) == 0
    assert table(tmp_path / "out")[0]["file"] == str(inputs / "grey.bmp")
    monkeypatch.chdir(inputs)
    monkeypatch.setattr(predict, "predictor_of", None)
    assert command(*given(run, Path("grey.bmp"), Path("../out"))) == 0
    assert len(table(tmp_path / "out")) == 1


def test_a_folder_that_stops_taking_files_ends_the_run(
    run: Any,
    command: Call,
    inputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = inputs.parent / "out"

    def full(path: Path) -> Path:
        if path.name == "colour.png":
            raise CannotWriteError("cannot write here: no room", where=str(path), remedy="room")
        return atomic_path(path)  # type: ignore[return-value]

    monkeypatch.setattr(prediction_files, "atomic_path", full)
    assert command(*given(run, inputs, out)) == 2
    assert "cannot write here" in capsys.readouterr().err
    assert [Path(row["file"]).stem for row in table(out)] == ["alpha"]


def test_a_row_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").mkdir()
    rows = Table(tmp_path / "predictions.csv", columns(["background", "a"]), "0" * 12)
    with pytest.raises(NotWrittenError, match="the output cannot be written"):
        rows.add(Input(Path("a.png")), {}, "ok")
