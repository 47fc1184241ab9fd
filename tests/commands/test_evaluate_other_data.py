"""``python -m segkit.evaluate`` on other data than the run's, or on its own in another place."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from segkit.data.readers.phantom import write_phantoms
from tests.commands.evaluating import PICTURES, Evaluate, evaluate_in, splits, table

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Evaluate:
    """The command in this process, where torch is there already; gives its exit code."""
    return partial(evaluate_in, tmp_path, monkeypatch)


@pytest.mark.slow
def test_the_runs_data_in_another_place(run: Any, folder: Path, score: Evaluate) -> None:
    moved = folder.parent / "moved"
    shutil.copytree(run.config["dataset"]["root"], moved)
    assert score(f"run={folder}") == 0
    here = table(folder)
    assert score(f"run={folder}", f"dataset.root={moved}") == 0
    assert table(folder) == here


@pytest.mark.slow
def test_a_copy_with_an_image_that_was_skipped_in_training(
    run: Any, folder: Path, score: Evaluate
) -> None:
    moved = folder.parent / "moved"
    shutil.copytree(run.config["dataset"]["root"], moved)
    whole = next(moved.rglob("phantom_0004"))
    broken = whole.with_name("broken")
    shutil.copytree(whole, broken)
    (image,) = (broken / "images").iterdir()
    image.rename(image.with_name("broken.png")).write_bytes(b"no image")
    given = [f"run={folder}", f"dataset.root={moved}", "dataset.on_bad_record=skip"]
    assert score(*given[:2]) == 2
    assert score(*given) == 0
    assert table(folder)[1]["n"] == str(run.summary["test"]["all"]["n"])


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Five other images, of another size than the run's."""
    write_phantoms(tmp_path / "others", count=5, image_size=80, seed=9)
    return tmp_path / "others"


@pytest.mark.slow
def test_other_data_of_the_same_classes(
    folder: Path, others: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(f"run={folder}") == 0
    files = [path for path in folder.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    given = [f"run={folder}", "dataset=dsb2018", f"dataset.root={others}", "dataset.batch_size=3"]
    cache = f"dataset.cache_dir={folder.parent / 'cache'}"
    capsys.readouterr()
    assert score(*given, cache, "split=all") == 0
    # The run's own results, pictures and report stay as they were.
    assert all(path.read_bytes() == data for path, data in before.items())
    (made,) = (path for path in (folder / "evaluation").iterdir() if path.is_dir())
    (digest,) = {row["split_hash"] for row in table(made)}
    assert made.name == f"dsb2018-{digest[:8]}"
    assert {path.stem for path in made.glob("*.png")} == set(PICTURES)
    assert f"run/evaluation/{made.name}/evaluation.csv" in capsys.readouterr().out
    assert {row["data"] for row in table(made)} == {"dsb2018"}
    assert {row["data"] for row in table(folder)} == {"phantom"}
    rows = table(made, "evaluation_per_image")
    assert len(rows) == 5
    assert {row["split"] for row in rows} == {""}
    assert {sum(int(row[n]) for n in ("tp", "fp", "fn", "tn")) for row in rows} == {80**2}
    assert table(made)[1]["n"] == "5"
    assert (folder.parent / "cache").is_dir()


@pytest.mark.slow
def test_a_threshold_for_other_data_comes_from_the_runs_own(
    folder: Path, others: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [f"run={folder}", "dataset=dsb2018", f"dataset.root={others}", "split=all"]
    assert score(*given, "threshold=auto") == 0
    count = sum(split == "val" for split in splits(folder).values())
    said = capsys.readouterr().out
    assert f"on {count} validation images" in said
    assert "flatters" not in said


def test_other_records_have_no_test_split(
    folder: Path, others: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(f"run={folder}", "dataset=dsb2018", f"dataset.root={others}") == 2
    err = capsys.readouterr().err
    assert "other records than the run's" in err
    assert "split=all" in err
