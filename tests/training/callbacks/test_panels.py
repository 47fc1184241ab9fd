"""The pictures of each epoch."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segkit.imaging.pixels import decode
from segkit.training.callbacks.panels import Panels, draw_panel
from segkit.training.tensorboard import RunTensorBoard

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*",
    "ignore:.*number of training batches.*",
    "ignore:.*LeafSpec.*is deprecated",
    "ignore:.*Checkpoint directory .* exists.*",
)


class Told(RunTensorBoard):
    """Remembers which panels it was given."""

    def __init__(self) -> None:
        self.panels: list[int] = []

    def log_picture(self, name: str, png: bytes, epoch: int) -> None:
        assert name == "panels"
        assert decode(png, name).shape[2] == 3
        self.panels.append(epoch)


def a_trainer(folder: Path, epoch: int, logger: Told) -> Any:
    return SimpleNamespace(
        default_root_dir=str(folder),
        current_epoch=epoch,
        sanity_checking=False,
        is_global_zero=True,
        loggers=[logger],
    )


def draw(folder: Path, finished: Any, epochs: int, **settings: Any) -> list[int]:
    panels = Panels(**({"every_n_epochs": 1, "tensorboard_megabytes": 50} | settings))
    logger = Told()
    for epoch in range(epochs):
        panels.on_validation_end(a_trainer(folder, epoch, logger), finished.module)
    return logger.panels


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "panels").iterdir())


def test_one_picture_an_epoch_of_the_same_images(finished: Any) -> None:
    assert names(finished.folder) == [f"epoch_{n:03d}.png" for n in range(3)]
    pictures = [
        decode(path.read_bytes(), path.name)
        for path in sorted((finished.folder / "panels").iterdir())
    ]
    assert len({picture.shape for picture in pictures}) == 1
    # The images and their truth stay, the predictions change: nowhere near all pixels differ.
    changed = (pictures[0] != pictures[-1]).any(axis=2).mean()
    assert 0 < changed < 0.7


def test_the_picture_is_of_the_last_validation(finished: Any) -> None:
    stored = (finished.folder / "panels" / "epoch_002.png").read_bytes()
    np.testing.assert_array_equal(decode(stored, "panel"), draw_panel(finished.module))


def test_the_picture_shows_the_prediction(finished: Any) -> None:
    task = finished.module
    before = draw_panel(task)
    index = task.data.panel_indices()[0]
    mask = task.counted["val"].kept[index]
    task.counted["val"].kept[index] = (1 - mask).astype(np.uint8)
    after = draw_panel(task)
    task.counted["val"].kept[index] = mask
    assert before is not None
    assert after is not None
    assert not np.array_equal(before, after)


def test_every_second_epoch(finished: Any, tmp_path: Path) -> None:
    assert draw(tmp_path, finished, 5, every_n_epochs=2) == [0, 2, 4]
    assert names(tmp_path) == ["epoch_000.png", "epoch_002.png", "epoch_004.png"]


def test_the_event_file_has_a_budget_and_the_folder_has_not(finished: Any, tmp_path: Path) -> None:
    draw(tmp_path / "one", finished, 1)
    size = (tmp_path / "one" / "panels" / "epoch_000.png").stat().st_size
    told = draw(tmp_path / "more", finished, 5, tensorboard_megabytes=2.5 * size / 2**20)
    assert told == [0, 1]
    assert len(names(tmp_path / "more")) == 5
    assert draw(tmp_path / "none", finished, 2, tensorboard_megabytes=0) == []


def test_other_processes_draw_nothing(finished: Any, tmp_path: Path) -> None:
    panels = Panels(every_n_epochs=1, tensorboard_megabytes=50)
    trainer = a_trainer(tmp_path, 0, Told())
    trainer.is_global_zero = False
    panels.on_validation_end(trainer, finished.module)
    assert list(tmp_path.iterdir()) == []
