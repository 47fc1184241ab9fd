"""Names of files, patients and classes are words on a page, whatever they look like."""

import csv
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.drawing.overlay import encode_png

SCRIPT = "<script>alert(1)<script>"
IMAGE = "<img src=x onerror=alert(1)>"
QUOTED = "\"'><svg onload=alert(1)>"
FORMULA = "=HYPERLINK(1)"
SMALL = (
    "trainer=cpu",
    "trainer.precision=32-true",
    "trainer.max_epochs=1",
    "schedule=constant",
    "dataset.size=32",
    "dataset.batch_size=4",
    "dataset.num_workers=0",
    "~model",
    "+model={_target_: torch.nn.Conv2d, in_channels: 3, kernel_size: 3, padding: 1}",
)


class Parsed(HTMLParser):
    """A page as a browser reads it: its scripts, its handlers, what it fetches, its words."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.sources: list[str] = []
        self.words = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words += data

    def is_harmless(self, *, scripts: int) -> bool:
        own = all(source.startswith(("data:", "#")) for source in self.sources)
        return not self.handlers and own and self.tags.count("script") == scripts

    def says(self, *words: str) -> bool:
        return all(word in self.words for word in words)


@pytest.fixture
def data(stranger: Any) -> Path:
    """A table of twelve pairs, whose files, groups and strata are called like markup."""
    root: Path = stranger.home.parent / "data"
    rng = np.random.default_rng(0)
    lines = ["image,mask,id,group,stratum"]
    for number in range(12):
        mask = np.zeros((32, 32), np.uint8)
        mask[4:20, 4 : 16 + number] = 255
        for kind, pixels in (("images", rng.integers(0, 256, (32, 32, 3))), ("masks", mask)):
            path = root / kind / f"{IMAGE}{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(np.asarray(pixels, np.uint8)))
        name = f"{IMAGE}{number}.png"
        quoted = QUOTED.replace('"', '""')
        stratum = SCRIPT if number % 2 else FORMULA
        lines.append(
            f'images/{name},masks/{name},"{SCRIPT}{number}","{quoted}{number}","{stratum}"'
        )
    (root / "table.csv").write_text("\n".join(lines), "utf-8")
    return root


def given(data: Path) -> list[str]:
    return [
        "dataset=folder",
        f"dataset.root={data}",
        "dataset.manifest=table.csv",
        f"dataset.classes=[background,'{IMAGE}']",
        f"dataset.cache_dir={data.parent / 'cache'}",
    ]


def test_the_report_of_a_check(stranger: Any, data: Path) -> None:
    folder = stranger.home / "checked"
    (data / "images" / f"{IMAGE}3.png").write_bytes(b"none")
    code, said = stranger.run(
        "check", *given(data), "augment_preview=true", f"hydra.run.dir={folder}"
    )
    assert code == 1, said
    page = Parsed(folder / "report.html")
    assert page.is_harmless(scripts=1)  # the page's own
    assert page.says(f"{SCRIPT}0", f"{QUOTED}0", f"{IMAGE}3.png", FORMULA)


@pytest.mark.slow
def test_the_report_of_a_training_and_its_evaluation(stranger: Any, data: Path) -> None:
    folder = stranger.home / "trained"
    code, said = stranger.run("train", *given(data), *SMALL, f"hydra.run.dir={folder}")
    assert code == 0, said
    page = Parsed(folder / "report.html")
    assert page.is_harmless(scripts=1)  # the page's own
    assert page.says(IMAGE, FORMULA, SCRIPT)
    code, said = stranger.run("evaluate", f"run={folder}", "trainer=cpu")
    assert code == 0, said
    page = Parsed(folder / "report.html")
    assert page.is_harmless(scripts=1)
    assert page.says("Lowest Dice of", f"{SCRIPT}", QUOTED)


def test_a_page_is_found_harmful(tmp_path: Path) -> None:
    """The tests above can tell."""
    path = tmp_path / "page.html"
    for text in (SCRIPT, IMAGE, QUOTED, '<link href="https://example.org/x.css">'):
        path.write_text(f"<p>{text}</p>", "utf-8")
        assert not Parsed(path).is_harmless(scripts=0)
    path.write_text("<p>&lt;script&gt; x</p>", "utf-8")
    assert Parsed(path).is_harmless(scripts=0)


def test_tables_keep_names_as_they_are(stranger: Any, data: Path) -> None:
    """A spreadsheet may take ``=…`` for a formula; but a table of ids is there to be joined by."""
    folder = stranger.home / "checked"
    code, said = stranger.run("check", *given(data), f"hydra.run.dir={folder}")
    assert code == 0, said
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["stratum"] for row in rows} == {SCRIPT, FORMULA}
    assert {row["id"] for row in rows} == {f"{SCRIPT}{number}" for number in range(12)}
