"""A page whose commands or scripts do not work is found out, by name and line."""

from pathlib import Path

import pytest

from tests.docs.world import World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("    python -m segkit.check dataset=nothing", 5, "exit code 2 of check"),
        ("    mkdir a\n    python -m segkit.check seeed=1", 6, "exit code 2 of check"),
        ("    python -m segkit.predict run=nowhere input=images output=x", 5, "exit code 2"),
        ("    python -m segkit.check > said.txt", 5, "stands alone on its line"),
        ("    ls nowhere", 5, "exit status"),
        ("    import math\n    math.sqrt(-1)", 6, "ValueError: math domain error"),
        ("    from math import nothing", 5, "ImportError: cannot import name 'nothing'"),
        ("    print(undefined)", 5, "NameError"),
    ],
)
def test_what_does_not_work(tmp_path: Path, world: World, text: str, line: int, what: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\nwords\n\n{text}\n", "utf-8")
    with pytest.raises(AssertionError) as caught:
        world.walk(page)
    said = str(caught.value)
    assert f"page.md, line {line}: " in said
    assert what in said


def test_what_has_a_reason_is_left_out(tmp_path: Path, world: World) -> None:
    page = tmp_path / "page.md"
    mark = "<!-- not run: it ends the test -->"
    page.write_text(f"{mark}\n    raise ValueError()\n\nwords\n\n    x = 3\n", "utf-8")
    world.walk(page)
    assert world.names["x"] == 3
