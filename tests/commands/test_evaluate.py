"""``python -m segkit.evaluate`` as a user runs it, on a run of seconds."""

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segkit.drawing.panel import Painter, PanelRow, panel
from segkit.imaging.pixels import decode
from segkit.tasks.semantic.tables import CLASS_COLUMNS, IMAGE_COLUMNS
from segkit.tasks.semantic.thresholds import THRESHOLDS
from segkit.training.module import SegmentationModule
from tests.commands.evaluating import PICTURES, Evaluate, evaluate_in, splits, table

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Evaluate:
    """The command in this process, where torch is there already; gives its exit code."""
    return partial(evaluate_in, tmp_path, monkeypatch)


def test_the_test_split_scores_as_it_did_after_training(
    run: Any, folder: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(f"run={folder}") == 0
    rows = table(folder)
    assert tuple(rows[0]) == CLASS_COLUMNS
    assert [row["class"] for row in rows] == ["nucleus", "all"]
    expected = run.summary["test"]["all"]
    for name in ("dice", "iou", "precision", "accuracy", "n"):
        assert float(rows[1][name]) == expected[name]
    assert float(rows[1]["loss"]) == pytest.approx(run.summary["test"]["loss"], rel=1e-6)
    assert rows[1]["split_hash"] == run.summary["split_hash"]
    assert float(rows[1]["threshold"]) == 0.5
    assert float(rows[1]["dice_low"]) <= expected["dice"] <= float(rows[1]["dice_high"])
    assert 0 < float(rows[1]["ece"]) < 1
    assert rows[1]["hd95"] == ""
    said = capsys.readouterr().out
    low, high = float(rows[1]["dice_low"]), float(rows[1]["dice_high"])
    assert f"{expected['dice']:.3f} [{low:.3f}, {high:.3f}]" in said
    assert "too narrow" in said


@pytest.mark.slow
def test_images_add_up_to_the_scores(run: Any, folder: Path, score: Evaluate) -> None:
    assert score(f"run={folder}", "split=all", "surface=true") == 0
    rows = table(folder, "evaluation_per_image")
    assert tuple(rows[0]) == IMAGE_COLUMNS
    assert {row["id"]: row["split"] for row in rows} == splits(folder)
    whole = table(folder)[1]
    for name in ("dice", "hd95", "surface_dice"):
        mean = np.mean([float(row[name]) for row in rows if row[name]])
        assert float(whole[name]) == pytest.approx(mean)
    assert whole["surface_tolerance"] == "2"
    size = run.config["dataset"]["image_size"]
    assert {sum(int(row[n]) for n in ("tp", "fp", "fn", "tn")) for row in rows} == {size**2}


def test_the_pictures_open(folder: Path, score: Evaluate) -> None:
    before = {path.name for path in folder.iterdir()}
    assert score(f"run={folder}") == 0
    for name in PICTURES:
        picture = decode((folder / "evaluation" / f"{name}.png").read_bytes(), name)
        assert min(picture.shape[:2]) > 100
    assert {path.stem for path in (folder / "evaluation").iterdir()} == set(PICTURES)
    made = {path.name for path in folder.iterdir()} - before
    assert made == {"evaluation", "evaluation.csv"}  # training has written the images' table


@pytest.mark.slow
def test_a_threshold_is_picked_on_the_validation_split(
    folder: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(f"run={folder}", "threshold=auto") == 0
    said = capsys.readouterr().out
    picked = float(table(folder)[1]["threshold"])
    assert f"threshold {picked} scores best" in said
    assert f"threshold={picked}" in said.split("predict with it:")[1], "predict would take another"
    assert "flatters" not in said
    test = table(folder)[1]["dice"]
    assert score(f"run={folder}", f"threshold={picked}") == 0
    assert table(folder)[1]["dice"] == test
    # None of the others does better on the validation split.
    reached = {}
    for threshold in (picked, *THRESHOLDS[::18]):
        assert score(f"run={folder}", f"threshold={threshold}", "split=val") == 0
        reached[threshold] = float(table(folder)[1]["dice"] or 0)
    assert reached[picked] == max(reached.values())
    assert len(set(reached.values())) > 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_file(folder: Path, score: Evaluate) -> None:
    texts = []
    for seed in (0, 0, 1):
        assert score(f"run={folder}", "split=all", "threshold=0.2", f"seed={seed}") == 0
        texts.append((folder / "evaluation.csv").read_text("utf-8"))
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


@pytest.mark.slow
def test_what_is_drawn_has_the_dice_beside_it_in_bfloat16_too(
    folder: Path, score: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[PanelRow] = []

    def keep(rows: Sequence[PanelRow], painter: Painter, **more: Any) -> Any:
        shown.extend(rows)
        return panel(rows, painter, **more)

    forward, cast = SegmentationModule.forward, []

    def look(self: SegmentationModule, image_BCHW: torch.Tensor) -> torch.Tensor:
        cast.append(torch.is_autocast_enabled("cpu"))
        return forward(self, image_BCHW)

    monkeypatch.setattr(SegmentationModule, "forward", look)
    monkeypatch.setattr("segkit.evaluation.panels.panel", keep)
    given = (f"run={folder}", "split=all", "trainer.precision=bf16-mixed", "dataset.batch_size=1")
    assert score(*given) == 0
    assert len(shown) > 6
    # What tried the task out before there was a Trainer comes first.
    assert all(cast[-len(shown) - 12 :])
    for row in shown:
        drawn, there = np.asarray(row.prediction) > 0, np.asarray(row.truth) > 0
        dice = 2 * (drawn & there).sum() / (drawn.sum() + there.sum())
        assert row.caption == f"Dice {dice:.3f}"


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("given", "what"),
    [
        (["split=tset"], "did you mean 'test'"),
        (["threshold=best"], "give a number from 0 to 1, auto, or null"),
        (["surface=maybe"], "give true or false"),
        (["dataset=phantom", "dataset.size=64"], "as the run was trained"),
        (["augment=flip"], "images are scored as they are"),
        (["dataset.score_by=patient"], "dataset.score_by cannot be 'patient'"),
        (["dataset.scoreby=image"], "did you mean 'dataset.score_by'"),
        (["+dataset.mask_values={0: 1, 255: 0}"], "dataset has root, batch_size"),
        (["dataset=lgg_mri", "dataset.root=.", "split=all"], "the run's are background, nucleus"),
        (["dataset=deepcell", "dataset.root=nowhere", "split=all"], "the data set is not there"),
    ],
)
def test_mistakes_are_answered(
    folder: Path,
    score: Evaluate,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    what: str,
) -> None:
    assert score(f"run={folder}", *given) == 2
    assert what in capsys.readouterr().err
    assert not (folder / "evaluation.csv").exists()


def test_a_damaged_checkpoint_is_named(
    folder: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = folder / "checkpoints" / "best.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert score(f"run={folder}") == 2
    assert "the checkpoint cannot be read" in capsys.readouterr().err


def in_a_process(run: Any, *given: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "segkit.evaluate", *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=run.environment(),
    )


def test_help_shows_what_it_can_do(run: Any, tmp_path: Path) -> None:
    done = in_a_process(run, "--help", cwd=tmp_path)
    assert done.returncode == 0
    for part in ("python -m segkit.evaluate", "threshold=auto", "surface=true", "dataset.root="):
        assert part in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_process_of_its_own(run: Any, folder: Path) -> None:
    done = in_a_process(run, f"run={folder}", "trainer=cpu", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "run/evaluation.csv" in done.stdout
    assert {path.name for path in folder.parent.iterdir()} == {"run"}


@pytest.mark.slow
def test_two_processes_give_the_table_of_one(run: Any, folder: Path) -> None:
    texts = []
    for trainer in ("cpu", "ddp_cpu"):
        given = ["split=all", "surface=true", "threshold=auto"]
        done = in_a_process(run, f"run={folder}", f"trainer={trainer}", *given, cwd=folder.parent)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("scores best") == 1
        assert "flatters" in done.stdout
        names = ("evaluation.csv", "evaluation_per_image.csv")
        texts.append([(folder / name).read_text("utf-8") for name in names])
    assert texts[0] == texts[1]
