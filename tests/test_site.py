"""The site of docs/, as far as it can be told without building it; `make docs` does that."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.generate import site
from tests.documents import PAGES, ROOT, anchors, links

CONFIG: dict[str, Any] = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]


def pages(entries: list[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values():
            yield from [value] if isinstance(value, str) else pages(value)


def test_every_page_has_one_place_in_the_navigation() -> None:
    listed = [*pages(CONFIG["nav"])]
    assert listed[0] == "index.md"
    assert len(listed) == len({*listed})
    assert {*listed} == {path.name for path in PAGES} | {*site.BESIDE}


def test_links_lead_somewhere_on_the_site_too(tmp_path: Path) -> None:
    site.lay_out(tmp_path)
    laid_out = sorted(tmp_path.glob("*.md"))
    assert {path.name for path in laid_out} == {path.name for path in PAGES} | {*site.BESIDE}
    for page in laid_out:
        for link in links(page):
            name, _, place = link.partition("#")
            assert ".." not in name, f"{page.name}: {link}"
            target = page.parent / name if name else page
            assert target.is_file(), f"{page.name}: {link}"
            if place and target.suffix == ".md":
                assert place in anchors(target), f"{page.name}: {link}"


def test_pages_and_files_beside_docs_are_brought_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {
        "docs/a.md": "[b](b.md#x) [c](../CONTRIBUTING.md) [s](../lib/s.py) [r](../README.md)\n"
        "![p](p.png) ![q](shots/q.png) [w](https://example.org/a.md) [n](#a) [gone](../gone.md)\n",
        "docs/b.md": "# x\n",
        "docs/p.png": "",
        "docs/shots/q.png": "",
        "docs/generate/site.py": "",
        "lib/s.py": "x = 1\n",
        "CONTRIBUTING.md": "[a](docs/a.md) [s](SECURITY.md)\n",
        "SECURITY.md": "",
        "CHANGELOG.md": "",
        "README.md": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(site, "ROOT", tmp_path)
    monkeypatch.setattr(site, "DOCS", tmp_path / "docs")
    source = tmp_path / "build"
    site.lay_out(source)
    assert (source / "a.md").read_text() == (
        "[b](b.md#x) [c](CONTRIBUTING.md) [s](files/lib/s.py.txt) [r](index.md)\n"
        "![p](p.png) ![q](shots/q.png) [w](https://example.org/a.md) [n](#a) [gone](../gone.md)\n"
    )
    assert (source / "CONTRIBUTING.md").read_text() == "[a](a.md) [s](SECURITY.md)\n"
    assert (source / "files/lib/s.py.txt").read_text() == "x = 1\n"
    assert (source / "shots/q.png").is_file()
    assert not (source / "generate").exists()
    (source / "old.md").touch()
    site.lay_out(source)
    assert not (source / "old.md").exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<script src="https://cdn.example/x.js"></script>', 1),
        ("<link rel=stylesheet href=//fonts.example/css>", 1),
        ('<img alt="a" src="http://example.org/a.png">', 1),
        ("<style>@import 'https://example.org/a.css'; a { b: url(https://x.org/y) }</style>", 2),
        ('<a href="https://example.org">read</a> <img src="a.png">', 0),
        ('<link rel="canonical" href="https://example.org/a.html">', 0),
        ('<svg xmlns="http://www.w3.org/2000/svg"></svg><script src="a.js"></script>', 0),
    ],
)
def test_what_is_fetched_from_elsewhere_is_found(text: str, found: int, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "page.html").write_text(text)
    assert len([*site.fetched(tmp_path)]) == found


def test_nothing_but_the_lock_says_what_the_site_is_built_with() -> None:
    lock = (ROOT / "requirements-docs.txt").read_text("utf-8")
    pins = re.findall(r"^([a-z][\w-]*)==(\S+)", lock, re.M)
    assert "zensical" in dict(pins)
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "://" not in lock
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "--require-hashes -r requirements-docs.txt" in makefile
    assert CONFIG["theme"]["font"] is False
