"""What a resumed run leaves out of TensorBoard's files, whatever the machines' clocks say."""

import time
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segkit.core.run_folder import RunFolder
from segkit.runs.resume_point import clear_leftovers
from segkit.training.checkpoints import Position, RunCheckpoints, position
from segkit.training.event_files import drop_events, event_sizes
from segkit.training.tensorboard import RunTensorBoard
from tests.training.test_checkpoints import progress


def points(folder: RunFolder) -> list[tuple[int, float]]:
    found = EventAccumulator(str(folder.path))
    found.Reload()
    return sorted((point.step, point.value) for point in found.Scalars("score"))


@pytest.mark.parametrize("hours", [0, -1, 1])
def test_points_after_the_checkpoint_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """The second machine's clock is an hour off; each logs two points beyond its checkpoint."""
    folder, now = RunFolder(tmp_path), time.time
    sizes: dict[str, int] = {}
    for session in range(3):
        shift = hours * 3600 * (session == 1) + session
        monkeypatch.setattr(time, "time", lambda shift=shift: now() + shift)
        drop_events(folder, sizes)
        logger = RunTensorBoard(str(tmp_path))
        for step in range(10 * session, 10 * session + 5):
            if step % 10 == 3:
                sizes = event_sizes(folder, [logger])
            logger.log_metrics({"score": step / 2}, step)
        logger.finalize("success")
    drop_events(folder, sizes)
    assert points(folder) == [(10 * s + n, 5 * s + n / 2) for s in range(3) for n in range(3)]


def test_what_was_logged_before_any_checkpoint_goes(tmp_path: Path) -> None:
    folder, logger = RunFolder(tmp_path), RunTensorBoard(str(tmp_path))
    logger.log_metrics({"score": 1.0}, 0)
    logger.finalize("success")
    assert folder.events()
    drop_events(folder, {})
    assert not folder.events()


def test_the_last_checkpoint_tells_what_is_on_disk(tmp_path: Path) -> None:
    folder, logger = RunFolder(tmp_path), RunTensorBoard(str(tmp_path))
    writer = RunCheckpoints(tmp_path)
    writer.loggers = [logger]
    logger.log_metrics({"score": 1.0}, 0)
    for path in (folder.last, folder.best):
        writer.save_checkpoint({"state": 1}, path)
    (file,) = folder.events()
    told = writer.load_checkpoint(folder.last, weights_only=True)["events"]
    assert told == {file.name: file.stat().st_size}
    logger.log_metrics({"score": 2.0}, 1)
    logger.finalize("success")
    assert told[file.name] < file.stat().st_size
    assert "events" not in writer.load_checkpoint(folder.best, weights_only=True)


@pytest.mark.parametrize("events", [None, {}, {"events.out.tfevents.1": 3}])
def test_what_is_dropped_where_a_run_resumes(tmp_path: Path, events: dict[str, int] | None) -> None:
    """None: a checkpoint of an earlier version, which does not tell."""
    for name in ("events.out.tfevents.1", "events.out.tfevents.2"):
        (tmp_path / name).write_bytes(b"12345")
    found = Position(tmp_path / "last.ckpt", epoch=1, batch=0, world_size=1, events=events)
    clear_leftovers(RunFolder(tmp_path), found)
    left = {path.name: path.read_bytes() for path in RunFolder(tmp_path).events()}
    whole = {"events.out.tfevents.1": b"12345", "events.out.tfevents.2": b"12345"}
    assert left == (whole if events is None else dict.fromkeys(events, b"123"))
    clear_leftovers(RunFolder(tmp_path), None)
    assert not RunFolder(tmp_path).events()


@pytest.mark.parametrize("events", [["a"], {"a": -1}, {"a": "long"}, 3])
def test_lengths_that_are_none_damage_a_checkpoint(tmp_path: Path, events: object) -> None:
    torch.save({**progress(2), "events": events}, tmp_path / "last.ckpt")
    found, damaged = position(tmp_path)
    assert found is None
    assert "last.ckpt is damaged" in damaged[0]
