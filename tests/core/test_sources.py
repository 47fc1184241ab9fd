"""What sources are called, and that nothing is written among them."""

import sys
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.core.sources import check_apart, data_name, source_name
from segkit.runs import cli


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
        ("/data/..\x00", "data"),
        ("/data/\udcff", "data"),
        ("/", "data"),
        ("/data/a/../b", "b"),
        ("~nobody-of-that-name/x", "x"),
        (2018, "2018"),
    ],
)
def test_a_source_has_its_own_name(root: object, name: str) -> None:
    assert source_name(root) == name


def test_data_are_called_as_the_user_says_or_after_their_root() -> None:
    assert data_name({"name": "dsb2018", "root": "/data/x"}) == "dsb2018"
    assert data_name({"name": None, "root": "/data/x.zip"}) == "x"


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
def test_what_is_written_stays_out_of_what_is_read(tmp_path: Path, place: str, source: str) -> None:
    made(tmp_path)
    sources = [("dataset.root", tmp_path / source)]
    with pytest.raises(SegkitError, match="among the data") as caught:
        check_apart(tmp_path / place, sources, key="output")
    assert f"dataset.root={tmp_path / source}" in caught.value.where
    # Nothing beside the data is proposed: it may be the user's, too.
    assert caught.value.remedy == "name a place that holds no data: output=PATH"


def test_where_the_place_depends_on_the_folder_another_is_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SegkitError) as caught:
        check_apart(Path("outputs"), [("dataset.root", ".")], key="hydra.run.dir")
    assert caught.value.remedy.startswith("start it from another folder, or name a place")


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


def test_runs_on_two_folders_have_two_hashes_and_two_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place(root: str, *more: str) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["train", "dataset=folder", f"dataset.root={root}", *more])
        seen: list[Path] = []
        cli.run(lambda _, call: seen.append(call.output), "train")
        *_, outputs, name, model, run = seen[0].parts
        assert (outputs, model) == ("outputs", "unet_mnv2")
        return name, run.rpartition("-")[2]

    monkeypatch.chdir(tmp_path)
    kidney = place("/a/kidney")
    assert kidney[0] == "kidney"
    assert place("/b/kidney")[0] == "kidney"
    assert place("/b/kidney")[1] != kidney[1]
    assert place("/a/lung.zip")[0] == "lung"
    assert place("/a/kidney", "dataset.num_workers=1", "dataset.cache_dir=/x") == kidney
    assert place("/a/kidney", "dataset.name=mine")[0] == "mine"


@pytest.mark.parametrize("name", ["../../elsewhere", "a/b", "a\\b", "..", "."])
def test_a_name_leads_nowhere_else(name: str) -> None:
    called = data_name({"name": name, "root": "x"})
    assert not set(called) & set("/\\")
    assert called not in (".", "..")
