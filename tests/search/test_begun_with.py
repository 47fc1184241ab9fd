"""A study keeps to what was the default when it was begun."""

from pathlib import Path
from typing import Any

import pytest

from segkit import sweep
from segkit.core.run_folder import RunFolder
from segkit.search.storage import FOLDER
from segkit.search.study import begun_with
from tests.commands.in_process import call_main
from tests.search.studies import in_memory

TODAY = {"dataset": {"intensity": "image"}}
KEY = "dataset.intensity"


def test_one_that_did_not_note_it_takes_what_its_trainings_have(tmp_path: Path) -> None:
    study = in_memory()("s")
    study.set_user_attr("segkit", {"monitor": "val/dice"})
    assert begun_with(study, TODAY, ["dataset"]) == [f"{KEY}=stored"]
    assert begun_with(study, TODAY, [KEY]) == []
    assert begun_with(study, {"dataset": {"intensity": "stored"}}, []) == []
    study.ask()  # has no folder
    study.ask().set_user_attr(FOLDER, str(tmp_path / "elsewhere"))
    study.ask().set_user_attr(FOLDER, str(tmp_path))
    RunFolder(tmp_path).write_config({"dataset": {"intensity": [0, 4095]}})
    assert begun_with(study, TODAY, []) == [f"{KEY}=[0,4095]"]
    RunFolder(tmp_path).write_config({"dataset": {"size": 32}})  # of before there was the key
    assert begun_with(study, TODAY, []) == [f"{KEY}=stored"]


def test_one_that_noted_it_has_nothing_to_keep() -> None:
    study = in_memory()("s")
    study.set_user_attr("segkit", {KEY: "image"})
    assert begun_with(study, TODAY, []) == []


def test_trainings_of_an_older_study_are_given_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun: list[Any] = []

    def keep(study: Any, *_: Any, call: Any, **__: Any) -> bool:
        begun.append((study, call.overrides))
        return True

    monkeypatch.setattr(sweep, "_run", keep)
    monkeypatch.chdir(tmp_path)
    root = (f"dataset.cache_dir={tmp_path / 'cache'}", "dataset.count=12", "dataset.image_size=64")
    given = ("study=s", "sweep=none", "space={optim.lr: [0.1, 0.2]}", *root)
    assert call_main(monkeypatch, *given, module=sweep) == 0
    study, overrides = begun[0]
    facts = study.user_attrs["segkit"]
    assert facts.pop(KEY) == "image"
    assert not any(KEY in each for each in overrides)
    study.set_user_attr("segkit", facts)
    assert call_main(monkeypatch, *given, module=sweep) == 0
    assert f"{KEY}=stored" in begun[1][1]
    assert f"as when this study began: {KEY}=stored" in capsys.readouterr().out
