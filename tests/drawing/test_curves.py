import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.drawing.curves import curves, rate_in_words

SCORES = ("val/dice", "val/iou")


def rows(count: int) -> list[dict[str, float]]:
    """Validation Dice peaks in the epoch after the middle, the loss bottoms in the second last."""
    return [
        {
            "epoch": epoch,
            "train/loss": 1 / (1 + epoch),
            "val/loss": 0.2 + abs(epoch - (count - 2)) / count,
            "val/dice": 0.9 - 0.01 * abs(epoch - (count // 2 + 1)),
            "val/iou": 0.8 - 0.01 * abs(epoch - (count // 2 + 1)),
            "lr": 1e-3 * 0.8**epoch,
            "seconds": 2.0,
            "images_per_second": 40.0,
        }
        for epoch in range(count)
    ]


def draw(
    path: Path,
    table: list[dict[str, float]],
    monitor: str = "val/dice",
    mode: Literal["min", "max"] = "max",
) -> NDArray[np.uint8]:
    curves(path, table, scores=SCORES, monitor=monitor, mode=mode)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def marked_columns(picture: NDArray[np.uint8]) -> list[int]:
    """Where the dashed line of the best epoch crosses the learning rate's axes, in pixels."""
    grey = (np.abs(picture[560:650].astype(int) - 0x78) < 30).all(axis=2)
    return [int(column) for column in np.flatnonzero(grey.sum(axis=0) > 25)]


def has(picture: NDArray[np.uint8], colour: str) -> bool:
    rgb = [int(colour[index : index + 2], 16) for index in (0, 2, 4)]
    return bool((picture == rgb).all(axis=2).any())


@pytest.mark.parametrize("count", [1, 12, 200])
def test_curves_is_a_png_of_fixed_size_with_every_line(tmp_path: Path, count: int) -> None:
    picture = draw(tmp_path / "run" / "curves.png", rows(count))
    assert picture.shape == (720, 1320, 3)
    assert (picture[:8] == 255).all()
    # Train and validation loss, Dice, IoU.
    for colour in ("d55e00", "0072b2", "009e73", "cc79a7"):
        assert has(picture, colour)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["curves.png"]


def test_the_best_epoch_is_where_the_line_is(tmp_path: Path) -> None:
    table = rows(21)
    # Epoch 11, 19 and 20 of 0…20.
    dice = marked_columns(draw(tmp_path / "a.png", table))
    loss = marked_columns(draw(tmp_path / "b.png", table, "val/loss", "min"))
    train = marked_columns(draw(tmp_path / "c.png", table, "train/loss", "min"))
    assert all((dice, loss, train))
    step = float(np.mean(train) - np.mean(loss))
    assert 30 < step < 70
    assert np.mean(loss) - np.mean(dice) == pytest.approx(8 * step, abs=8)


def test_mode_and_monitor_choose_the_label(tmp_path: Path) -> None:
    table = rows(10)
    options: list[tuple[str, Literal["min", "max"]]] = [
        ("val/dice", "max"),
        ("val/dice", "min"),
        ("val/loss", "min"),
    ]
    drawn = [draw(tmp_path / "a.png", table, *option).tobytes() for option in options]
    assert len(set(drawn)) == len(options)


def test_of_equals_the_first_is_best(tmp_path: Path) -> None:
    flat = [{**row, "val/dice": 0.5, "val/loss": 1.0 + row["epoch"]} for row in rows(9)]
    dice = marked_columns(draw(tmp_path / "a.png", flat))
    loss = marked_columns(draw(tmp_path / "b.png", flat, "val/loss", "min"))
    assert dice == loss != []


def test_an_infinite_value_is_not_the_best(tmp_path: Path) -> None:
    table = rows(6)
    finite = marked_columns(draw(tmp_path / "a.png", table))
    table[0]["val/dice"] = math.inf
    assert marked_columns(draw(tmp_path / "b.png", table)) == finite != []


def test_another_monitor_is_drawn_among_the_scores(tmp_path: Path) -> None:
    table = [{**row, "val/boundary": 0.1 * row["epoch"]} for row in rows(6)]
    with_it = draw(tmp_path / "a.png", table, "val/boundary")
    without = draw(tmp_path / "b.png", rows(6), "val/boundary")
    assert marked_columns(with_it)
    # Validation loss has the same colour, but in the left half.
    assert has(with_it[:, 700:], "0072b2")
    assert not has(without[:, 700:], "0072b2")
    assert not marked_columns(without)


@pytest.mark.parametrize("name", ["val/loss", "val/dice", "lr"])
def test_gaps_are_allowed(tmp_path: Path, name: str) -> None:
    table = rows(6)
    table[0][name], table[3][name] = math.nan, math.inf
    some = draw(tmp_path / "a.png", table)
    for row in table:
        row[name] = math.nan
    none = draw(tmp_path / "b.png", table)
    for row in table:
        del row[name]
    missing = draw(tmp_path / "c.png", table)
    assert not np.array_equal(some, none)
    np.testing.assert_array_equal(none, missing)


@pytest.mark.parametrize(("rate", "words"), [(0.0, "0"), (1e-3, "0.001"), (3.3333e-5, "3.33e-05")])
def test_a_constant_rate_is_told_in_words(tmp_path: Path, rate: float, words: str) -> None:
    table: list[dict[str, float]] = [{**row, "lr": rate} for row in rows(4)]
    assert rate_in_words(table) == f"{words} throughout"
    assert rate_in_words(table[:1]) == f"{words} at the end of the epoch"
    constant, varied = draw(tmp_path / "a.png", table), draw(tmp_path / "b.png", rows(4))
    assert constant.shape == varied.shape
    # The room of its axes is the others' now: the best epoch's line runs on.
    assert marked_columns(varied) != marked_columns(constant)
    assert rate_in_words(rows(4)) is None


def test_no_rows_give_an_empty_picture(tmp_path: Path) -> None:
    assert draw(tmp_path / "a.png", []).shape == (720, 1320, 3)


def test_same_numbers_give_the_same_file(tmp_path: Path) -> None:
    table: list[Mapping[str, float]] = list(rows(5))
    for name in ("a.png", "b.png"):
        curves(tmp_path / name, table, scores=SCORES, monitor="val/dice", mode="max")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_folder_that_is_a_file_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SegkitError, match="cannot write"):
        curves(
            tmp_path / "file" / "curves.png", rows(2), scores=SCORES, monitor="val/dice", mode="max"
        )


@pytest.mark.slow
def test_pyplot_is_never_imported(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from segkit.drawing.curves import curves\n"
        "rows, dice = [{'epoch': 0, 'val/dice': 0.5}], 'val/dice'\n"
        "curves(sys.argv[1], rows, scores=[dice], monitor=dice, mode='max')\n"
        "sys.exit(3 if 'matplotlib.pyplot' in sys.modules else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.png")], check=False)
    assert done.returncode == 0
