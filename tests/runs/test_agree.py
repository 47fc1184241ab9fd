"""Runs that answer together: what they must share, and what is made of what each was fitted to."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit.core.errors import SegkitError
from segkit.runs.load import agree
from segkit.runs.saved import SavedRun, open_run

ALL_AUTO = dict.fromkeys(("threshold", "seed_threshold", "min_area", "halo"), "auto")
FOUND = {"threshold": 0.4, "seed_threshold": 0.3, "min_area": 10, "halo": 50}


def a_run(folder: Path, found: Any, **given: Any) -> SavedRun:
    """What is read of a run of objects before its network is."""
    reader = {"_target_": "segkit.data.readers.dsb2018.Dsb2018", "root": str(folder)}
    config = {
        **{"seed": 0, "task": "instance", **ALL_AUTO, **given},
        "dataset": {"reader": reader, "channels": 3},
        "model": {"_target_": "torch.nn.Conv2d", "in_channels": 3, "kernel_size": 1},
    }
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "best.ckpt").write_bytes(b"")
    (folder / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    if found is not None:
        (folder / "summary.json").write_text(json.dumps({"decoder": found}), "utf-8")
    return open_run(folder)


def test_folds_that_were_fitted_apart_answer_together(tmp_path: Path) -> None:
    more = {"threshold": 0.5, "seed_threshold": 0.3, "min_area": 40, "halo": 71}
    runs = [a_run(tmp_path / "0", FOUND), a_run(tmp_path / "1", more)]
    said: list[str] = []
    task = agree(runs, {}, said.append)
    assert task.settings == {"threshold": 0.45, "seed_threshold": 0.3, "min_area": 10, "halo": 71}
    (line,) = said
    assert line.endswith("threshold=0.45, min_area=10, halo=71")
    given = agree(runs, {"threshold": 0.7, "min_area": None}, said.append)
    assert given.settings == {**task.settings, "threshold": 0.7}
    assert "threshold" not in said[1]
    assert agree(runs[:1], {}, said.append).settings == FOUND
    assert len(said) == 2, "there is nothing to say of one run"


def test_what_was_set_by_hand_and_differs_is_refused_at_once(tmp_path: Path) -> None:
    by_hand = {"seed_threshold": 0.2, "min_area": 30}
    runs = [
        a_run(tmp_path / "0", {**FOUND, **by_hand}, **by_hand),
        a_run(tmp_path / "1", {**FOUND, "halo": 90}, seed_threshold=0.3),
    ]
    with pytest.raises(SegkitError) as error:
        agree(runs, {})
    assert "seed_threshold=0.2 and 0.3" in error.value.what
    assert "min_area=30 and 10" in error.value.what
    assert "halo" not in error.value.what
    assert error.value.remedy == "choose for all: seed_threshold=0.2 min_area=30"
    assert agree(runs, by_hand).settings == {**FOUND, **by_hand, "halo": 90}


@pytest.mark.parametrize("found", [None, "nothing", {}, {"threshold": 0.4, "halo": None}])
def test_what_was_fitted_is_not_lost_silently(
    found: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(tmp_path / "0", found, min_area=25)
    assert run.task.settings["min_area"] == 25
    assert run.task is run.task
    err = capsys.readouterr().err
    assert err.count("warning: ") == 1
    assert str(run.folder.summary) in err
    assert "seed_threshold=0.3" in err
    assert "min_area" not in err
    assert ("threshold=0.5" in err) == (not isinstance(found, dict) or not found)


def test_nothing_is_said_where_nothing_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert a_run(tmp_path / "0", FOUND).task.settings == FOUND
    given = {**FOUND, "threshold": 0.6}
    assert a_run(tmp_path / "1", None, **given).task.settings == given
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("key", "bad"), [("threshold", 7), ("halo", 10**9), ("colour", 1)])
def test_a_summary_that_no_training_wrote_is_named(key: str, bad: Any, tmp_path: Path) -> None:
    run = a_run(tmp_path / "0", {**FOUND, key: bad})
    with pytest.raises(SegkitError) as error:
        _ = run.task
    assert error.value.where.startswith(str(run.folder.summary))
    assert key in error.value.where
    assert "restore" in error.value.remedy
