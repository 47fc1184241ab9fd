"""Pages in a browser, where there is one: what they look like once their scripts have run."""

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.evaluation.made_runs import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Some systems have a stub of that name, which says how to install it.
_RUNS = CHROMIUM and subprocess.run([CHROMIUM, "--version"], capture_output=True, check=False)
needs_browser = pytest.mark.skipif(
    not _RUNS or _RUNS.returncode != 0, reason="chromium is not installed"
)
PHONE = 390  # pixels across


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


def said_by(script: str, path: Path, profile: Path) -> str:
    """What a script of ours, put at the end of a page, leaves as the page's title."""
    changed = path.with_name("asked.html")
    text = path.read_text("utf-8").replace("</body>", f"<script>{script}</script></body>")
    changed.write_text(text, encoding="utf-8")
    page, said = in_browser(changed.as_uri(), profile)
    assert "CONSOLE" not in said
    (title,) = re.findall("<title>(.*?)</title>", page.text)
    return str(html.unescape(title))


def width_on_a_phone(path: Path, profile: Path) -> int:
    """How wide a page is, in pixels, where :data:`PHONE` of them are to be seen.

    Chromium has no window as narrow as that, so that the page is shown in a frame.
    """
    frame = path.with_name("phone.html")
    inside = html.escape(path.read_text("utf-8"), quote=True)
    frame.write_text(
        f'<title></title><iframe width={PHONE} height=844 style="border:0" srcdoc="{inside}">'
        "</iframe><script>document.querySelector('iframe').onload = event => { const one = "
        "event.target.contentWindow; document.title = [one.innerWidth, "
        "one.document.documentElement.scrollWidth].join(' '); };</script>",
        encoding="utf-8",
    )
    page, _ = in_browser(frame.as_uri(), profile)
    (title,) = re.findall("<title>(.*?)</title>", page.text)[:1]
    inner, whole = map(int, title.split())
    assert inner == PHONE
    return whole
