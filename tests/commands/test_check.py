"""``python -m segkit.check`` as a user runs it: exit codes, files, and what it says."""

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from segkit.drawing.overlay import encode_png
from segkit.imaging.pixels import decode
from tests.commands.checking import Command, check_in, folder, image_of, of, rows

ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run ``segkit.check`` in an empty folder: exit code, output, errors."""
    return partial(check_in, tmp_path, monkeypatch, capsys)


def test_clean_data_are_fit_to_train_on(command: Command, clean_root: Path, tmp_path: Path) -> None:
    code, out, err = command(*of(clean_root))
    assert code == 0, out + err
    assert "Fit to train on: nothing wrong was found" in out
    found = folder(tmp_path)
    assert found.parent.name == "dsb2018"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", found.name)
    assert str(found.relative_to(tmp_path / "work")) in out
    assert {p.name for p in found.iterdir()} == {"report.html", "records.csv", "problems.csv"}
    assert rows(found / "problems.csv") == []
    table = rows(found / "records.csv")
    assert len(table) == 30
    assert {row["split"] for row in table} == {"train", "val", "test"}
    for row in table:
        masks = list((clean_root / row["id"] / "masks").iterdir())
        assert int(row["objects"]) == int(row["masks"]) == len(masks)
        shares = float(row["share_background"]) + float(row["share_nucleus"])
        assert shares == pytest.approx(1, abs=1e-5)
        assert (row["width"], row["dtype"], row["problem"]) == ("64", "uint8", "")


def test_the_report_needs_nothing_else(command: Command, clean_root: Path, tmp_path: Path) -> None:
    command(*of(clean_root))
    page = (folder(tmp_path) / "report.html").read_text("utf-8")
    assert not re.search(r"https?://", page)
    assert len(page) < 5_000_000
    assert "Fit to train on" in page
    for heading in ("Splits", "Distributions", "Images with their masks", "Records"):
        assert f"<h2>{heading}</h2>" in page
    assert page.count("data:image/webp;base64,") == 24
    assert "phantom_0007" in page


def test_damage_is_an_error_that_names_the_file(
    command: Command, spoilt: Path, tmp_path: Path
) -> None:
    cut, lost, small = (image_of(spoilt, number) for number in (3, 4, 5))
    cut.write_bytes(cut.read_bytes()[:900])
    shutil.rmtree(lost.parents[1] / "masks")
    mask = next((small.parents[1] / "masks").iterdir())
    mask.write_bytes(encode_png(np.full((8, 8), 255, np.uint8)))
    code, out, _ = command(*of(spoilt))
    assert code == 1
    assert "Do not train on it yet: 3 errors" in out
    problems = rows(folder(tmp_path) / "problems.csv")
    errors = [row for row in problems if row["severity"] == "error"]
    page = (folder(tmp_path) / "report.html").read_text("utf-8")
    for file in (cut, lost, mask):
        name = file.relative_to(spoilt).as_posix()
        assert any(name in row["where"] and row["what"] and row["remedy"] for row in errors)
        assert name in out
        assert name in page
    table = rows(folder(tmp_path) / "records.csv")
    assert [row["id"] for row in table if row["problem"]] == ["phantom_0003", "phantom_0005"]


@pytest.mark.slow
def test_damage_is_a_warning_where_it_is_left_out(command: Command, spoilt: Path) -> None:
    image_of(spoilt, 3).write_bytes(b"")
    code, out, _ = command(*of(spoilt, "dataset.on_bad_record=skip"))
    assert code == 0
    assert "with 1 warning" in out


@pytest.mark.parametrize("mark", ["config.yaml", "train.log"])
def test_a_run_is_never_written_into(
    command: Command, clean_root: Path, tmp_path: Path, mark: str
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / mark).write_text("a: 1\n", "utf-8")
    code, _, err = command(*of(clean_root), f"hydra.run.dir={run}")
    assert code == 2
    assert "there is a run in this folder" in err
    assert [path.name for path in run.iterdir()] == [mark]


@pytest.mark.slow
def test_the_augmentation_is_shown(command: Command, clean_root: Path, tmp_path: Path) -> None:
    code, _, err = command(*of(clean_root, "dataset.size=48", "augment_preview=true"))
    assert code == 0, err
    sheet = decode((folder(tmp_path) / "augment.png").read_bytes(), "augment.png")
    assert sheet.shape == (5 * 198 + 6, 7 * 198 + 6, 3)
    first, second = sheet[6:198, 6:198], sheet[6:198, 204:396]
    assert np.abs(first.astype(int) - second).max() > 0
    assert "<h2>Augmentation</h2>" in (folder(tmp_path) / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("dataset=dsb2018", "dataset.root=nowhere", "dataset.download=false"), "dataset.root"),
        (("dataset=folder",), "dataset.root"),
        (("dataset=dsb",), "did you mean"),
        (("dataset.sise=3",), "dataset.size"),
        (("dataset.split.val=2",), "dataset.split.val"),
        (("dataset.crop=[1,2,3]",), "dataset.crop"),
        (("augment_preview=maybe",), "augment_preview"),
        (("dataset.reader._target_=os.system",), "os.system"),
    ],
)
def test_mistakes_end_with_2(
    command: Command, tmp_path: Path, given: tuple[str, ...], named: str
) -> None:
    code, _, err = command(*given)
    assert code == 2, err
    assert re.search(r"error: .+\n  where: .+\n  fix:   .+", err)
    assert named in err
    assert not list((tmp_path / "work").rglob("*/*/*"))


@pytest.mark.slow
def test_several_data_sets_at_once(command: Command, clean_root: Path, spoilt: Path) -> None:
    image_of(spoilt, 3).write_bytes(b"")
    shares = ("dataset.split.val=0.2", "dataset.split.test=0.2")
    code, out, _ = command("-m", "dataset=dsb2018", f"dataset.root={spoilt},{clean_root}", *shares)
    assert code == 1
    assert "1 error" in out
    assert "nothing wrong" in out


def call(cwd: Path, *given: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )


@pytest.mark.slow
def test_in_a_process_of_its_own_without_torch(clean_root: Path, tmp_path: Path) -> None:
    watched = (
        "import sys; from segkit import check; check.main(); "
        "print(sorted({'torch', 'lightning', 'albumentations'} & set(sys.modules)))"
    )
    done = call(tmp_path, "-c", watched, *of(clean_root))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Warning" not in done.stderr
