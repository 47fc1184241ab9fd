"""``python -m segkit.check`` on settings that can be read and are not meant."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.commands.checking import Command, check_in, folder, rows
from tests.commands.mistakes import write
from tests.data.readers.nifti_files import volumes


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run ``segkit.check`` in an empty folder: exit code, output, errors."""
    return partial(check_in, tmp_path, monkeypatch, capsys)


@pytest.fixture
def given(tmp_path: Path) -> tuple[str, ...]:
    """Twenty images with two marked halves each, 1 and 2, and how they are named."""
    rng = np.random.default_rng(0)
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 5:15], mask[10:30, 25:35] = 1, 2
    for number in range(30):
        image = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
        write(tmp_path / "data" / "images" / f"{number}.png", image)
        write(tmp_path / "data" / "masks" / f"{number}.png", mask)
    shares = ("dataset.split.val=0.2", "dataset.split.test=0.2")
    return ("dataset=folder", f"dataset.root={tmp_path / 'data'}", *shares)


def unfit(tmp_path: Path) -> list[tuple[str, str, str]]:
    """Severity, what and remedy of the settings that do not fit."""
    table = rows(folder(tmp_path) / "problems.csv")
    kind = "settings that do not fit"
    return [(row["severity"], row["what"], row["remedy"]) for row in table if row["kind"] == kind]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("threshold", "expected"), [(127, (1, ["error"])), (1, (0, ["warning"])), (0, (0, []))]
)
def test_a_threshold_that_takes_marked_pixels_for_background(
    command: Command,
    given: tuple[str, ...],
    tmp_path: Path,
    threshold: int,
    expected: tuple[int, list[str]],
) -> None:
    code, out, _ = command(*given, f"dataset.mask_threshold={threshold}")
    told = unfit(tmp_path)
    assert (code, [severity for severity, _, _ in told]) == expected, out
    assert all("dataset.mask_threshold=0" in remedy for _, _, remedy in told)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("augment", "warned"), [("light", True), ("upright", False), ("none", False)]
)
def test_sides_that_the_augmentation_swaps(
    command: Command, given: tuple[str, ...], tmp_path: Path, augment: str, warned: bool
) -> None:
    names = "dataset.classes=[background,right lung,left lung]"
    code, out, _ = command(*given, names, f"augment={augment}")
    assert code == 0, out
    assert [severity for severity, _, _ in unfit(tmp_path)] == ["warning"] * warned
    assert ("set augment=upright" in out) == warned


def test_where_nothing_pairs_each_file_is_named_and_what_to_do(
    command: Command, given: tuple[str, ...], tmp_path: Path
) -> None:
    """The number of channels, which an image would tell, is not what is wrong."""
    for path in (tmp_path / "data" / "masks").iterdir():
        path.rename(path.with_name(f"mask {path.name}"))
    code, out, _ = command(*given, "augment_preview=true")
    assert code == 1
    assert "unpaired files (60)" in out
    assert "call each mask like its image" in out
    assert "dataset.manifest=FILE.csv" in out
    assert len(rows(folder(tmp_path) / "problems.csv")) == 60


@pytest.mark.parametrize(
    ("asked", "told"), [((), "dataset.score_by=group"), (("dataset.score_by=image",), "=image")]
)
def test_volumes_are_to_be_scored_as_such(
    command: Command, tmp_path: Path, asked: tuple[str, ...], told: str
) -> None:
    root = volumes(tmp_path / "volumes", names="abcdefgh")
    code, out, _ = command("dataset=folder", f"dataset.root={root}", *asked)
    assert code == 0, out
    (way,) = (line for line in out.splitlines() if line.startswith("train on it: "))
    assert way.endswith(told)
    assert way.count("score_by") == 1
