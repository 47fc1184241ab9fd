"""The two tables of an evaluation, row by row."""

import csv
import io
import math

import numpy as np
import pytest

from segkit.core.contracts import Record
from segkit.core.tables import table_text
from segkit.tasks.semantic.metrics import score
from segkit.tasks.semantic.tables import (
    CLASS_COLUMNS,
    IMAGE_COLUMNS,
    class_rows,
)
from segkit.tasks.semantic.task import SemanticTask
from segkit.tasks.tally import Counted, image_rows

CLASSES = ("background", "cell", "edge")
# Two images of 100 pixels: the second has no edge and none is drawn.
COUNTS = np.array(
    [
        [[70, 5, 5, 20], [10, 3, 5, 82], [8, 4, 2, 86]],
        [[80, 0, 5, 15], [15, 5, 0, 80], [0, 0, 0, 100]],
    ]
)
CELLS = SemanticTask(CLASSES).scorer.image_cells(COUNTS)
RECORDS = [Record(f"r{i}", f"g{i}", f"{i}.png", (f"{i}_mask.png",)) for i in range(3)]
SURFACES = {0: np.array([[4.0, 0.5], [6.0, 0.25]]), 2: np.array([[2.0, 1.0], [np.nan, np.nan]])}


EXTRAS: dict[int, dict[str, dict[str, object]]] = {
    index: {
        name: {"hd95": hd95, "surface_dice": near}
        for name, (hd95, near) in zip(CLASSES[1:], found.tolist(), strict=True)
    }
    for index, found in SURFACES.items()
}


def counted() -> Counted:
    return Counted([0, 2], COUNTS, 0.5, {})


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def class_table(*, surfaces: bool = True) -> list[dict[str, str]]:
    scores = score(COUNTS, ["r0", "r2"], CLASSES)
    bounds = np.array([[0.1, 0.2], [math.nan, math.nan], [0.3, 0.4]])
    made = class_rows(
        scores,
        {"dice": bounds, "iou": bounds / 2},
        list(SURFACES.values()) if surfaces else [],
        whole={"loss": 0.5, "ece": 0.01},
        every={"split": "test", "threshold": None, "split_hash": "abc"},
    )
    return rows(table_text(CLASS_COLUMNS, made))


def test_a_row_a_class_and_one_for_all() -> None:
    table = class_table()
    assert tuple(table[0]) == CLASS_COLUMNS
    assert [row["class"] for row in table] == ["cell", "edge", "all"]
    assert [row["split"] for row in table] == ["test"] * 3
    assert [row["split_hash"] for row in table] == ["abc"] * 3
    assert [row["threshold"] for row in table] == [""] * 3
    cell = (20 / 28 + 30 / 35) / 2
    assert float(table[0]["dice"]) == pytest.approx(cell)
    assert float(table[2]["dice"]) == pytest.approx((cell + 16 / 22) / 2)
    assert table[1]["n_empty"] == "1"


def test_intervals_are_beside_their_score_and_empty_where_there_is_none() -> None:
    table = class_table()
    bounds = [[row[f"dice_{side}"] for side in ("low", "high")] for row in table]
    assert bounds == [["0.1", "0.2"], ["", ""], ["0.3", "0.4"]]
    assert [row["iou_high"] for row in table] == ["0.1", "", "0.2"]


def test_what_is_of_the_whole_split_is_in_the_last_row() -> None:
    table = class_table()
    assert [row["loss"] for row in table] == ["", "", "0.5"]
    assert [row["ece"] for row in table] == ["", "", "0.01"]


def test_surfaces_are_averaged_where_defined() -> None:
    table = class_table()
    assert [row["hd95"] for row in table] == ["3.0", "6.0", "4.5"]
    assert [row["surface_dice"] for row in table] == ["0.75", "0.25", "0.5"]
    assert [row["hd95"] for row in class_table(surfaces=False)] == [""] * 3


def test_a_row_an_image_and_class() -> None:
    made = image_rows(counted(), RECORDS, {"r0": "test", "r2": "val"}, CELLS, EXTRAS)
    table = rows(table_text(IMAGE_COLUMNS, made))
    assert tuple(table[0]) == IMAGE_COLUMNS
    names = [(row["id"], row["group"], row["split"], row["class"]) for row in table]
    assert names == [
        ("r0", "g0", "test", "cell"),
        ("r0", "g0", "test", "edge"),
        ("r2", "g2", "val", "cell"),
        ("r2", "g2", "val", "edge"),
    ]
    assert [table[0][name] for name in ("tp", "fp", "fn", "tn")] == ["10", "3", "5", "82"]
    assert float(table[0]["dice"]) == pytest.approx(20 / 28)
    assert float(table[0]["iou"]) == pytest.approx(10 / 18)
    assert [row["hd95"] for row in table] == ["4.0", "6.0", "2.0", ""]
    assert table[3]["dice"] == ""


def test_other_records_have_no_split_and_unmeasured_surfaces_are_empty() -> None:
    table = rows(table_text(IMAGE_COLUMNS, image_rows(counted(), RECORDS, {}, CELLS)))
    assert {row["split"] for row in table} == {""}
    assert {row["hd95"] + row["surface_dice"] for row in table} == {""}
