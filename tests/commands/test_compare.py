"""Runs side by side, as their files tell it: folders with known scores, and no training."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from segkit.core.checksums import Checksums
from segkit.core.quoting import quoted
from segkit.core.run_folder import RunFolder
from tests.commands.comparing import Compare, compare_in, scores, table, write_run


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """The command in this process; gives its exit code."""
    return partial(compare_in, tmp_path, monkeypatch)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    folder = tmp_path / "sweep"
    for job, (model, mean) in enumerate([("a", 0.6), ("b", 0.7), ("c", 0.6)]):
        write_run(folder / f"{job}-x", scores(mean, seed=job), model=model)
    return folder


def test_what_is_better_is_said_and_what_is_not_is_not(
    command: Compare, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(f"sweep={sweep}") == 0
    out = capsys.readouterr().out
    assert "B is better than a by 0.1" in out
    assert "on 40 images (p < 0.001 after Holm)" in out
    assert "o difference can be shown between a and c" in out
    assert "each configuration was trained once" in out.lower()
    first, second, third = table(sweep / "comparison.csv")
    assert [row["configuration"] for row in (first, second, third)] == ["a", "b", "c"]
    assert first["difference"] == ""
    assert (second["verdict"], third["verdict"]) == ("better", "no difference shown")
    assert float(second["difference_low"]) < 0.1 < float(second["difference_high"])
    assert float(second["rank_biserial"]) == 1
    assert (first["minutes"], first["images_per_second"]) == ("2.0", "42.0")
    for name in ("comparison.md", "comparison.tex", "comparison.html", "comparison_runs.csv"):
        text = (sweep / name).read_text("utf-8")
        assert "better than a" in text or name == "comparison_runs.csv"
    page = (sweep / "comparison.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page.replace("http-equiv", "")


def test_names_on_the_page_are_only_words(command: Compare, tmp_path: Path) -> None:
    script = "<script>alert('x')<script>"
    sweep, output = tmp_path / "<script>", tmp_path / "out <b>"
    for name in "ab":
        write_run(sweep / name, [0.5, 0.6, 0.7], model=f"{script}{name}")
    assert command(f"sweep={quoted(str(sweep))}", f"output={quoted(str(output))}") == 0
    page = (output / "comparison.html").read_text("utf-8")
    assert page.count("<script") == 1  # the page's own
    assert "<b>" not in page
    assert "sd of seeds" not in page, "of one seed there is none"
    for heading in ("What can be concluded", "How they were trained"):
        start = page.index(f"<h2>{heading}</h2>")
        assert "&lt;script&gt;" in page[start : page.index("</section>", start)]


def test_another_baseline(command: Compare, sweep: Path, tmp_path: Path) -> None:
    assert command(f"sweep={sweep}", "baseline=b", f"output={tmp_path / 'out'}") == 0
    rows = table(tmp_path / "out" / "comparison.csv")
    assert [row["configuration"] for row in rows] == ["b", "a", "c"]
    assert [row["verdict"] for row in rows] == ["", "worse", "worse"]
    assert not (sweep / "comparison.csv").exists()


def test_a_comparison_is_not_written_into_a_run(
    command: Compare, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = sweep / "0-x", sweep / "1-x"
    before = sorted(sweep.rglob("*"))
    for output in (first, second / "new"):
        assert command(f"runs=[{first},{second}]", f"output={output}") == 2
        assert "name a place that holds no data: output=PATH" in capsys.readouterr().err
    assert command(f"sweep={sweep}", f"output={first}") == 2
    assert sorted(sweep.rglob("*")) == before


def test_equal_scores_are_no_difference(command: Compare, tmp_path: Path) -> None:
    for model in "ab":
        write_run(tmp_path / "s" / model, [0.5] * 20, model=model)
    assert command(f"sweep={tmp_path / 's'}") == 0
    row = table(tmp_path / "s" / "comparison.csv")[1]
    assert (row["verdict"], float(row["difference"]), float(row["p"])) == (
        "no difference shown",
        0,
        1,
    )


def test_unfinished_jobs_are_left_out(
    command: Compare, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sweep / "1-x" / "summary.json").unlink()
    assert command(f"sweep={sweep}") == 0
    out = capsys.readouterr().out
    assert f"left out: {sweep / '1-x'}: this run has not been tested" in out
    assert len(table(sweep / "comparison.csv")) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"split": "other"}, ["different splits", "abc", "common=true"]),
        ({"data": "lungs"}, ["different data sets: cells; lungs"]),
        ({"class": "lung"}, ["different classes: cell; lung"]),
        ({"score_by": "group"}, ["different units"]),
        ({"fold": 1}, ["folds of a cross-validation"]),
        ({"model": "a"}, ["two runs are the same: a, seed=0"]),
    ],
    ids=str,
)
def test_what_cannot_be_compared(
    command: Compare,
    tmp_path: Path,
    settings: dict[str, Any],
    words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_run(tmp_path / "s" / "0", scores(0.5), model="a")
    write_run(tmp_path / "s" / "1", scores(0.5), model="c")
    write_run(tmp_path / "s" / "2", scores(0.5), **{"model": "b", **settings})
    assert command(f"sweep={tmp_path / 's'}") == 2
    err = capsys.readouterr().err
    assert all(word in err for word in words), err


def test_other_ground_truth_under_the_same_names(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though the splits are the same by their hash; images may be of another kind."""
    found = scores(0.5)
    masks = {f"i{n}": Checksums(f"a{n}", f"m{n}") for n in range(len(found))}
    runs = [write_run(tmp_path / name, found, model=name) for name in "abc"]
    RunFolder(runs[0]).write_checksums(masks)
    other = {name: Checksums("of another stain", each.mask) for name, each in masks.items()}
    RunFolder(runs[1]).write_checksums(other)
    given = "runs=[{}]".format(
        ",".join(map(str, runs))
    )  # the third, of an earlier version, has none
    assert command(given) == 0
    RunFolder(runs[1]).write_checksums(other | {"i7": Checksums("a7", "another")})
    for common in ("false", "true"):
        assert command(given, f"common={common}") == 2
        err = capsys.readouterr().err
        assert "record i7 was scored with another ground truth" in err
        assert f"{runs[0]}, {runs[1]}" in err


def test_scored_otherwise_since(
    command: Compare, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """evaluate threshold=auto, say, has written another table."""
    path = sweep / "1-x" / "evaluation_per_image.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], *lines[2:]]) + "\n", "utf-8")
    assert command(f"runs=[{sweep / '0-x'},{sweep / '1-x'}]") == 2
    err = capsys.readouterr().err
    assert "scored otherwise since" in err
    assert "segkit.evaluate run=" in err


def test_other_splits_on_what_they_share(command: Compare, tmp_path: Path) -> None:
    write_run(tmp_path / "s" / "0", scores(0.5, count=40), model="a", split="x")
    write_run(tmp_path / "s" / "1", scores(0.7, count=30), model="b", split="y")
    assert command(f"sweep={tmp_path / 's'}", "common=true") == 0
    assert table(tmp_path / "s" / "comparison.csv")[1]["n"] == "30"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "name what is to be compared"),
        (["sweep=nowhere"], "there is no such folder"),
        (["sweep=.", "runs=[a]"], "name what is to be compared"),
        (["sweep=empty"], "there is no run in this folder"),
        (["runs=[nowhere]"], "not a run folder"),
        (["sweep=sweep", "score=dise"], "did you mean 'dice'?"),
        (["sweep=sweep", "baseline=z"], "no configuration is named so"),
        (["sweep=sweep", "seed=-1"], "-1 is not a whole number from 0"),
        (["runs=[sweep/0-x]"], "one run alone cannot be compared"),
        (["swep=sweep"], "unknown key"),
    ],
    ids=str,
)
def test_mistakes(
    command: Compare,
    sweep: Path,
    given: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (sweep.parent / "empty").mkdir()
    assert command(*given) == 2
    assert words in capsys.readouterr().err
