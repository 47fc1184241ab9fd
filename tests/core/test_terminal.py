"""What is printed fits the terminal, and nothing that is read or copied is broken in two."""

import io
from collections import Counter

import pytest
from rich.console import Console
from rich.progress import TextColumn

from segkit.core.terminal import console, progress, show_facts, show_line, show_table

LONG = "outputs/phantom/unet_mnv2/" + "2026-11-25_22-46-09-1c35905c" * 5


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def said(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("columns", [2, 5, 12])
def test_figures_stay_whole_at_any_width(width: int, columns: int) -> None:
    headings = ["job", *(f"score {i:02d}" for i in range(columns)), "error"]
    figures = [
        [f"0.{row}{i:03d} [0.1{row}{i:02d}, 0.9{row}{i:02d}]" for i in range(columns)]
        for row in range(3)
    ]
    rows = [[f"job-{n}", *each, "it failed, for a reason"] for n, each in enumerate(figures)]
    out = terminal(width)
    show_table(out, headings, rows, words=("job", "error"))
    lines = said(out).splitlines()
    for n, each in enumerate(figures):
        mine = [line for line in lines if line.startswith(f"job-{n}")]
        assert all(any(figure in line for line in mine) for figure in each)
    for name in headings[1:]:
        assert sum(name in line for line in lines if line.startswith("job ")) == 1
    assert max(map(len, lines)) <= width
    assert (len(lines) == 4) == (width > 30 * columns)


@pytest.mark.parametrize("width", [60, 80])
def test_a_long_name_leaves_room_for_figures(width: int) -> None:
    out = terminal(width)
    show_table(out, ["job", "dice", "error"], [[LONG, "0.9123", LONG]], words=("job", "error"))
    assert "0.9123" in said(out)
    assert max(map(len, said(out).splitlines())) <= width
    # Folded, and none of it lost: once where it leads, once as the error.
    assert Counter(said(out)) & Counter(2 * LONG) == Counter(2 * LONG)


def test_figures_stand_to_the_right_and_words_to_the_left() -> None:
    out = terminal(80)
    rows = [["a", "0.5", "x"], ["job 2", "100", "it failed"]]
    show_table(out, ["job", "minutes", "error"], rows, words=("job", "error"))
    lines = [line.rstrip() for line in said(out).splitlines()]
    assert lines == ["job    minutes  error", "a          0.5  x", "job 2      100  it failed"]


def test_cells_and_titles_are_no_markup() -> None:
    out = terminal(80)
    show_table(out, ["[b]", "n"], [["[red]x[/x]", 1]], words=("[b]",), title="[i]t")
    assert all(words in said(out) for words in ("[i]t", "[b]", "[red]x[/x]"))


def test_a_line_is_left_to_the_terminal_to_wrap() -> None:
    out = terminal(60)
    command = f"python -m segkit.evaluate run={LONG} surface=true"
    show_line(out, command)
    show_facts(out, [("run folder", LONG)])
    lines = said(out).splitlines()
    assert lines == [command, f"run folder  {LONG}"]


def test_prose_goes_on_below_itself_and_numbers_stay_whole() -> None:
    out = terminal(60)
    words = "dice 0.9123  accuracy 0.9700 (all background: 0.8601), as 32-true on every core of it"
    show_facts(out, [("test", words), ("a", "short")])
    lines = said(out).splitlines()
    assert lines[0].startswith("test  dice 0.9123")
    assert all(line.startswith("      ") for line in lines[1:-1])
    assert lines[-1] == "a     short"
    assert max(map(len, lines)) <= 60
    assert " ".join(" ".join(lines[:-1]).split()[1:]) == " ".join(words.split())


def test_a_pipe_is_wide_and_its_bar_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert console().width == 200
    with progress("decoding 3 records", TextColumn("bar")) as bar:
        assert capsys.readouterr().err == "decoding 3 records …\n"  # before the first is done
        task = bar.add_task("", total=3)
        bar.advance(task)
    assert capsys.readouterr() == ("", "")
