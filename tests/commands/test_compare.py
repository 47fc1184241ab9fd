"""Runs side by side, as their files tell it: folders with known scores, and no training."""

import csv
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from segkit import compare
from segkit.comparison import compare_runs
from segkit.run_scores import read_scores

Compare = Callable[..., int]
PIXELS = 1000


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    def run(*given: str) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["segkit.compare", "pictures=0", *given])
        try:
            compare.main()
        except SystemExit as end:
            return int(end.code or 0)
        finally:
            logging.captureWarnings(False)
        return 0

    return run


def counts(dice: float) -> tuple[int, int, int, int]:
    """TP, FP, FN, TN of an image with this Dice, as near as pixels go."""
    hit = round(dice * 100)
    return hit, 100 - hit, 100 - hit, PIXELS - 200 + hit


def write_run(folder: Path, dice_N: Sequence[float], **settings: Any) -> Path:
    """A finished run whose test images have these scores."""
    folder.mkdir(parents=True)
    given: dict[str, Any] = {
        "model": "a",
        "seed": 0,
        "fold": None,
        "groups": None,
        "split": "abc",
        "lr": 0.001,
    }
    given |= settings
    groups = given["groups"] or [f"i{n}" for n in range(len(dice_N))]
    fold = given["fold"]
    ids = [f"i{n + (fold or 0) * 100}" for n in range(len(dice_N))]
    if fold is not None:
        groups = ids
    config = {
        "seed": given["seed"],
        "threshold": 0.5,
        "dataset": {
            "name": "cells",
            "channels": 3,
            "reader": {"_target_": "segkit.data.folder.Folder"},
            "score_by": given.get("score_by", "image"),
            "score_at": "native",
            "split": {"folds": None if fold is None else 2, "fold": fold or 0},
        },
        "model": {"_target_": f"net.{given['model']}"},
        "optim": {"lr": given["lr"]},
        "choices": {"model": given["model"], "dataset": "cells"},
    }
    drawn = [round(dice * 100) / 100 for dice in dice_N]
    test = {"dice": float(np.mean(drawn)), "iou": 0.5, "n": len(dice_N)}
    summary = {
        "test": {"all": test},
        "best_epoch": 1,
        "epochs": 2,
        "wall_seconds": 120,
        "parameters": 2_000_000,
        "flops": 3_000_000_000,
        "split_hash": given["split"],
        "data": {"name": given.get("data", "cells")},
    }
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "best.ckpt").write_bytes(b"not opened")
    (folder / "train.log").write_text("", "utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    (folder / "summary.json").write_text(json.dumps(summary), "utf-8")
    (folder / "metrics.csv").write_text(
        "epoch,val/loss,val/dice,images_per_second\n0,1,0.1,40\n1,0.5,0.5,44\n", "utf-8"
    )
    with (folder / "evaluation_per_image.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        names = ("id", "group", "split", "class", "tp", "fp", "fn", "tn", "dice", "iou")
        writer.writerow(names)
        for name, group, dice in zip(ids, groups, dice_N, strict=True):
            kind = given.get("class", "cell")
            writer.writerow([name, group, "test", kind, *counts(dice), dice, 0.5])
    return folder


def scores(mean: float, *, count: int = 40, seed: int = 0) -> list[float]:
    images = np.random.default_rng(99).normal(0, 0.1, count)  # hard for one, hard for all
    noise = np.random.default_rng(seed).normal(0, 0.01, count)
    return [float(value) for value in np.clip(mean + images + noise, 0, 1)]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    folder = tmp_path / "sweep"
    for job, (model, mean) in enumerate([("a", 0.6), ("b", 0.7), ("c", 0.6)]):
        write_run(folder / f"{job}-x", scores(mean, seed=job), model=model)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_what_is_better_is_said_and_what_is_not_is_not(
    command: Compare, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(f"sweep={sweep}") == 0
    out = capsys.readouterr().out
    assert "B is better than a by 0.1" in out
    assert "on 40 images (p < 0.001 after Holm)" in out
    assert "o difference can be shown between a and c" in out
    assert "each configuration was trained once" in out.lower()
    first, second, third = table(sweep / "comparison.csv")
    assert [row["configuration"] for row in (first, second, third)] == ["a", "b", "c"]
    assert first["difference"] == ""
    assert (second["verdict"], third["verdict"]) == ("better", "no difference shown")
    assert float(second["difference_low"]) < 0.1 < float(second["difference_high"])
    assert float(second["rank_biserial"]) == 1
    assert (first["minutes"], first["images_per_second"]) == ("2.0", "42.0")
    for name in ("comparison.md", "comparison.tex", "comparison.html", "comparison_runs.csv"):
        text = (sweep / name).read_text("utf-8")
        assert "better than a" in text or name == "comparison_runs.csv"
    page = (sweep / "comparison.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page.replace("http-equiv", "")


def test_another_baseline(command: Compare, sweep: Path, tmp_path: Path) -> None:
    assert command(f"sweep={sweep}", "baseline=b", f"output={tmp_path / 'out'}") == 0
    rows = table(tmp_path / "out" / "comparison.csv")
    assert [row["configuration"] for row in rows] == ["b", "a", "c"]
    assert [row["verdict"] for row in rows] == ["", "worse", "worse"]
    assert not (sweep / "comparison.csv").exists()


def test_seeds_are_one_configuration(command: Compare, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    for job in range(6):
        # Seeds move a score by more than the models differ.
        jump = (0.0, 0.08, -0.08)[job % 3]
        mean = 0.6 + jump + (0.02 if job > 2 else 0)
        folder = sweep / f"{job}-x"
        write_run(folder, scores(mean, seed=job), model="ab"[job // 3], seed=job % 3)
    assert command(f"sweep={sweep}") == 0
    first, second = table(sweep / "comparison.csv")
    assert (first["seeds"], second["seeds"]) == ("3", "3")
    assert float(first["dice_between_seeds"]) == pytest.approx(0.08, abs=0.01)
    assert second["verdict"] == "no difference shown"
    # One run each would have called it real.
    assert float(second["wilcoxon_p"]) < 0.001
    assert "over 3 seeds each" in (sweep / "comparison.md").read_text("utf-8")


def test_folds_are_one_run(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path / f"{model}{fold}", scores(mean, seed=fold), model=model, fold=fold)
        for model, mean in (("a", 0.5), ("b", 0.7))
        for fold in (0, 1)
    ]
    runs = [read_scores(folder) for folder in folders]
    found = compare_runs(runs, baseline=None, score="dice", seed=0, common=False)
    assert [len(each.runs) for each in found.configurations] == [1, 1]
    assert found.records == 80
    assert found.pairs[0].found.n == 80
    assert found.pairs[0].verdict == "better"


def test_images_of_one_patient_count_once(tmp_path: Path) -> None:
    groups = [f"p{n // 4}" for n in range(40)]
    folders = [
        write_run(tmp_path / model, scores(mean), model=model, groups=groups)
        for model, mean in (("a", 0.5), ("b", 0.7))
    ]
    runs = [read_scores(folder) for folder in folders]
    found = compare_runs(runs, baseline=None, score="dice", seed=0, common=False)
    assert (found.pairs[0].found.n, found.records, found.unit) == (10, 40, "groups")


def test_equal_scores_are_no_difference(command: Compare, tmp_path: Path) -> None:
    for model in "ab":
        write_run(tmp_path / "s" / model, [0.5] * 20, model=model)
    assert command(f"sweep={tmp_path / 's'}") == 0
    row = table(tmp_path / "s" / "comparison.csv")[1]
    assert (row["verdict"], float(row["difference"]), float(row["p"])) == (
        "no difference shown",
        0,
        1,
    )


def test_a_single_group(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in "ab":
        write_run(tmp_path / "s" / model, [0.5, 0.6], model=model, groups=["p", "p"])
    assert command(f"sweep={tmp_path / 's'}") == 0
    assert "oo few groups (n = 1; 6 are needed) to say" in capsys.readouterr().out


def test_unfinished_jobs_are_left_out(
    command: Compare, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sweep / "1-x" / "summary.json").unlink()
    assert command(f"sweep={sweep}") == 0
    out = capsys.readouterr().out
    assert f"left out: {sweep / '1-x'}: this run has not been tested" in out
    assert len(table(sweep / "comparison.csv")) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"split": "other"}, ["different splits", "abc", "common=true"]),
        ({"data": "lungs"}, ["different data sets: cells; lungs"]),
        ({"class": "lung"}, ["different classes: cell; lung"]),
        ({"score_by": "group"}, ["different units"]),
        ({"fold": 1}, ["folds of a cross-validation"]),
        ({"model": "a"}, ["two runs are the same: a, seed=0"]),
    ],
    ids=str,
)
def test_what_cannot_be_compared(
    command: Compare,
    tmp_path: Path,
    settings: dict[str, Any],
    words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_run(tmp_path / "s" / "0", scores(0.5), model="a")
    write_run(tmp_path / "s" / "1", scores(0.5), model="c")
    write_run(tmp_path / "s" / "2", scores(0.5), **{"model": "b", **settings})
    assert command(f"sweep={tmp_path / 's'}") == 2
    err = capsys.readouterr().err
    assert all(word in err for word in words), err


def test_scored_otherwise_since(
    command: Compare, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """evaluate threshold=auto, say, has written another table."""
    path = sweep / "1-x" / "evaluation_per_image.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], *lines[2:]]) + "\n", "utf-8")
    assert command(f"runs=[{sweep / '0-x'},{sweep / '1-x'}]") == 2
    err = capsys.readouterr().err
    assert "scored otherwise since" in err
    assert "segkit.evaluate run=" in err


def test_one_configuration_with_seeds_leaves_the_others_as_they_are(
    command: Compare, tmp_path: Path
) -> None:
    sweep = tmp_path / "s"
    for job, (model, seed, mean) in enumerate(
        [("a", 0, 0.5), ("b", 0, 0.7), ("c", 0, 0.5), ("c", 1, 0.6)]
    ):
        write_run(sweep / str(job), scores(mean, seed=job), model=model, seed=seed)
    assert command(f"sweep={sweep}") == 0
    verdicts = [row["verdict"] for row in table(sweep / "comparison.csv")]
    assert verdicts == ["", "better", "too few"]


def test_other_splits_on_what_they_share(command: Compare, tmp_path: Path) -> None:
    write_run(tmp_path / "s" / "0", scores(0.5, count=40), model="a", split="x")
    write_run(tmp_path / "s" / "1", scores(0.7, count=30), model="b", split="y")
    assert command(f"sweep={tmp_path / 's'}", "common=true") == 0
    assert table(tmp_path / "s" / "comparison.csv")[1]["n"] == "30"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "name what is to be compared"),
        (["sweep=nowhere"], "there is no such folder"),
        (["sweep=.", "runs=[a]"], "name what is to be compared"),
        (["sweep=empty"], "there is no run in this folder"),
        (["runs=[nowhere]"], "not a run folder"),
        (["sweep=sweep", "score=dise"], "did you mean 'dice'?"),
        (["sweep=sweep", "baseline=z"], "no configuration is named so"),
        (["sweep=sweep", "seed=-1"], "not possible here"),
        (["runs=[sweep/0-x]"], "one run alone cannot be compared"),
        (["swep=sweep"], "unknown key"),
    ],
    ids=str,
)
def test_mistakes(
    command: Compare,
    sweep: Path,
    given: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (sweep.parent / "empty").mkdir()
    assert command(*given) == 2
    assert words in capsys.readouterr().err


def test_a_cross_validation_alone(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for fold in (0, 1):
        write_run(tmp_path / "s" / str(fold), scores(0.7, seed=fold), fold=fold)
    assert command(f"sweep={tmp_path / 's'}") == 0
    out = capsys.readouterr().out
    assert "One configuration: dice 0." in out
    assert "on 80 images out of 2 folds." in out
    rows = table(tmp_path / "s" / "out_of_fold.csv")
    assert len({row["id"] for row in rows}) == len(rows) == 80
    assert {row["fold"] for row in rows} == {"0", "1"}
