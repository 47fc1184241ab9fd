"""What the documents show, taken apart: blocks of code, commands, links and pictures."""

import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from tests.commands.conftest import environment

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *PAGES]


def blocks(document: Path) -> list[str]:
    """Its indented blocks of code, in order, without the indent."""
    text = document.read_text("utf-8")
    return [
        textwrap.dedent(found) for found in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M)
    ]


def is_python(block: str) -> bool:
    """Whether it is a script, not a command or a list of files."""
    return re.match(r"\s*(import|from) \w", block) is not None


def commands(text: str) -> list[str]:
    """What follows ``python -m``, or the name of the image: ``segkit.train dataset=phantom``."""
    found = re.findall(r"(?:python -m|docker run .* segkit\S*) (segkit\.\w+[^`\n|]*)", text)
    return [command.split("  #")[0].strip() for command in found]


def links(document: Path) -> list[str]:
    """What its links and pictures lead to, but for addresses of the web."""
    text = document.read_text("utf-8")
    found: list[str] = re.findall(r"\]\(([^)]+)\)", text)
    # A picture of which there is a dark one, too, is written in HTML.
    found += re.findall(r"\b(?:src|srcset)=\"([^\"]+)\"", text)
    return [link for link in found if "://" not in link]


def anchors(document: Path) -> set[str]:
    """What links to its headings end in, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def split_command(command: str) -> tuple[str, list[str]]:
    """The module's last name, and the words after it."""
    module, *words = shlex.split(command)
    return module.removeprefix("segkit."), words


TINY = (
    *("model=unet_lowered", "trainer.max_epochs=1", "trainer=cpu"),
    *("dataset.batch_size=4", "trainer.enable_progress_bar=false", "dataset.cache_dir=cache"),
)


def run(*words: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment(),
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_tiny(name: str, words: Sequence[str], folder: Path) -> str:
    """Run a document's command as its reader would; training is made short."""
    return run("-m", f"segkit.{name}", *words, *(TINY if name == "train" else ()), folder=folder)
