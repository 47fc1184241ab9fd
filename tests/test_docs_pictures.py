"""``make docs-pictures``: it makes each picture of docs/, and says what it lacks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docs.pictures import __main__, made, panels
from docs.pictures.__main__ import LARGEST, PICTURES, main, write
from docs.pictures.panels import Cell, Found, row
from docs.pictures.sources import COMMANDS
from tests.documents import ROOT, split_command


def test_no_picture_is_made_by_hand() -> None:
    there = {path.name for path in (ROOT / "docs").iterdir() if path.suffix in (".png", ".jpg")}
    assert there == set(PICTURES)


def test_what_is_missing_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    given = [str(tmp_path / "my runs"), str(tmp_path / "data"), "--docs", str(docs)]
    assert main(given) == 1
    said = capsys.readouterr().err
    assert not list(docs.iterdir())
    assert all(name in said for name in PICTURES)
    assert f"python -m segkit.train experiment=lgg_mri_128 dataset.root={tmp_path}/data" in said
    assert f"'hydra.run.dir={tmp_path}/my runs/lgg_mri'" in said
    assert "dsb2018/stage1_train.zip is missing" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_train_are_there(name: str) -> None:
    module, words = split_command(f"segkit.{COMMANDS[name]}")
    assert (ROOT / "segkit" / f"{module}.py").is_file()
    for experiment in (w.split("=")[1] for w in words if w.startswith("experiment=")):
        assert (ROOT / "conf" / "experiment" / f"{experiment}.yaml").is_file()


def test_a_picture_is_made_small_enough_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (300, 400, 3), np.uint8))
    for name in ("a.png", "a.jpg"):
        write(noise, tmp_path / name)
        assert (tmp_path / name).stat().st_size < LARGEST
        with Image.open(tmp_path / name) as written:
            assert written.size == noise.size
    monkeypatch.setattr(__main__, "LARGEST", 1000)
    with pytest.raises(ValueError, match="bytes"):
        write(noise, tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_outlines_of_what_is_there_and_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, found = np.zeros((2, 60, 80), np.int32)
    truth[10:30, 10:30] = 3
    found[10:30, 20:40] = 1
    one = Found("a", np.full((60, 80, 3), 120, np.uint8), truth, found)
    monkeypatch.setattr(panels, "open_run", lambda folder: folder)
    monkeypatch.setattr(panels, "found_in", lambda *_: iter([one]))
    cells = [Cell(Path("x"), "a", ""), Cell(Path("x"), "a", "", (0, 0, 50))]
    drawn = row(cells)
    assert drawn.shape[0] * 2 < drawn.shape[1] < drawn.shape[0] * 2.1
    scale = drawn.shape[0] / 60  # as much as is square is shown

    def at(y: float, x: float) -> list[int]:
        return [int(v) for v in drawn[round(y * scale), round(x * scale)]]

    assert min(at(20, 10)) > 180  # white, of the ground truth
    red, _, blue = at(20, 40)
    assert red - blue > 60  # yellow, of what was found
    assert at(20, 15) == at(50, 50) == [120, 120, 120]


def test_the_report_shows_no_path_of_a_machine() -> None:
    text = "root: /home/me/my-data_1/stage1_train.zip\nweights: /w/a.b.pth\nurl: https://x/y\n"
    assert made.portable(text) == "root: stage1_train.zip\nweights: a.b.pth\nurl: https://x/y\n"
    assert not Path(made._SHOWN).is_absolute()
