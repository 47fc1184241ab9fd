"""What ``task=instance`` may be given: mistakes are answered, options and layouts go together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands.mistakes import Mistake, own, write
from tests.commands.objects import arguments, summary

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated"),
    pytest.mark.slow,
]
CODES = Callable[..., int]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("threshold=1.5", "threshold=1.5"),
        ("seed_threshold=best", "seed_threshold=best"),
        ("min_area=-2", "min_area=-2"),
        ("monitor=val/iou", "monitor=val/iou"),
        ("two_logits=true", "two_logits"),
        ("loss.contact=-1", "loss.contact=-1"),
    ],
)
def test_mistakes_of_a_training_are_answered(mistake: Mistake, given: str, said: str) -> None:
    err = mistake("task=instance", "dataset.count=12", "dataset.image_size=64", given)
    assert said in err


def test_more_than_one_class_is_refused(mistake: Mistake, data: Path) -> None:
    given = own(data, "task=instance", "dataset.classes=[background,a,b]")
    assert "dataset.classes" in mistake(*given)


def test_masks_that_tell_no_objects_apart_are_refused(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, "task=instance"))
    assert "objects" in said.split("fix:")[0]


def test_labels_above_255_are_trained_on(
    command: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    root = tmp_path / "labels"
    rng = np.random.default_rng(0)
    for number in range(8):
        labels = np.zeros((48, 64), np.uint16)
        for n in range(20):
            row, column = divmod(n, 5)
            labels[row * 12 + 1 : row * 12 + 9, column * 12 + 1 : column * 12 + 10] = 250 + n * 900
        write(root / "images" / f"{number}.png", rng.integers(0, 255, (48, 64, 3)).astype(np.uint8))
        write(root / "masks" / f"{number}.png", labels)
    given = own(root, "task=instance", "model=unet_lowered", "hydra.run.dir=run")
    given = tuple(each for each in given if each != "dataset.size=32")
    code, said = command(*given)
    assert code == 0, said
    folder = tmp_path / "work" / "run"
    assert summary(folder)["test"]["all"]["n_true"] % 20 == 0
    assert summary(folder)["test"]["all"]["n_true"] > 0


@pytest.mark.parametrize(
    "more",
    [
        ["cv=5fold", "trainer.max_epochs=1"],
        ["debug=fast"],
        ["dataset.batch_size=auto", "trainer.max_epochs=1"],
        [
            "dataset.device_cache=true",
            "augment=device_light",
            "dataset.size=64",
            "dataset.crop=null",
        ],
        ["dataset.size=48", "dataset.crop=32", "trainer.max_epochs=1"],
    ],
    ids=lambda more: more[0],
)
def test_it_composes(run: Any, here: CODES, tmp_path: Path, more: list[str]) -> None:
    assert here(*arguments(run, *more, f"hydra.run.dir={tmp_path / 'run'}")) == 0
    assert "decoder" in summary(tmp_path / "run")
