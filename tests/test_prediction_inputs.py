"""Which files predict reads, where folders are linked in circles and names are odd."""

import os
from pathlib import Path

import pytest

from segkit.errors import SegkitError
from segkit.prediction_inputs import find_inputs


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "[in] 1"
    for name in ("a.png", "one/b.png", "one/two/c.tif", ".hidden/d.png", "one/.e.png", "f.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def found(given: str, root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in find_inputs(given)]


def test_patterns_of_any_depth(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    for pattern, expected in {
        "**/*.png": ["a.png", "one/b.png"],
        "**": ["a.png", "one/b.png", "one/two/c.tif"],
        "*/**/*.*": ["one/b.png", "one/two/c.tif"],
        "**/two/*": ["one/two/c.tif"],
        "**/one/**/*.tif": ["one/two/c.tif"],
        "one/*": ["one/b.png"],
    }.items():
        assert [str(path) for path in find_inputs(pattern)] == expected, pattern
    assert found(f"{tree.parent}/*/**/*.png", tree) == ["a.png", "one/b.png"]


def test_circles_of_links_end(tree: Path) -> None:
    for name in ("x", "y", "z"):
        (tree / name).symlink_to(tree)
        (tree / "one" / name).symlink_to(tree / "one" / "two")
    assert len(found(f"{tree.parent}/*/**/*.tif", tree)) == 1


def test_a_pipe_is_no_image(tree: Path) -> None:
    os.mkfifo(tree / "pipe.png")
    assert found(str(tree), tree) == ["a.png"]


def test_a_name_that_no_table_could_hold(tree: Path) -> None:
    (tree / os.fsdecode(b"\xe4.png")).write_bytes(b"x")
    with pytest.raises(SegkitError, match="UTF-8") as caught:
        find_inputs(str(tree))
    assert caught.value.where.endswith(r"\udce4.png")


@pytest.mark.parametrize("given", ["~nobody-of-this-name/a.png", "x" * 5000, "a\0b.png"])
def test_what_is_no_path(given: str) -> None:
    with pytest.raises(SegkitError) as caught:
        find_inputs(given)
    assert given[:20] in caught.value.where
