"""``resume=DIR``: the same end as the run that was never stopped, or a message why not."""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from segkit.core.files import atomic_path

IN_PROCESS = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    tensors: dict[str, torch.Tensor] = saved["state_dict"]
    return tensors


def losses(run: Any, folder: Path) -> list[tuple[str, ...]]:
    return [tuple(list(row.values())[:6]) for row in run.rows(folder)]


@IN_PROCESS
@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(["schedule.patience=0", "schedule.factor=0.1"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant", "model=segformer_b0"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant", "callbacks.average.decay=0.9"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant", "dataset.num_workers=2"], marks=pytest.mark.slow),
        pytest.param(
            ["schedule=constant", "dataset.device_cache=true", "augment=device_light"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_a_run_is_gone_on_with_exactly(
    run: Any, here: Any, tmp_path: Path, schedule: list[str]
) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert here(*run.arguments(f"hydra.run.dir={whole}", "trainer.max_epochs=4", *schedule)) == 0
    assert here(*run.arguments(f"hydra.run.dir={halves}", "trainer.max_epochs=2", *schedule)) == 0
    config = (halves / "config.yaml").read_text("utf-8")
    assert here(f"resume={halves}", "trainer.max_epochs=4") == 0
    assert [row["epoch"] for row in run.rows(halves)] == ["0", "1", "2", "3"]
    assert losses(run, halves) == losses(run, whole)
    changes = len({row["lr"] for row in run.rows(whole)}) > 1
    assert changes == ("schedule.patience=0" in schedule)
    expected = weights(whole)
    assert all(torch.equal(value, expected[key]) for key, value in weights(halves).items())
    facts = [json.loads((folder / "summary.json").read_text("utf-8")) for folder in (whole, halves)]
    assert facts[0]["test"] == facts[1]["test"]
    assert facts[0]["best_epoch"] == facts[1]["best_epoch"]
    assert (halves / "panels" / "epoch_003.png").is_file()
    assert list((tmp_path / "outputs").glob("*")) == []
    changed = (halves / "config.yaml").read_text("utf-8")
    given = "- trainer.max_epochs=4\n"
    assert changed.replace("max_epochs: 4", "max_epochs: 2").replace(given, "") == config
    assert given in changed


def test_the_same_command_again_is_done_before(
    here: Any, run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """resume=true: begin, go on, or leave alone; everything given is what it was."""
    folder = tmp_path / "again"
    shutil.copytree(run.folder, folder)
    before = {p.name: p.stat().st_mtime_ns for p in folder.rglob("*")}
    given = [*run.arguments(), f"hydra.run.dir={folder}", "resume=true"]
    assert here(*given) == 0
    assert f"done before: {folder}" in capsys.readouterr().out
    assert {p.name: p.stat().st_mtime_ns for p in folder.rglob("*")} == before
    (folder / "summary.json").unlink()
    assert here(*given, "loss=dice", "dataset.batch_size=2") == 2
    err = capsys.readouterr().err
    assert "dataset.batch_size: 4 → 2" in err
    assert "loss._target_" in err


def test_a_run_that_was_killed_at_its_very_end(here: Any, run: Any, tmp_path: Path) -> None:
    """The training is complete; its report is not, and the lock lies there still."""
    folder = tmp_path / "killed"
    shutil.copytree(run.folder, folder)
    before = {p.name for p in folder.rglob("*")}
    (folder / "report.html").unlink()
    with suppress(RuntimeError), atomic_path(folder / "report.html") as part:
        part.write_bytes(b"half a page")
        left = shutil.copy(part, tmp_path / "part")
        name = part.name
        raise RuntimeError("killed")
    shutil.copy(left, folder / name)
    (folder / ".lock").touch()
    assert here(*run.arguments(), f"hydra.run.dir={folder}", "resume=true") == 0
    assert {p.name for p in folder.rglob("*")} == before


def test_a_name_by_the_clock_is_always_new(
    here: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(*run.arguments(), "resume=true") == 2
    assert "hydra.run.dir=DIR" in capsys.readouterr().err


@IN_PROCESS
def test_a_run_that_was_moved_remembers_its_best_epoch(run: Any, here: Any, folder: Path) -> None:
    best = run.summary["best_score"]
    # A rate of nothing changes no weight: no later epoch can be better.
    assert here(f"resume={folder}", "trainer.max_epochs=2") == 0
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert (summary["best_epoch"], summary["best_score"]) == (run.summary["best_epoch"], best)
    assert summary["test"] == run.summary["test"]
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    states = [state for state in saved["callbacks"].values() if "best_model_path" in state]
    assert states


@IN_PROCESS
@pytest.mark.slow
def test_through_a_link_the_best_epoch_stays_the_best(
    run: Any, here: Any, folder: Path, tmp_path: Path
) -> None:
    """The last epoch is not the best, and none that follows is."""
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    for state in (torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True),):
        for each in state["callbacks"].values():
            if each.get("best_model_score") is not None:
                each["best_model_score"] = torch.tensor(0.99)
                each["best_k_models"] = dict.fromkeys(each["best_k_models"], torch.tensor(0.99))
                each["kth_value"] = torch.tensor(0.99)
        torch.save(state, folder / "checkpoints" / "last.ckpt")
    before = (folder / "checkpoints" / "best.ckpt").read_bytes()
    assert here(f"resume={tmp_path / 'link'}", "trainer.max_epochs=3") == 0
    assert (folder / "checkpoints" / "best.ckpt").read_bytes() == before
    assert [row["epoch"] for row in run.rows(folder)] == ["0", "1", "2"]


@IN_PROCESS
@pytest.mark.slow
def test_a_grid_that_has_grown_trains_what_is_new(
    run: Any, here: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "grid"
    given = [*run.arguments("trainer.max_epochs=1"), f"hydra.sweep.dir={sweep}"]
    assert here("-m", *given, "seed=2,3") == 0
    begun = sorted(path.parent for path in sweep.glob("*/summary.json"))
    before = [path.stat().st_mtime_ns for path in begun]
    assert here("-m", *given, "seed=1,2,3", "resume=true") == 0
    said = capsys.readouterr().out
    assert all(f"done before: {path}" in said for path in begun)
    assert [path.stat().st_mtime_ns for path in begun] == before
    folders = sorted(path.name for path in sweep.iterdir() if path.is_dir())
    names = [name.rsplit("-", 1)[0] for name in folders]
    assert names == ["0-seed1", "0-seed2", "1-seed3"]


@IN_PROCESS
@pytest.mark.slow
def test_a_grid_over_epochs_has_a_run_for_each(run: Any, here: Any, tmp_path: Path) -> None:
    """Although a run may be made longer, so that its hash knows nothing of its length."""
    sweep = tmp_path / "grid"
    given = ["-m", *run.arguments(), f"hydra.sweep.dir={sweep}", "resume=true"]
    assert here(*given, "trainer.max_epochs=2,1") == 0
    assert here(*given, "trainer.max_epochs=3,1,2") == 0
    done = sorted(path.parent.name for path in sweep.glob("*/summary.json"))
    names = [name.rsplit("-", 1)[0] for name in done]
    assert names == ["0-max_epochs2", "0-max_epochs3", "1-max_epochs1"]
    epochs = [len(run.rows(sweep / name)) for name in done]
    assert epochs == [2, 3, 1]
