"""``python -m segkit.predict`` of several runs, whose answers are averaged; and what is said."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from segkit import predict
from tests.commands.bright import given
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import given as given_semantic
from tests.commands.predicting import table

command = fixture_of(predict)


def test_several_runs_say_how_many_are_averaged_and_where_they_differ(
    object_runs: list[Path],
    command: Call,
    disc_inputs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    same, other = tmp_path / "same", tmp_path / "other"
    for copy in (same, other):
        shutil.copytree(object_runs[0], copy)
    config = (other / "config.yaml").read_text("utf-8")
    changed = config.replace("augment: light", "augment: robust")
    assert changed != config
    (other / "config.yaml").write_text(changed, "utf-8")
    for beside, told in ((same, "averaging 2 runs …"), (other, "runs, which differ in augment …")):
        both = f"run=[{object_runs[0]},{beside}]"
        out = tmp_path / f"out_{beside.name}"
        assert command(*given(object_runs[0], disc_inputs, out, both)) == 0
        assert told in capsys.readouterr().err


def test_images_in_which_nothing_was_found_are_counted(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert command(*given_semantic(run, inputs, out, "threshold=1.0")) == 0
    pixels = [int(row["nucleus_pixels"]) for row in table(out)]
    said = capsys.readouterr().out
    assert 0 in pixels
    assert f"nothing was found in {pixels.count(0)} of 6 inputs\n" in said
    assert "nucleus:" not in said, "components are no objects"
