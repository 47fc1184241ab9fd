"""``python -m segkit.check`` on splits: copies and near copies in two, and too few groups."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.split_file import read_split
from segkit.drawing.overlay import encode_png
from segkit.imaging.pixels import decode
from tests.commands.checking import Command, check_in, folder, image_of, of, rows


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run ``segkit.check`` in an empty folder: exit code, output, errors."""
    return partial(check_in, tmp_path, monkeypatch, capsys)


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
