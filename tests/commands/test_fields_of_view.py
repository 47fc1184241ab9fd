"""A run of DSB2018 from before its images were grouped by field of view: resumed and scored."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from segkit.core.tables import read_table, table_text
from segkit.data.readers.dsb2018 import field_of_view
from segkit.data.readers.phantom import write_phantoms
from segkit.data.split_file import COLUMNS, split_hash
from tests.commands.evaluating import evaluate_in, table
from tests.commands.small import SMALL
from tests.data.readers.dsb2018_files import PAIR, SQUARE

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated"),
    pytest.mark.slow,
]


def as_tiles(root: Path) -> Path:
    """Phantoms by the names of tiles of two fields."""
    write_phantoms(root, count=12, image_size=32, seed=0)
    for folder, name in zip(sorted(root.glob("phantom_*")), (*SQUARE, *PAIR), strict=False):
        for image in (folder / "images").iterdir():
            image.rename(image.with_name(f"{name}.png"))
        folder.rename(root / name)
    return root


@pytest.fixture
def before(here: Any, tmp_path: Path) -> Path:
    """A run whose split is by image, and leaks: the table says so, the configuration does not."""
    as_tiles(tmp_path / "data")
    given = ["trainer=cpu", "trainer.precision=32-true", "trainer.max_epochs=1", "logger=none"]
    given += ["dataset=dsb2018", "dataset.root=data", "dataset.cache_dir=cache", "dataset.size=32"]
    given += ["dataset.batch_size=4", "trainer.enable_progress_bar=false", "schedule=constant"]
    given += SMALL
    # The seed is one by which the four tiles of a field are in several parts.
    by_image = ["dataset.split.group_by=image", "dataset.split.seed=1", "hydra.run.dir=run"]
    assert here(*given, *by_image) == 0
    run = tmp_path / "run"
    config = (run / "config.yaml").read_text("utf-8")
    assert "group_by: image" in config
    (run / "config.yaml").write_text(config.replace("group_by: image", "group_by: group"), "utf-8")
    rows = read_table(run / "split.csv")
    assert {row["group"] for row in rows} >= {"field-000", "field-003"}
    assert len({row["split"] for row in rows if row["group"] == "field-000"}) > 1
    (run / "split.csv").write_text(
        table_text(COLUMNS, [{**row, "group": row["id"]} for row in rows]), "utf-8"
    )
    digest = split_hash((run / "split.csv").read_text("utf-8"))
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    (run / "summary.json").write_text(json.dumps({**summary, "split_hash": digest}), "utf-8")
    return run


def test_it_is_resumed_with_its_own_groups(here: Any, before: Path) -> None:
    split = (before / "split.csv").read_text("utf-8")
    summary = json.loads((before / "summary.json").read_text("utf-8"))
    assert field_of_view(SQUARE[0]) == "field-000"
    assert here("resume=run", "trainer.max_epochs=2") == 0
    assert (before / "split.csv").read_text("utf-8") == split
    after = json.loads((before / "summary.json").read_text("utf-8"))
    assert (after["epochs"], after["split_hash"]) == (2, summary["split_hash"])
    assert "group_by: group" in (before / "config.yaml").read_text("utf-8")


def test_it_is_scored_as_it_was_split(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here, and as a copy in another place."""
    assert evaluate_in(tmp_path, monkeypatch, "run=run") == 0
    here = table(before)
    summary = json.loads((before / "summary.json").read_text("utf-8"))
    assert {row["split_hash"] for row in here} == {summary["split_hash"]}
    assert "other data, or another split" not in (before / "report.html").read_text("utf-8")
    images = table(before, "evaluation_per_image")
    assert all(row["group"] == row["id"] for row in images)
    shutil.copytree(tmp_path / "data", tmp_path / "moved")
    assert evaluate_in(tmp_path, monkeypatch, "run=run", "dataset.root=moved") == 0
    assert table(before) == here
