"""``python -m segkit.evaluate`` on other data than the run's, or on its own in another place."""

import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import segkit
from segkit.data.readers.phantom import write_phantoms
from segkit.imaging.pixels import decode
from tests.commands.evaluating import PICTURES, Evaluate, evaluate_in, splits, table
from tests.commands.mistakes import write

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


def files_of(folder: Path) -> dict[str, bytes]:
    """All that lies in a run folder, but results on other data."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    own = [path for path in found if path.parent.parent != folder / "evaluation"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in own}


def placed(folder: Path) -> set[Path]:
    return {path for path in (folder / "evaluation").iterdir() if path.is_dir()}


def replace_masks(root: Path, *, of: str = "*") -> None:
    """Other nuclei under the same names."""
    for file in root.rglob(f"{of}/masks/*.png"):
        write(file, decode(file.read_bytes(), str(file))[::-1, ::-1])


@pytest.mark.slow
def test_other_pixels_under_the_same_names_never_replace_the_runs_own_results(
    run: Any, folder: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = folder.parent / "first", folder.parent / "second"
    for other in (first, second):
        shutil.copytree(run.config["dataset"]["root"], other)
    replace_masks(first)
    replace_masks(second, of="phantom_0003")
    assert score(f"run={folder}", "split=all") == 0
    before = files_of(folder)
    capsys.readouterr()
    for other, named in ((first, "12 of 12"), (second, "1 of 12 records (phantom_0003)")):
        known = placed(folder)
        assert score(f"run={folder}", f"dataset.root={other}", "split=all") == 0
        assert files_of(folder) == before
        (made,) = placed(folder) - known
        said = capsys.readouterr()
        assert f"dataset.root={other}" in said.err
        assert named in said.err
        assert f"run/evaluation/{made.name}" in said.err
        assert f"12 images (all) of {other.name}" in " ".join(said.out.split())
        assert all(row["root"].startswith(str(other)) for row in table(made))
        assert table(made)[1]["n"] == "12"
    # One image is enough for other scores.
    losses = [table(place)[1]["loss"] for place in (folder, *placed(folder))]
    assert len(set(losses)) == 3


@pytest.mark.slow
def test_what_became_other_data_where_the_run_was_trained(
    run: Any, folder: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scored by the run's split, and from Python too; the moved original is the run's own still."""
    own, moved = folder.parent / "own", folder.parent / "moved"
    for place in (own, moved):
        shutil.copytree(run.config["dataset"]["root"], place)
    text = (folder / "config.yaml").read_text("utf-8")
    text = text.replace(str(run.config["dataset"]["root"]), str(own))
    (folder / "config.yaml").write_text(text, "utf-8")
    assert score(f"run={folder}") == 0
    before = files_of(folder)
    replace_masks(own)
    assert score(f"run={folder}") == 0
    assert "are not what this run has seen under their names" in capsys.readouterr().err
    (made,) = placed(folder)
    assert files_of(folder) == before
    tested = {name for name, split in splits(folder).items() if split == "test"}
    rows = table(made, "evaluation_per_image")
    assert {row["id"] for row in rows} == tested
    assert {row["split"] for row in rows} == {"test"}
    found = segkit.score(folder, overrides=["trainer=cpu", "trainer.precision=32-true"])["all"]
    assert found["dice"] == pytest.approx(float(table(made)[1]["dice"]))
    assert found["root"].startswith(str(own))
    assert score(f"run={folder}", f"dataset.root={moved}") == 0
    assert table(folder) != []
    assert files_of(folder)["evaluation.csv"] == before["evaluation.csv"]
    assert placed(folder) == {made}


@pytest.mark.slow
def test_a_run_that_kept_no_checksums(
    run: Any, folder: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    """As those of earlier versions: its own data tell, while they are there."""
    (folder / "checksums.csv").unlink()
    own, copy, other = (folder.parent / name for name in ("own", "copy", "other"))
    for place in (own, copy, other):
        shutil.copytree(run.config["dataset"]["root"], place)
    text = (folder / "config.yaml").read_text("utf-8")
    (folder / "config.yaml").write_text(
        text.replace(str(run.config["dataset"]["root"]), str(own)), "utf-8"
    )
    replace_masks(other)
    assert score(f"run={folder}") == 0
    before = files_of(folder)
    assert score(f"run={folder}", f"dataset.root={copy}") == 0
    assert not placed(folder)
    assert files_of(folder)["evaluation.csv"] == before["evaluation.csv"]
    assert score(f"run={folder}", f"dataset.root={other}") == 0
    assert len(placed(folder)) == 1
    capsys.readouterr()
    replace_masks(own, of="phantom_0001")
    for data in (copy, other):
        assert score(f"run={folder}", f"dataset.root={data}") == 0
    assert files_of(folder)["evaluation.csv"] == before["evaluation.csv"]
    assert len(placed(folder)) == 2


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
    assert re.fullmatch("dsb2018-[0-9a-f]{8}", made.name)
    assert {row["root"] for row in table(made)} == {str(others)}
    assert "root" not in table(folder)[0]
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
