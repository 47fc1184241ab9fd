"""Mistakes of the user's in what ``python -m segkit.predict`` is given."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit import predict
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import given

command = fixture_of(predict)


def bad(run: Any, tmp_path: Path) -> dict[str, tuple[list[str], str]]:
    source, out = tmp_path / "in", tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "twins").mkdir()
    for name in ("a.png", "a.tif"):
        (tmp_path / "twins" / name).write_bytes(b"")
    lacking, other = tmp_path / "lacking", tmp_path / "other"
    for folder in (lacking, other):
        folder.mkdir()
    config = json.loads(json.dumps(run.config))
    config["dataset"]["reader"] = {
        "_target_": "segkit.data.readers.folder.Folder",
        "root": str(source),
        "classes": ["background", "something"],
    }
    (other / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    (other / "checkpoints").mkdir()
    (other / "checkpoints" / "best.ckpt").write_bytes(b"")
    shutil.copy(run.folder / "config.yaml", lacking)
    return {
        "not a run": ([f"run={tmp_path / 'in'}"], "not a run folder"),
        "no checkpoint": ([f"run={lacking}"], "no best checkpoint"),
        "no run": (["run=[]"], "no run was named"),
        "no image": ([f"input={tmp_path / 'empty'}"], "no image among 0 files"),
        "nothing there": ([f"input={tmp_path / 'inn'}"], "'in'"),
        "one stem": ([f"input={tmp_path / 'twins'}"], "a.tif"),
        "overlap": (["tile=64"], "tile=64 overlap=64"),
        "tta": (["tta=flips"], "did you mean 'flip'"),
        "device": (["device=gpu"], "cuda for a GPU"),
        "format": (["format=jpg"], "did you mean 'png'"),
        "values": (["values=[0,0]"], "different whole numbers"),
        "threshold": (["threshold=2"], "number from 0 to 1"),
        "into itself": ([f"output={source}"], "could be overwritten"),
        "a file": ([f"output={source / 'colour.png'}"], "not a folder"),
        "key": (["tiles=512"], "did you mean"),
        "no output": (["output=???"], "output"),
        "classes": ([f"run=[{run.folder},{other}]", f"output={out}"], "different classes"),
    }


WRONG = (
    "not a run",
    "no checkpoint",
    "no run",
    "no image",
    "nothing there",
    "one stem",
    "overlap",
    "tta",
    "device",
    "format",
    "values",
    "threshold",
    "into itself",
    "a file",
    "key",
    "no output",
    "classes",
)


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_told_in_three_parts(
    name: str, run: Any, command: Call, inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path = inputs.parent
    wrong, told = bad(run, tmp_path)[name]
    keys = {item.split("=")[0] for item in wrong}
    rest = [a for a in given(run, inputs, tmp_path / "out") if a.split("=")[0] not in keys]
    assert command(*rest, *wrong) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "where:" in shown
    assert "fix:" in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        *("threshold=auto", "threshold=abc", "threshold=true", "tile=abc", "tile=512.0"),
        *("overlap=null", "scale=x", "large=null", "large=abc", "values=255", "values=[[0],[1]]"),
        *("device=0", "tta=true", "tta=[flip]", "precision=null", "format=1", "format=[png]"),
        *("overlay=maybe", "rle=1", "allow_targets=null", "output=null", "input=null", "input=[]"),
        "run=null",
    ],
)
def test_values_of_another_type_are_told(
    wrong: str, run: Any, command: Call, inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = wrong.partition("=")[0]
    rest = [a for a in given(run, inputs, inputs.parent / "out") if not a.startswith(f"{key}=")]
    assert command(*rest, wrong) == 2
    assert key in capsys.readouterr().err.split("where:")[1]
    assert not (inputs.parent / "out").exists()
