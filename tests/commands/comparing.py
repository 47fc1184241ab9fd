"""Folders of finished runs with known scores, and ``segkit.compare`` called on them."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from segkit import compare
from tests.commands.in_process import Call, call_main

Compare = Call
PIXELS = 1000


def compare_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *given: str) -> int:
    """The command in this process and folder, without pictures; gives its exit code."""
    monkeypatch.chdir(folder)
    return call_main(monkeypatch, "pictures=0", *given, module=compare)


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
            "reader": {"_target_": "segkit.data.readers.folder.Folder"},
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


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
