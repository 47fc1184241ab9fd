"""Pages as Chromium shows them, in light and dark, without a window."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docs.pictures.sources import LackingError

_PORT, _PATIENCE = 16006, 300  # seconds


def screenshot(address: str, path: Path, size: tuple[int, int], *, dark: bool) -> None:
    """What is in sight of a page, as a PNG.

    Args:
        address: of a file or a server.
        path: to write.
        size: width and height of the window.
        dark: whether the reader prefers dark pages.

    Raises:
        LackingError: Chromium is not installed.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise LackingError("Chromium is missing: apt-get install chromium")
    settings = [
        f"--window-size={size[0]},{size[1]}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--user-data-dir={path.parent / 'profile'}",
        f"--screenshot={path}",
        # Pages that draw themselves by script are given so many milliseconds to do so.
        "--virtual-time-budget=20000",
    ]
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    subprocess.run(
        [chromium, *quiet, *settings, address], check=True, capture_output=True, timeout=600
    )


@contextmanager
def tensorboard(logdir: Path) -> Iterator[str]:
    """A TensorBoard of these runs, by its address."""
    # It answers when all has been read.
    at_once = ["--load_fast", "false", "--reload_interval", "0", "--reload_task", "blocking"]
    words = ["--logdir", logdir.name, "--port", str(_PORT), *at_once]
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", *words],
        cwd=logdir.parent,  # it shows where they lie
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://localhost:{_PORT}"
    try:
        for _ in range(_PATIENCE):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(1)
        else:
            raise TimeoutError(f"TensorBoard does not answer at {address}")
        yield address
    finally:
        server.terminate()
        server.wait()
