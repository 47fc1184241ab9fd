"""DSB2018's fields of view: their tiles are one group."""

from collections import Counter
from pathlib import Path

import numpy as np

from segkit.core.tables import read_table
from segkit.data.readers import dsb2018
from segkit.data.readers.dsb2018 import Dsb2018, field_of_view
from segkit.data.splits import SplitSpec, assign_splits
from tests.data.readers.dsb2018_files import (
    FOREGROUND,
    IMAGE,
    PAIR,
    SQUARE,
    flat_folders,
    nucleus_files,
    save,
)


def test_the_table_holds_each_tile_once() -> None:
    rows = read_table(Path(dsb2018.__file__).with_name("dsb2018_fields.csv"))
    assert len({row["id"] for row in rows}) == len(rows) == 565
    tiles = Counter(row["field"] for row in rows)
    assert sorted(tiles) == [f"{number:03d}" for number in range(143)]
    assert Counter(tiles.values()) == {2: 21, 3: 13, 4: 100, 8: 6, 12: 3}
    assert {len(row["id"]) for row in rows} == {12}


def test_tiles_of_a_field_of_view_are_one_group(tmp_path: Path) -> None:
    stranger = SQUARE[0][:12] + "0" * 51  # a name of 63 digits is none of the challenge's
    found = Dsb2018(nucleus_files(tmp_path, *SQUARE, *PAIR, "alone", stranger)).listing()
    groups = {record.id: record.group for record in found.records}
    assert groups == {
        **dict.fromkeys(SQUARE, "field-000"),
        **dict.fromkeys(PAIR, "field-003"),
        "alone": "alone",
        stranger: stranger,
    }
    assert field_of_view("f" * 64) == "f" * 64


def test_tiles_are_one_group_in_the_flat_layout_too(tmp_path: Path) -> None:
    flat_folders(tmp_path)
    for split, name in (("train", SQUARE[0]), ("train", SQUARE[1]), ("test", "a")):
        save(tmp_path / split / "inputs" / f"{name}.png", IMAGE)
        save(tmp_path / split / "masks" / f"{name}.png", FOREGROUND.astype(np.uint8) * 255)
    groups = [record.group for record in Dsb2018(tmp_path).listing().records]
    assert groups == ["test/a", "field-000", "field-000"]


def test_no_field_of_view_lies_in_two_splits(tmp_path: Path) -> None:
    names = [f"alone{number}" for number in range(8)]
    records = Dsb2018(nucleus_files(tmp_path, *SQUARE, *PAIR, *names)).listing().records
    for seed in range(8):
        drawn = assign_splits(records, SplitSpec(seed=seed))
        assert len({drawn[name] for name in SQUARE}) == 1
        assert len({drawn[name] for name in PAIR}) == 1
    by_image = [assign_splits(records, SplitSpec(seed=seed, group_by="image")) for seed in range(8)]
    assert any(len({drawn[name] for name in SQUARE}) > 1 for drawn in by_image)
