"""Checkpoints appear whole or not at all, and follow a run folder that moves."""

from pathlib import Path

import pytest
import torch

from segkit.checkpoints import RunCheckpoints
from segkit.errors import SegkitError


class Unwritable:
    def __reduce__(self) -> tuple[object, ...]:
        raise OSError("disk full")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "best.ckpt"
    RunCheckpoints().save_checkpoint({"w": torch.arange(3), "epoch": 4}, path)
    read = RunCheckpoints().load_checkpoint(path, weights_only=True)
    assert read["w"].tolist() == [0, 1, 2]
    assert read["epoch"] == 4


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    RunCheckpoints().save_checkpoint({"epoch": 1}, path)
    with pytest.raises(OSError, match="disk full"):
        RunCheckpoints().save_checkpoint({"epoch": 2, "bad": Unwritable()}, path)
    assert RunCheckpoints().load_checkpoint(path, weights_only=True) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("", "utf-8")
    with pytest.raises(SegkitError, match="cannot write here"):
        RunCheckpoints().save_checkpoint({}, tmp_path / "checkpoints" / "best.ckpt")


def test_files_are_sought_beside_the_checkpoint(tmp_path: Path) -> None:
    then = "/elsewhere/checkpoints"
    state = {
        "dirpath": then,
        "best_model_path": f"{then}/best.ckpt",
        "last_model_path": "",
        "kth_best_model_path": f"{then}/best.ckpt",
        "best_k_models": {f"{then}/best.ckpt": torch.tensor(0.5)},
        "best_model_score": torch.tensor(0.5),
    }
    path = tmp_path / "last.ckpt"
    RunCheckpoints().save_checkpoint({"callbacks": {"a": state, "b": {"wait_count": 1}}}, path)
    read = RunCheckpoints().load_checkpoint(path, weights_only=True)["callbacks"]
    best = str(tmp_path / "best.ckpt")
    assert read["a"]["dirpath"] == str(tmp_path)
    assert (read["a"]["best_model_path"], read["a"]["last_model_path"]) == (best, "")
    assert list(read["a"]["best_k_models"]) == [best]
    assert read["b"] == {"wait_count": 1}
