"""``report.html`` in a browser: what is in sight once its script has run."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from segkit.evaluation.report import write_report
from tests.evaluation.made_runs import HOSTILE, Page, a_run, evaluate

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


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
