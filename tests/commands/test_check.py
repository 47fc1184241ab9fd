"""``python -m segkit.check`` as a user runs it: exit codes, files, and what it says."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit import check
from segkit.data.dsb2018 import Dsb2018
from segkit.data.phantom import write_phantoms
from segkit.data.split_file import read_split
from segkit.drawing import encode_png
from segkit.images import decode

ROOT = Path(__file__).parents[2]
PROMPT = 1.5

Checked = tuple[int, str, str]
Command = Callable[..., Checked]


@pytest.fixture(scope="session")
def clean_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty images in DSB2018's layout: five and more in each part. Do not write to it."""
    folder = tmp_path_factory.mktemp("clean") / "30x64"
    write_phantoms(folder, count=30, image_size=64, seed=0)
    return folder


@pytest.fixture
def spoilt(clean_root: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(clean_root, tmp_path / "data"))


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run ``segkit.check`` in an empty folder: exit code, output, errors."""

    def run(*given: str) -> Checked:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        monkeypatch.chdir(work)
        cache = f"dataset.cache_dir={tmp_path / 'cache'}"
        monkeypatch.setattr(sys, "argv", ["segkit.check", cache, *given])
        code = 0
        try:
            check.main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def of(root: Path, *more: str) -> tuple[str, ...]:
    """Phantoms on disk; 20 % make six records of thirty."""
    shares = ("dataset.split.val=0.2", "dataset.split.test=0.2")
    return ("dataset=dsb2018", f"dataset.root={root}", *shares, *more)


def folder(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "work" / "outputs" / "check").glob("*/*")
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def image_of(root: Path, number: int) -> Path:
    name = f"phantom_{number:04d}"
    return root / name / "images" / f"{name}.png"


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


def splits_of(found: Path) -> dict[str, str]:
    return {row["id"]: row["split"] for row in rows(found / "records.csv")}


@pytest.mark.slow
def test_a_copy_in_another_split_is_a_leak_and_a_clean_split_is_offered(
    command: Command, spoilt: Path, tmp_path: Path
) -> None:
    command(*of(spoilt))
    before = splits_of(folder(tmp_path))
    shutil.rmtree(tmp_path / "work")
    strata = {row.id: row for row in Dsb2018(spoilt).listing().records}
    train = next(i for i in strata if before[i] == "train")
    test = next(i for i in strata if before[i] == "test")
    pixels = image_of(spoilt, int(train[-4:])).read_bytes()
    image_of(spoilt, int(test[-4:])).write_bytes(pixels)
    # The split that was drawn before: strata follow the pixels.
    saved = tmp_path / "split.csv"
    saved.write_text("id,split\n" + "".join(f"{i},{s}\n" for i, s in before.items()), "utf-8")
    code, out, _ = command(*of(spoilt, f"dataset.split.file={saved}"))
    assert code == 1
    (leak,) = (r for r in rows(folder(tmp_path) / "problems.csv") if r["severity"] == "error")
    assert leak["kind"] == "copies in two splits"
    assert f"{train}.png (train)" in leak["where"]
    assert f"{test}.png (test)" in leak["where"]
    assert "different masks" in leak["what"]
    assert "<h2>Copies</h2>" in (folder(tmp_path) / "report.html").read_text("utf-8")
    clean = folder(tmp_path) / "split.csv"
    assert f"dataset.split.file={clean.relative_to(tmp_path / 'work')}" in out
    assert read_split(clean, list(strata.values())) == {**before, test: "train"}


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


def brightened(path: Path) -> NDArray[np.uint8]:
    image = decode(path.read_bytes(), path.name).astype(np.int16)
    image[..., :3] += 20
    return np.minimum(image, 255).astype(np.uint8)


@pytest.mark.slow
def test_a_near_copy_in_another_split_is_a_warning(
    command: Command, spoilt: Path, tmp_path: Path
) -> None:
    image_of(spoilt, 29).write_bytes(encode_png(brightened(image_of(spoilt, 0))))
    parts = ["train"] * 18 + ["val"] * 6 + ["test"] * 6
    saved = tmp_path / "split.csv"
    lines = [f"phantom_{number:04d},{part}\n" for number, part in enumerate(parts)]
    saved.write_text("id,split\n" + "".join(lines), "utf-8")
    code, out, _ = command(*of(spoilt, f"dataset.split.file={saved}"))
    assert code == 0, "a guess must not stop anyone"
    assert "with 1 warning" in out
    (near,) = rows(folder(tmp_path) / "problems.csv")
    assert (near["severity"], near["kind"]) == ("warning", "near copies in two splits")
    assert "phantom_0000.png (train)" in near["where"]
    assert "phantom_0029.png (test)" in near["where"]


def test_too_few_groups_for_the_split(command: Command, spoilt: Path, tmp_path: Path) -> None:
    for number in range(2, 30):
        shutil.rmtree(image_of(spoilt, number).parents[1])
    code, out, _ = command(*of(spoilt))
    assert code == 1
    assert "cannot be divided into 3 parts" in out
    assert {row["split"] for row in rows(folder(tmp_path) / "records.csv")} == {""}


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


def test_help_is_prompt(tmp_path: Path) -> None:
    before = os.times().children_user
    done = call(tmp_path, "-m", "segkit.check", "--help")
    assert done.returncode == 0, done.stderr
    assert "python -m segkit.check dataset=folder dataset.root=PATH" in done.stdout
    assert os.times().children_user - before < PROMPT
