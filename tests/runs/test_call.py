"""What a command is told of how it was called."""

import sys
from pathlib import Path

import pytest

from segkit.runs import cli
from segkit.runs.call import Call


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    monkeypatch.chdir(tmp_path)
    return []


def call(monkeypatch: pytest.MonkeyPatch, seen: list[Call], *given: str) -> None:
    monkeypatch.setattr(sys, "argv", ["train", *given])
    cli.run(lambda _, call: seen.append(call), "train")


def test_the_clock_names_the_folder(monkeypatch: pytest.MonkeyPatch, called: list[Call]) -> None:
    call(monkeypatch, called, "seed=3", "hydra.sweep.dir=unused")
    (only,) = called
    assert only == Call(only.output, overrides=("seed=3",))
    assert only.output.parent == Path.cwd() / "outputs" / "phantom" / "unet_mnv2"
    assert only.output.is_dir()


def test_the_user_names_the_folder(monkeypatch: pytest.MonkeyPatch, called: list[Call]) -> None:
    # What OmegaConf would interpolate means itself.
    call(monkeypatch, called, "dataset.root=a${b}", "hydra.run.dir=here")
    (only,) = called
    assert only == Call(Path.cwd() / "here", only.overrides, chosen_by_user=True)
    assert any("${" in each for each in only.overrides)


@pytest.mark.parametrize(
    ("folder", "chosen"), [("hydra.sweep.dir", True), ("hydra.run.dir", False)]
)
def test_jobs_of_a_sweep(
    monkeypatch: pytest.MonkeyPatch, called: list[Call], folder: str, chosen: bool
) -> None:
    Path("own").mkdir()
    call(monkeypatch, called, "-m", "seed=1,2", f"{folder}=both", "--config-dir=own")
    assert [each.overrides for each in called] == [("seed=1",), ("seed=2",)]
    assert [each.output.name[:8] for each in called] == ["0-seed1-", "1-seed2-"]
    for each in called:
        assert each.multirun
        assert each.chosen_by_user == chosen
        assert (each.output.parent == Path.cwd() / "both") == chosen
        assert each.search_path == (f"--config-dir={Path.cwd() / 'own'}",)
