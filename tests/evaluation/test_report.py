"""``report.html``: what it says of whole, partial and hostile run folders."""

import logging
import re
import shutil
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.evaluation import report
from segkit.evaluation.report import report_or_warn, write_report
from tests.evaluation.made_runs import (
    CONFIG,
    HOSTILE,
    SCORES,
    Page,
    a_run,
    evaluate,
    read,
    summary,
    table,
)


def test_it_says_what_the_run_came_to(tmp_path: Path) -> None:
    page = read(a_run(tmp_path))
    assert page.words.count("dsb2018 · unet_mnv2 · 2026-11-21") == 2
    for words in (
        "test Dice\n0.9123|",
        "test IoU\n0.8000|",
        "test accuracy\n0.9700|all background: 0.8601",
        "best epoch\n1|val/dice 0.9000",
        "time\n2.5 min|",
        "GPU|\n2 × H100|",
        "commit|\n30107fc99dab|",
        "torch|\n2.15.0|",
        "optim.lr|\n0.001|",
    ):
        assert words in page.words


def test_it_lies_in_the_folder_and_is_written_again(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    before = set(tmp_path.iterdir())
    assert write_report(folder) == tmp_path / "report.html"
    first = (tmp_path / "report.html").read_bytes()
    folder.write_summary(summary(best_epoch=2))
    write_report(folder)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "report.html"}
    assert (tmp_path / "report.html").read_bytes() != first


def test_nothing_comes_from_outside(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    evaluate(tmp_path, [{"class": "all", "dice": 1}], [{"id": "a", "dice": 1}])
    page = read(folder)
    outward = [one[k] for _, one in page.tags for k in ("src", "href", "action") if k in one]
    assert len(outward) == 1 + 3 + 5 + 1  # icon, panels, evaluation, curves
    assert all(str(address).startswith("data:") for address in outward)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttp", page.text)


def test_the_best_epoch_is_in_sight_and_a_button_leads_back_to_it(tmp_path: Path) -> None:
    page = read(a_run(tmp_path))
    assert page.epochs() == [0, 1, 2]
    seen = [one["data-number"] for one in page.named("img") if "data-number" in one]
    hidden = [one["data-number"] for one in page.named("img") if "hidden" in one]
    assert set(seen) - set(hidden) == {"1"}
    assert [one["data-number"] for one in page.named("button")] == ["1"]
    assert "epoch 1, val/dice 0.5010 (best)" in page.words


@pytest.mark.slow
def test_500_epochs_of_large_panels_stay_below_5_megabytes(tmp_path: Path) -> None:
    folder = a_run(tmp_path, epochs=1, side=900, best_epoch=321)
    source = tmp_path / "panels" / "epoch_000.png"
    for n in range(1, 500):
        (tmp_path / "panels" / f"epoch_{n:03d}.png").hardlink_to(source)
    path = write_report(folder)
    assert path.stat().st_size < 5_000_000
    page = Page(path.read_text("utf-8"))
    kept = page.epochs()
    assert {0, 321, 499} <= set(kept)
    assert len(kept) >= 12
    assert f"{len(kept)} of 500 epochs, evenly chosen" in page.words


def test_one_epoch(tmp_path: Path) -> None:
    page = read(a_run(tmp_path, epochs=1, best_epoch=0))
    assert page.epochs() == [0]
    assert page.named("input")[0]["max"] == "0"
    assert "evenly chosen" not in page.words


def test_without_panels(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    shutil.rmtree(tmp_path / "panels")
    page = read(folder)
    assert "No panels were drawn." in page.words
    assert not page.named("input")


def test_a_best_epoch_that_was_not_drawn(tmp_path: Path) -> None:
    page = read(a_run(tmp_path, best_epoch=7))
    assert not page.named("button")
    assert "There is no panel of the best epoch, 7." in page.words


@pytest.mark.parametrize(
    "name", ["split.csv", "metrics.csv", "summary.json", "curves.png", "train.log"]
)
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe{["])
def test_any_file_may_be_missing_or_damaged(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    folder = a_run(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert "Train it again" in read(folder).words


def test_without_a_configuration_it_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(SegkitError, match="not a run folder"):
        write_report(RunFolder(tmp_path))


def test_a_configuration_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_config({"seed": 1})
    assert "seed|\n1|" in read(folder).words


def test_warnings_of_the_log_are_told(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    assert "arnings while it ran" not in read(folder).words
    with folder.log.open("a", encoding="utf-8") as file:
        for n in range(25):
            file.write(f"2026-11-21 03:10:57,000 WARNING number {n} of {HOSTILE}\n")
    page = read(folder)
    assert f"WARNING number 19 of {HOSTILE}" in page.words
    assert "number 20" not in page.words
    assert "5 more in train.log" in page.words
    # On top in a line, which leads to them.
    assert page.words.index("25 warnings while it ran") < page.words.index("What was found")
    assert [one["href"] for one in page.named("a")] == ["#warnings"]
    assert "warnings" in [one.get("id") for one in page.named("h3")]


def test_hostile_names_are_only_words(tmp_path: Path) -> None:
    hostile_config = {**CONFIG, "overrides": [f"dataset.root={HOSTILE}"], HOSTILE: HOSTILE}
    hostile_config["choices"] = {"dataset": "x", "model": HOSTILE}
    folder = a_run(
        tmp_path,
        config=hostile_config,
        commit=HOSTILE,
        monitor=HOSTILE,
        data={"name": HOSTILE, "score_by": HOSTILE},
        versions={HOSTILE: HOSTILE},
        hardware={"gpus": [HOSTILE], "processor": HOSTILE},
        test={HOSTILE: SCORES, "b": SCORES, "all": SCORES},
    )
    rows = [{"id": HOSTILE, "group": HOSTILE, "split": s, "stratum": HOSTILE} for s in ("val", "x")]
    table(folder.split, [*rows, {**rows[0], "split": "test"}, {**rows[0], "split": HOSTILE}])
    hostile = {"class": HOSTILE, "split": HOSTILE, HOSTILE: HOSTILE, "split_hash": HOSTILE}
    images = [{"id": f"größe 日本 {HOSTILE}", "group": HOSTILE, "class": HOSTILE, "dice": 0.5}]
    page = read(folder)
    assert len(page.named("script")) == 1  # the page's own
    assert page.words.count(HOSTILE) > 10
    evaluate(tmp_path, [hostile, {**hostile, "class": "b"}], images)
    page = read(folder)
    assert len(page.named("script")) == 1
    assert f"größe 日本 {HOSTILE}|" in page.words


def test_a_training_does_not_fail_by_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: RunFolder) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(report, "write_report", broken)
    with caplog.at_level(logging.WARNING):
        report_or_warn(RunFolder(tmp_path))
    assert "report.html could not be written" in caplog.text
    assert "a mistake of ours" in caplog.text  # with its traceback: it is a bug


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_run(tmp_path)
    before = write_report(folder).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SegkitError, match="No space left"):
        write_report(folder)
    assert (tmp_path / "report.html").read_bytes() == before


def test_the_data_are_named_and_where_they_lie(tmp_path: Path) -> None:
    data = {"name": "kidney", "root": "/data/kidney", "score_by": "image"}
    page = read(a_run(tmp_path, data=data))
    assert "kidney · unet_mnv2 · 2026-11-21" in page.words
    assert "A training with segkit on /data/kidney, in " in page.words


def test_a_run_that_was_cut_off_names_its_data_too(tmp_path: Path) -> None:
    config = {**CONFIG, "dataset": {"name": "kidney", "root": "/data/kidney"}}
    config["choices"] = {"dataset": "folder", "model": "unet_mnv2"}
    folder = a_run(tmp_path, config=config)
    folder.summary.unlink()
    page = read(folder)
    assert "kidney · unet_mnv2" in page.words
    assert "on /data/kidney, in " in page.words


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ([0.001, 0.001, 0.001], "Loss and score; learning rate 0.001 throughout."),
        ([0.001], "Loss and score; learning rate 0.001 at the end of the epoch."),
        ([0.001, 0.001, 0.0001], "Loss, score and learning rate."),
    ],
)
def test_a_constant_rate_needs_no_plot(tmp_path: Path, rates: list[float], words: str) -> None:
    folder = a_run(tmp_path)
    table(folder.metrics, [{"epoch": n, "lr": rate} for n, rate in enumerate(rates)])
    assert words in read(folder).words
