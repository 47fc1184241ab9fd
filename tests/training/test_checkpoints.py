"""Checkpoints appear whole or not at all, and follow a run folder that moves."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from segkit.core.errors import SegkitError
from segkit.training.checkpoints import RunCheckpoints, position


class Unwritable:
    def __reduce__(self) -> tuple[object, ...]:
        raise OSError("disk full")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "best.ckpt"
    RunCheckpoints(tmp_path).save_checkpoint({"w": torch.arange(3), "epoch": 4}, path)
    read = RunCheckpoints(tmp_path).load_checkpoint(path, weights_only=True)
    assert read["w"].tolist() == [0, 1, 2]
    assert read["epoch"] == 4


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    RunCheckpoints(tmp_path).save_checkpoint({"epoch": 1}, path)
    with pytest.raises(SegkitError, match=r"could not be written \(disk full\)") as told:
        RunCheckpoints(tmp_path).save_checkpoint({"epoch": 2, "bad": Unwritable()}, path)
    assert "make room" in told.value.remedy
    assert RunCheckpoints(tmp_path).load_checkpoint(path, weights_only=True)["epoch"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("", "utf-8")
    with pytest.raises(SegkitError, match="cannot write here"):
        RunCheckpoints(tmp_path).save_checkpoint({}, tmp_path / "checkpoints" / "best.ckpt")


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
    RunCheckpoints(tmp_path).save_checkpoint(
        {"callbacks": {"a": state, "b": {"wait_count": 1}}}, path
    )
    read = RunCheckpoints(tmp_path).load_checkpoint(path, weights_only=True)["callbacks"]
    best = str(tmp_path / "best.ckpt")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    linked = RunCheckpoints(tmp_path).load_checkpoint(
        tmp_path / "link" / "last.ckpt", weights_only=True
    )
    assert linked["callbacks"] == read, "Lightning follows links in its names"
    assert read["a"]["dirpath"] == str(tmp_path)
    assert (read["a"]["best_model_path"], read["a"]["last_model_path"]) == (best, "")
    assert list(read["a"]["best_k_models"]) == [best]
    assert read["b"] == {"wait_count": 1}


def progress(epoch: int, batch: int = 0) -> dict[str, object]:
    epochs = {"ready": epoch + (batch > 0), "processed": epoch}
    return {
        "loops": {
            "fit_loop": {
                "epoch_progress": {"current": epochs},
                "epoch_loop.batch_progress": {"current": {"ready": batch or 7}},
            }
        },
        "w": torch.arange(1000),
    }


def written(folder: Path, *epochs: int) -> None:
    for epoch in epochs:
        RunCheckpoints(folder).save_checkpoint(progress(epoch), folder / "last.ckpt")


def test_the_checkpoint_before_the_last_is_kept(tmp_path: Path) -> None:
    written(tmp_path, 1, 2, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.ckpt", "previous.ckpt"]
    found, damaged = position(tmp_path)
    assert found is not None
    assert (found.checkpoint.name, found.epoch, found.batch) == ("last.ckpt", 3, 0)
    assert damaged == []
    (tmp_path / "last.ckpt").unlink()
    found, _ = position(tmp_path)
    assert found is not None
    assert (found.checkpoint.name, found.epoch) == ("previous.ckpt", 2)


def cut(data: bytearray) -> bytearray:
    return data[: len(data) // 2]


def flipped(data: bytearray) -> bytearray:
    place = data.index(torch.arange(1000).numpy().tobytes()) + 4000  # torch reads it as it is
    data[place] ^= 1
    return data


def empty(data: bytearray) -> bytearray:
    return data[:0]


@pytest.mark.parametrize("damage", [cut, flipped, empty])
def test_a_damaged_checkpoint_is_passed_over(
    tmp_path: Path, damage: Callable[[bytearray], bytearray]
) -> None:
    written(tmp_path, 1, 2)
    last = tmp_path / "last.ckpt"
    last.write_bytes(damage(bytearray(last.read_bytes())))
    found, damaged = position(tmp_path)
    assert found is not None
    assert (found.checkpoint.name, found.epoch) == ("previous.ckpt", 1)
    assert len(damaged) == 1
    assert damaged[0].startswith("last.ckpt is damaged (")
    (tmp_path / "previous.ckpt").write_bytes(b"no archive")
    found, damaged = position(tmp_path)
    assert found is None
    assert [each.split()[0] for each in damaged] == ["last.ckpt", "previous.ckpt"]


def test_a_position_within_an_epoch(tmp_path: Path) -> None:
    state = progress(2, batch=5) | {"epoch_so_far": {"losses": torch.zeros(4, 5)}}
    RunCheckpoints(tmp_path).save_checkpoint(state, tmp_path / "last.ckpt")
    found, _ = position(tmp_path)
    assert found is not None
    assert (found.epoch, found.batch, found.world_size) == (2, 5, 4)
    assert position(tmp_path / "nothing") == (None, [])
