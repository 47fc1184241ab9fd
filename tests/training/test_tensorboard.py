"""What a resumed run leaves out of TensorBoard's files, whatever the machines' clocks say."""

import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segkit.core.run_folder import RunFolder
from segkit.training.tensorboard import RunTensorBoard, drop_events, event_sizes


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
