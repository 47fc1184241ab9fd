"""What sources are called, and that nothing is written among them."""

from pathlib import Path

import pytest

from segkit.errors import SegkitError
from segkit.sources import check_apart, source_name


@pytest.mark.parametrize(
    ("root", "name"),
    [
        ("/data/kidney", "kidney"),
        ("/data/kidney/", "kidney"),
        ("/data/kidney.zip", "kidney"),
        ("/data/kidney.ZIP", "kidney"),
        ("/data/kidney.v2", "kidney.v2"),
        ("/data/Müller", "Müller"),
        ("/data/Mu\u0308ller", "Müller"),
        ("/data/数据", "数据"),
        ("/data/data (2)", "data_2"),
        ("/data/a=b,[x]#{}&", "a_b_x"),
        ("/data/${HOME}", "HOME"),
        ("/data/.hidden", "hidden"),
        ("/data/..\x00", "folder"),
        ("/data/\udcff", "folder"),
        ("/", "folder"),
        ("/data/a/../b", "b"),
        ("~nobody-of-that-name/x", "x"),
        (2018, "2018"),
    ],
)
def test_a_source_has_its_own_name(root: object, name: str) -> None:
    assert source_name(root) == name


def test_here_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kidney").mkdir()
    monkeypatch.chdir(tmp_path / "kidney")
    assert source_name(".") == "kidney"


def test_a_long_name_leaves_room_for_what_is_added() -> None:
    assert len(source_name("/data/" + "数" * 200).encode()) < 200


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("data", "data"),
        ("data/new/run", "data"),
        ("data/../data/run", "data"),
        ("link/run", "data"),
        ("data/run", "link"),
        ("other", "other/weights.pth"),
    ],
)
def test_what_is_written_stays_out_of_what_is_read(
    tmp_path: Path, place: str, source: str
) -> None:
    made(tmp_path)
    sources = [("dataset.root", tmp_path / source)]
    with pytest.raises(SegkitError, match="among the data") as caught:
        check_apart(tmp_path / place, sources, key="output")
    assert f"dataset.root={tmp_path / source}" in caught.value.where
    # The remedy leads on.
    free = Path(caught.value.remedy.rpartition("output=")[2])
    check_apart(free, sources, key="output")


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("data-2", "data"),
        ("new", "data"),
        (".", "data"),
        ("other/run", "other/weights.pth"),
        ("other", "other/missing.pth"),
        ("other", "imagenet"),
    ],
)
def test_beside_the_data_is_free(tmp_path: Path, place: str, source: str) -> None:
    made(tmp_path)
    check_apart(tmp_path / place, [("dataset.root", tmp_path / source)], key="output")


def test_what_is_no_path_is_nobody_s_folder(tmp_path: Path) -> None:
    values: list[object] = ["imagenet", "x" * 5000, "a\0b", 7]
    check_apart(tmp_path, [("model.encoder_weights", value) for value in values], key="output")


def made(tmp_path: Path) -> None:
    for name in ("data", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "weights.pth").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "data")
