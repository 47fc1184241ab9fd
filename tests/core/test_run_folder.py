"""A run folder on disk: claimed once, written whole, removed when nothing came of it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit.core.errors import SegkitError
from segkit.core.first_process import is_first_process
from segkit.core.run_folder import RunFolder, environment
from segkit.runs.claim import claim, remove_if_empty


def test_a_new_folder_is_made_with_its_log(tmp_path: Path) -> None:
    folder = claim(tmp_path / "outputs" / "a" / "run", chosen_by_user=False)
    assert folder.path == tmp_path / "outputs" / "a" / "run"
    assert folder.log.read_text(encoding="utf-8") == ""


def test_an_empty_folder_may_be_claimed(tmp_path: Path) -> None:
    """Hydra makes it before the job starts."""
    assert claim(tmp_path, chosen_by_user=True).path == tmp_path


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    paths = [claim(tmp_path / "run", chosen_by_user=False).path.name for _ in range(3)]
    assert paths == ["run", "run-2", "run-3"]


def test_a_folder_that_was_named_is_never_taken_twice(tmp_path: Path) -> None:
    folder = claim(tmp_path / "my run", chosen_by_user=True)
    folder.log.write_text("the first", encoding="utf-8")
    with pytest.raises(SegkitError, match="there is a run in this folder already") as error:
        claim(tmp_path / "my run", chosen_by_user=True)
    assert error.value.where == str(tmp_path / "my run")
    assert f"'resume={tmp_path / 'my run'}'" in error.value.remedy
    assert folder.log.read_text(encoding="utf-8") == "the first"
    assert [path.name for path in tmp_path.iterdir()] == ["my run"]


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SegkitError, match="cannot be written") as error:
        claim(tmp_path / "file" / "run", chosen_by_user=True)
    assert "hydra.run.dir=PATH" in error.value.remedy


def test_the_configuration_is_plain_yaml(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    config = {"zeta": 1, "alpha": {"name": "größe", "sizes": [1, 2], "none": None}}
    folder.write_config(config)
    text = folder.config.read_text(encoding="utf-8")
    assert list(yaml.safe_load(text)) == ["zeta", "alpha"]
    assert "größe" in text
    assert folder.read_config() == config


@pytest.mark.parametrize("content", [None, "a: [1", "!!python/object/apply:os.getcwd []", "3", ""])
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: str | None) -> None:
    folder = RunFolder(tmp_path)
    if content is not None:
        folder.config.write_text(content, encoding="utf-8")
    with pytest.raises(SegkitError, match="not a run folder") as error:
        folder.read_config()
    assert error.value.where == str(folder.config)


def test_a_configuration_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.config.write_bytes("name: größe".encode("latin-1"))
    with pytest.raises(SegkitError, match="not a run folder"):
        folder.read_config()


def test_a_folder_may_be_called_by_a_number_or_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RunFolder(2018).path == tmp_path / "2018"
    assert RunFolder("~/x").path == tmp_path / "x"


@pytest.mark.parametrize("path", [None, ["a", "b"], {"a": 1}])
def test_what_is_not_one_folder_is_refused(path: Any) -> None:
    with pytest.raises(SegkitError, match="one run folder"):
        RunFolder(path)


@pytest.mark.parametrize("content", [None, b"{", b"[1]", b"\xff"])
def test_a_summary_that_cannot_be_read_is_empty(tmp_path: Path, content: bytes | None) -> None:
    folder = RunFolder(tmp_path)
    if content is not None:
        folder.summary.write_bytes(content)
    assert folder.read_summary() == {}
    folder.write_summary({"a": 1})
    assert folder.read_summary() == {"a": 1}


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_summary({"a": [math.nan, 1.5], "b": {"c": math.inf, "d": (True, 2)}, "e": "x"})
    text = folder.summary.read_text(encoding="utf-8")
    assert json.loads(text) == {"a": [None, 1.5], "b": {"c": None, "d": [True, 2]}, "e": "x"}


def test_what_was_made_for_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "outputs" / "phantom" / "unet" / "now"
    run.mkdir(parents=True)
    remove_if_empty(run)
    assert list((tmp_path / "outputs").iterdir()) == []


def test_what_holds_something_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "outputs" / "phantom" / "unet"
    (model / "before").mkdir(parents=True)
    (model / "now").mkdir()
    remove_if_empty(model / "now")
    assert [path.name for path in model.iterdir()] == ["before"]
    (model / "before" / "metrics.csv").write_text("", encoding="utf-8")
    remove_if_empty(model / "before")
    assert (model / "before" / "metrics.csv").exists()


def test_a_log_in_which_nothing_was_written_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = claim(tmp_path / "outputs" / "a" / "run", chosen_by_user=False)
    remove_if_empty(folder.path)
    assert list((tmp_path / "outputs").iterdir()) == []
    folder = claim(tmp_path / "outputs" / "a" / "run", chosen_by_user=False)
    folder.log.write_text("epoch 0", encoding="utf-8")
    remove_if_empty(folder.path)
    assert folder.log.exists()


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_only_the_first_process_writes(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for other in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(other, raising=False)
    assert is_first_process()
    monkeypatch.setenv(name, "0")
    assert is_first_process()
    monkeypatch.setenv(name, "1")
    assert not is_first_process()


def test_the_environment_says_what_a_reader_needs() -> None:
    facts = environment()
    assert {"torch", "lightning", "segkit", "albumentations"} <= set(facts["versions"])
    assert facts["versions"]["torch"]
    assert facts["hardware"]["cores"] >= 1
    assert facts["hardware"]["processor"]
    json.dumps(facts)
