"""What every data set has, proven over all files that are there."""

import ast
import importlib
import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from segkit.core.contracts import Listing, Record, Sample
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader, is_image

ROOT = Path(__file__).parents[3]
NAMES = sorted(
    path.stem for path in (ROOT / "conf" / "dataset").glob("*.yaml") if path.stem[0] != "_"
)
HEADINGS = ("Source", "Licence", "Layout", "Classes", "Splits", "Citation")


class Lines(Reader):
    """The smallest data set: one record a text file, of as many pixels as it has bytes."""

    layout = "anything.txt"

    def scan(self) -> Listing:
        names = [name for name in self.source.names() if name.endswith(".txt")]
        return Listing([Record(name, name, name, (name,), stratum="s") for name in names], [])

    def read(self, record: Record) -> Sample:
        pixels = np.frombuffer(self.source.read(record.image), np.uint8)[None]
        return Sample(pixels, np.zeros(pixels.shape, np.uint8))


def lines(root: Path) -> Lines:
    root.mkdir()
    for name in ("b", "a"):
        (root / f"{name}.txt").write_text(name * 3)
    return Lines(root, classes=["none"])


def module(name: str) -> ModuleType:
    return importlib.import_module(f"segkit.data.readers.{name}")


def readers(module: ModuleType) -> list[type[Reader]]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Reader)
        and value.__module__ == module.__name__
    ]


def test_the_six_data_sets_are_there() -> None:
    expected = {"chest_xray", "deepcell", "dsb2018", "folder", "lgg_mri", "phantom"}
    assert expected <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_stem_is_everywhere(name: str) -> None:
    assert len(readers(module(name))) == 1
    tests = ast.parse(
        (ROOT / "tests" / "data" / "readers" / f"test_{name}.py").read_text(encoding="utf-8")
    )
    fixtures = {
        argument.arg
        for node in tests.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for argument in node.args.args
    }
    assert "contract" in fixtures, "its test does not take the data sets' contract"
    text = (ROOT / "conf" / "dataset" / f"{name}.yaml").read_text(encoding="utf-8")
    # A folder of one's own gives its own.
    called = "null +#.*" if name == "folder" else name
    assert re.search(rf"^name: {called}$", text, re.MULTILINE)
    assert f"_target_: segkit.data.readers.{name}.{readers(module(name))[0].__name__}\n" in text


def test_every_reader_has_a_configuration() -> None:
    stems = [path.stem for path in (ROOT / "segkit" / "data" / "readers").glob("[a-z]*.py")]
    defined = {stem for stem in stems if stem != "base" and readers(module(stem))}
    assert defined == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_has_the_headings_in_order(name: str) -> None:
    text = inspect.cleandoc(module(name).__doc__ or "")
    found = re.findall(r"^(\w+):[ \n]+(?=\S)", text, re.MULTILINE)
    assert found == list(HEADINGS)
    assert text.splitlines()[0].endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_the_layout_is_a_phrase_for_messages(name: str) -> None:
    layout = readers(module(name))[0].layout
    assert isinstance(layout, str)
    assert 10 < len(layout) < 250
    assert "\n" not in layout


def test_defaults_follow_the_record(tmp_path: Path) -> None:
    reader = lines(tmp_path / "set")
    first, second = reader.listing().records
    assert (first.id, second.id) == ("a.txt", "b.txt")
    assert reader.files(first) == ("a.txt", "a.txt")
    assert reader.parameters() == {}
    assert reader.stratum(first, np.zeros((1, 1), np.uint8)) == "s"
    assert reader.classes == ("none",)


def test_loaders_are_calls_in_order(tmp_path: Path) -> None:
    reader = lines(tmp_path / "set")
    records = reader.listing().records[::-1]
    (tmp_path / "set" / "b.txt").write_text("changed")
    calls: list[Callable[[], Sample]] = list(reader.loaders(records))
    assert [call().image.tobytes() for call in calls] == [b"changed", b"aaa"]


def test_a_root_with_nothing_of_the_kind_shows_the_layout(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(SegkitError, match="no record of Lines was found in 1 files") as caught:
        Lines(tmp_path, classes=["none"]).listing()
    assert caught.value.where == f"dataset.root={tmp_path}"
    assert "anything.txt" in caught.value.remedy


def test_a_home_folder_may_be_abbreviated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines(tmp_path / "set")
    monkeypatch.setenv("HOME", str(tmp_path))
    reader = Lines("~/set", classes=["none"])
    assert reader.root == tmp_path / "set"
    assert len(reader.listing().records) == 2


def test_image_names() -> None:
    assert all(map(is_image, ("a.png", "b/c.TIF", "d.jpeg", "e.x.Bmp", "f.tiff", "g.jpg")))
    assert not any(map(is_image, ("a.txt", "png", "a.png.txt", "b.npz")))


def test_names_that_no_table_could_hold_are_problems(tmp_path: Path) -> None:
    reader = lines(tmp_path / "set")
    (tmp_path / "set" / os.fsdecode(b"\xe4.txt")).write_text("x")
    found = Lines(tmp_path / "set", classes=["none"]).listing()
    assert [record.id for record in found.records] == ["a.txt", "b.txt"]
    (problem,) = found.problems
    assert problem.where == r"\udce4.txt"
    assert "UTF-8" in problem.what
    assert len(reader.source.names()) == 3
