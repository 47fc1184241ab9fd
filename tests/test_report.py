"""``report.html``: what it says of whole, partial and hostile run folders."""

import csv
import io
import logging
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from segkit import report
from segkit.data.split_file import split_hash
from segkit.errors import SegkitError
from segkit.report import report_or_warn, write_report
from segkit.report_scores import shown
from segkit.run_folder import RunFolder

HOSTILE = "<script>document.title='taken over'</script>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

SCORES: dict[str, Any] = {
    "dice": 0.91234,
    "dice_pooled": 0.9,
    "iou": 0.8,
    "accuracy": 0.97,
    "accuracy_all_background": 0.8601,
    "n": 3,
    "n_empty": 0,
    "empty_false_positive_rate": None,
}
CONFIG: dict[str, Any] = {
    "dataset": {"name": "dsb2018", "size": 128},
    "optim": {"lr": 0.001},
    "seed": 7,
    "choices": {"dataset": "dsb2018", "model": "unet_mnv2"},
}


class Page(HTMLParser):
    """A page as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags, self.words = text, list[tuple[str, dict[str, str | None]]](), ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.words += "" if tag in ("b", "small") else "\n"

    def handle_endtag(self, tag: str) -> None:
        self.words += "|" if tag in ("td", "th", "b") else ""

    def handle_data(self, data: str) -> None:
        self.words += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def epochs(self) -> list[int]:
        return [int(str(one["data-number"])) for one in self.named("img") if "data-number" in one]


def picture(path: Path, *, side: int = 24, seed: int = 0) -> None:
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def table(path: Path, rows: list[dict[str, Any]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")


def summary(**changed: Any) -> dict[str, Any]:
    return {
        "best_epoch": 1,
        "monitor": "val/dice",
        "best_score": 0.9,
        "test": {"loss": 0.2, "nucleus": SCORES, "all": SCORES},
        "wall_seconds": 150.0,
        "epochs": 3,
        "precision": "bf16-mixed",
        "parameters": 6628945,
        "data": {"name": "dsb2018", "score_by": "image"},
        "python": "3.11.7",
        "versions": {"torch": "2.15.0", "segkit": None},
        "commit": "30107fc99dab",
        "hardware": {"processor": "EPYC", "cores": 2, "gpus": ["H100", "H100"], "system": "Linux"},
    } | changed


def a_run(
    path: Path, *, epochs: int = 3, side: int = 24, config: Any = CONFIG, **changed: Any
) -> RunFolder:
    """A run folder as training leaves it, with panels of noise."""
    folder = RunFolder(path)
    path.mkdir(exist_ok=True)
    folder.write_config(config)
    table(
        folder.split,
        [
            {"id": f"{split}{n}", "group": f"{split}{n // 2}", "split": split, "stratum": "größe"}
            for split, count in (("train", 6), ("val", 2), ("test", 2))
            for n in range(count)
        ],
    )
    digest = split_hash(folder.split.read_text("utf-8"))
    folder.write_summary({"split_hash": digest, **summary(epochs=epochs, **changed)})
    table(path / "metrics.csv", [{"epoch": n, "val/dice": 0.5 + n / 1000} for n in range(epochs)])
    for n in range(epochs):
        picture(path / "panels" / f"epoch_{n:03d}.png", side=side, seed=n)
    picture(path / "curves.png")
    folder.log.write_text("2026-11-21 03:10:56,198 INFO data: dsb2018\n", encoding="utf-8")
    return folder


def read(folder: RunFolder) -> Page:
    return Page(write_report(folder).read_text("utf-8"))


def evaluate(path: Path, rows: list[dict[str, Any]], images: list[dict[str, Any]]) -> None:
    table(path / "evaluation.csv", rows)
    table(path / "evaluation_per_image.csv", images)
    for name in ("best", "median", "worst", "scores", "reliability"):
        picture(path / "evaluation" / f"{name}.png")


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


def test_without_a_test(tmp_path: Path) -> None:
    page = read(a_run(tmp_path, test=None))
    assert "test\nnone|no record in the test split" in page.words
    assert "No test: no record is in the test split." in page.words


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


def test_scores_of_the_test_until_there_are_others(tmp_path: Path) -> None:
    page = read(a_run(tmp_path))
    assert "From the test that ended training." in page.words
    assert "dice|\n0.9123|" in page.words
    assert "empty_false_positive_rate|\nundefined|" in page.words
    assert "interval" not in page.words
    assert "By class" not in page.words  # there is one


def test_scores_with_intervals_by_class(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    rows = [
        {"class": name, "split": "val", "dice": dice, "dice_low": 0.5, "dice_high": high}
        | {"n": 3, "hd95": "", "strange": "1e-3", "split_hash": folder_hash(folder)}
        for name, dice, high in (("a", 0.7, 0.8), ("b", math.nan, ""), ("all", 0.71, 0.9))
    ]
    evaluate(tmp_path, rows, [{"id": "x", "class": "a", "dice": 0.25, "iou": ""}])
    page = read(folder)
    gap = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"
    assert "|\nval|\n95 % interval|" in page.words
    assert f"dice|\n0.7100|\n0.5000{gap}0.9000|" in page.words
    assert f"a|\n3|\n0.7000 (0.5000{gap}0.8000)|\n0.0010|" in page.words
    assert "b|\n3|\nundefined|\n0.0010|" in page.words
    assert "hd95" not in page.words  # nobody asked for it
    assert "x|\na|\n0.2500|\nundefined|" in page.words
    assert "other data" not in page.words
    assert "test Dice\n0.9123|" in page.words  # the training's own


def folder_hash(folder: RunFolder) -> str:
    return split_hash(folder.split.read_text("utf-8"))


def test_several_splits_are_told_apart(tmp_path: Path) -> None:
    rows = [
        {"class": name, "split": split, "dice": dice}
        for split, dice in (("val", 0.25), ("test", 0.75))
        for name in ("a", "b", "all")
    ]
    evaluate(tmp_path, rows, [{"id": "x"}])
    page = read(a_run(tmp_path))
    assert "|\nval|\nmeans|" in page.words
    assert "|\ntest|\nmeans|" in page.words
    assert "b|\nval|\n0.2500|" in page.words
    assert "b|\ntest|\n0.7500|" in page.words


def test_scores_of_other_data_are_not_taken_for_the_runs_own(tmp_path: Path) -> None:
    evaluate(tmp_path, [{"class": "all", "split_hash": "0123456789ab"}], [{"id": "x"}])
    assert "These scores are of other data" in read(a_run(tmp_path)).words


def test_the_lowest_scores_are_listed_from_below(tmp_path: Path) -> None:
    images = [{"id": f"i{n:02d}", "dice": n / 20} for n in range(20, -1, -1)]
    evaluate(tmp_path, [{"class": "all"}], [*images, {"id": "none", "dice": ""}])
    words = read(a_run(tmp_path)).words
    assert re.findall(r"i\d\d(?=\|)", words) == [f"i{n:02d}" for n in range(10)]
    assert "Lowest Dice of 21" in words


def test_an_image_whose_name_is_its_dice_is_listed_and_words_are_not(tmp_path: Path) -> None:
    images: list[dict[str, Any]] = [
        {"id": "0.5000", "dice": 0.5},
        {"id": "b", "dice": "b"},
        {"id": "c", "dice": 0.7},
    ]
    evaluate(tmp_path, [{"class": "all"}], images)
    words = read(a_run(tmp_path)).words
    assert "Lowest Dice of 2" in words
    assert words.count("0.5000") == 2


def test_the_split_is_counted_and_proved_disjoint(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    words = read(folder).words
    assert "split|\nrecords|\ngroups|\ngröße|" in words
    assert "train|\n6|\n3|\n6|" in words
    assert "test|\n2|\n1|\n2|" in words
    assert "No group lies in two splits." in words
    assert f"Hash of split.csv: {folder_hash(folder)}" in words
    assert "has changed" not in words


def test_a_group_in_two_splits_and_a_changed_split_are_named(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    with folder.split.open("a", encoding="utf-8") as file:
        file.write("more,train0,test,\n")
    words = read(folder).words
    assert "1 groups lie in more than one split, such as 'train0'." in words
    assert "split.csv has changed" in words


def test_the_command_as_it_was_given(tmp_path: Path) -> None:
    given = ["dataset=dsb2018", "dataset.size=[128,96]", "hydra.run.dir=my runs/a'b"]
    page = read(a_run(tmp_path, config={**CONFIG, "overrides": given}))
    expected = (
        "python -m segkit.train dataset=dsb2018 'dataset.size=[128,96]' "
        "'hydra.run.dir=my runs/a'\"'\"'b'"
    )
    assert expected in page.words
    assert "not kept" not in page.words


def test_the_command_where_it_was_not_kept(tmp_path: Path) -> None:
    page = read(a_run(tmp_path, commit="30107fc99dab-dirty"))
    assert "python -m segkit.train dataset=dsb2018 model=unet_mnv2" in page.words
    assert "Its command line was not kept" in page.words
    assert "changes beyond its commit, 30107fc99dab-dirty" in page.words


def test_the_whole_configuration_is_behind_a_fold(tmp_path: Path) -> None:
    page = read(a_run(tmp_path))
    assert yaml.safe_dump(CONFIG, sort_keys=False) in page.words
    assert len(page.named("details")) == 1


def test_a_configuration_of_many_ids_does_not_fill_the_page(tmp_path: Path) -> None:
    many = {**CONFIG, "ids": ["x" * 60] * 2_000}
    path = write_report(a_run(tmp_path, config=many))
    assert path.stat().st_size < 200_000
    assert "the rest is in config.yaml" in path.read_text("utf-8")


def test_warnings_of_the_log_are_told(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    assert "Warnings" not in read(folder).words
    with folder.log.open("a", encoding="utf-8") as file:
        for n in range(25):
            file.write(f"2026-11-21 03:10:57,000 WARNING number {n} of {HOSTILE}\n")
    page = read(folder)
    assert f"WARNING number 19 of {HOSTILE}" in page.words
    assert "number 20" not in page.words
    assert "5 more in train.log" in page.words


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
    assert len(page.named("script")) == 1  # the slider's own
    assert page.words.count(HOSTILE) > 10
    evaluate(tmp_path, [hostile, {**hostile, "class": "b"}], images)
    page = read(folder)
    assert len(page.named("script")) == 1
    assert f"größe 日本 {HOSTILE}|" in page.words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.91234, "0.9123"),
        ("0.91234", "0.9123"),
        (3, "3"),
        ("3", "3"),
        ("1e-3", "0.0010"),
        *((value, "undefined") for value in (None, "", "nan", "NaN", "-inf", math.nan, math.inf)),
        ("network", "network"),
    ],
)
def test_numbers_as_people_read_them(value: object, words: str) -> None:
    assert shown(value) == words


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


def in_browser(address: str, profile: Path) -> tuple[Page, str]:
    """The page after its scripts have run, and what the browser said of it."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            "--dump-dom",
            address,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return Page(done.stdout), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize(
    ("mark", "seen"), [("", 5), ("#epoch=3", 3), ("#epoch=0", 0), ("#epoch=99", 6), ("#else", 5)]
)
def test_in_a_browser(tmp_path: Path, mark: str, seen: int) -> None:
    folder = a_run(tmp_path / "run", epochs=7, best_epoch=5)
    images = [{"id": HOSTILE, "dice": 0.5}]
    evaluate(folder.path, [{"class": HOSTILE, "dice": 0.5}], images)
    path = write_report(folder)
    page, said = in_browser(f"{path.as_uri()}{mark}", tmp_path / "profile")
    assert "CONSOLE" not in said
    panels = [one for one in page.named("img") if "data-number" in one]
    assert [one["data-number"] for one in panels if "hidden" not in one] == [str(seen)]
    assert re.search(f"epoch {seen}, val/dice", page.words)
    slider = page.named("input")[0]
    assert str(slider.get("aria-valuetext", "")).startswith(f"epoch {seen}") == (seen != 5)
    assert "taken over" not in re.findall("<title>(.*?)</title>", page.text)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_slider_and_button_in_a_browser(tmp_path: Path) -> None:
    """A page of ours that moves them as a hand would; what is then in sight is written out."""
    path = write_report(a_run(tmp_path / "run", epochs=7, best_epoch=5))
    moved = """<script>
      const seen = () => document.querySelector(".slides img:not([hidden])").dataset.number;
      const found = [seen()], slider = document.querySelector("input");
      slider.stepDown(3); slider.dispatchEvent(new Event("input")); found.push(seen());
      document.querySelector("button").click(); found.push(seen());
      location.hash = "#epoch=1";
      addEventListener("hashchange", () => {
        found.push(seen());
        const sizes = [...document.images].map(one => one.naturalWidth > 0);
        document.title = found.join(" ") + " " + sizes.every(Boolean);
      });
    </script></body>"""
    path.write_text(path.read_text("utf-8").replace("</body>", moved), encoding="utf-8")
    page, said = in_browser(path.as_uri(), tmp_path / "profile")
    assert "CONSOLE" not in said
    assert re.findall("<title>(.*?)</title>", page.text) == ["5 2 5 1 true"]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_browser_tells_of_a_broken_script(tmp_path: Path) -> None:
    """Without this, silence would prove nothing."""
    path = tmp_path / "broken.html"
    path.write_text("<script>throw new Error('broken')</script>", encoding="utf-8")
    assert "CONSOLE" in in_browser(path.as_uri(), tmp_path / "profile")[1]
