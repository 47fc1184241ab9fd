"""``report.html`` in a browser: what is in sight once its script has run."""

import re
from pathlib import Path

import pytest

from segkit.evaluation.report import write_report
from tests.browser import PHONE, in_browser, needs_browser, said_by, width_on_a_phone
from tests.evaluation.made_runs import HOSTILE, a_run, evaluate, picture

LONG = "averyverylongwordwithoutanyplacetobreakit" * 8


@pytest.mark.slow
@needs_browser
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
@needs_browser
def test_slider_and_button_in_a_browser(tmp_path: Path) -> None:
    """A script of ours moves them as a hand would; what is then in sight is written out."""
    path = write_report(a_run(tmp_path / "run", epochs=7, best_epoch=5))
    moved = """
      const seen = () => document.querySelector(".slides img:not([hidden])").dataset.number;
      const found = [seen()], slider = document.querySelector("input");
      slider.stepDown(3); slider.dispatchEvent(new Event("input")); found.push(seen());
      document.querySelector(".slides button").click(); found.push(seen());
      location.hash = "#epoch=1";
      addEventListener("hashchange", () => {
        found.push(seen());
        const sizes = [...document.images].map(one => one.naturalWidth > 0);
        document.title = found.join(" ") + " " + sizes.every(Boolean);
      });
    """
    assert said_by(moved, path, tmp_path / "profile") == "5 2 5 1 true"


@pytest.mark.slow
@needs_browser
def test_tables_are_sorted_in_a_browser(tmp_path: Path) -> None:
    """Headings become buttons, which the keyboard reaches: up, down, and as it was."""
    folder = a_run(tmp_path / "run")
    scores = {"b10": 0.25, "b9": 0.125, "a": 0.0625}
    images = [{"id": name, "dice": dice, "iou": ""} for name, dice in scores.items()]
    images[0]["iou"], images[2]["iou"] = 0.5, 10
    evaluate(folder.path, [{"class": "all"}], images)
    path = write_report(folder)
    pressed = """
      const buttons = [...document.querySelectorAll("table.sortable th button")];
      const rows = () => [...document.querySelectorAll("table.sortable tbody tr")]
        .map(row => row.cells[0].textContent).join(",");
      const found = [rows()];
      for (const place of [0, 0, 0, 2, 2]) { buttons[place].click(); found.push(rows()); }
      found.push(buttons[2].closest("th").getAttribute("aria-sort"), buttons[2].tabIndex);
      document.title = found.join(" ");
    """
    assert said_by(pressed, path, tmp_path / "profile").split() == [
        "a,b9,b10",  # the lowest Dice first
        "a,b9,b10",  # ids, as people count
        "b10,b9,a",
        "a,b9,b10",
        "b10,a,b9",  # what is undefined stands last, either way
        "a,b10,b9",
        "descending",
        "0",
    ]


@pytest.mark.slow
@needs_browser
def test_a_report_fits_a_phone(tmp_path: Path) -> None:
    folder = a_run(tmp_path / "run", side=900, commit=LONG, versions={LONG: LONG})
    with folder.log.open("a", encoding="utf-8") as file:
        file.write(f"2026-11-21 03:10:57,000 WARNING {LONG} {LONG}\n")
    many = {f"{LONG}{n}": n / 10 for n in range(9)}
    rows = [{"class": name, "dice": 0.5, **many} for name in (LONG, "b", "all")]
    evaluate(folder.path, rows, [{"id": LONG, "dice": 0.5, "group": LONG}])
    for name in ("worst", "scores"):
        picture(folder.pictures / f"{name}.png", side=1400)
    path = write_report(folder)
    assert width_on_a_phone(path, tmp_path / "profile") <= PHONE


@pytest.mark.slow
@needs_browser
def test_a_page_that_does_not_fit_a_phone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "wide.html"
    path.write_text("<p style='width: 500px'>wide</p>", encoding="utf-8")
    assert width_on_a_phone(path, tmp_path / "profile") > PHONE


@pytest.mark.slow
@needs_browser
def test_the_browser_tells_of_a_broken_script(tmp_path: Path) -> None:
    """Without this, silence would prove nothing."""
    path = tmp_path / "broken.html"
    path.write_text("<script>throw new Error('broken')</script>", encoding="utf-8")
    assert "CONSOLE" in in_browser(path.as_uri(), tmp_path / "profile")[1]
