"""Lay out what the site is built from, and look over what was built: `make docs`.

The pages link to files beside docs/, as a forge shows them. On the site those are pages, too, or
files to read.

python -m docs.generate.site lay-out; python -m docs.generate.site check
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SOURCE, SITE = ROOT / "build" / "docs", ROOT / "build" / "site"
# Beside docs/, and pages of the site all the same.
BESIDE = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")

# Pages, which are rewritten, and what makes them.
_OURS = (".md", ".py", ".pyc", ".jinja")
_LINK = re.compile(r"(?<=\]\()(?!\w+://|#|mailto:)([^)\s#]+)")
# What a browser fetches by itself, unlike the target of a link that is clicked.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|object|embed)\b[^>]*?\b(?:src|srcset|data)=["']?(?:https?:)?//[^"'\s>]+"""
    r"""|<link\b[^>]*?\bhref=["']?(?:https?:)?//[^>]+"""
    r"""|url\(["']?(?:https?:)?//[^)]+|@import\s+["'](?:https?:)?//[^"']+""",
    re.IGNORECASE,
)
# A page's own address, which search engines read and browsers do not fetch.
_NOT_FETCHED = re.compile(r"\brel=[\"']?(?:canonical|license)\b")


def lay_out(source: Path = SOURCE) -> None:
    """Copy the pages, and what they show and link to, into one folder."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    pages = [*DOCS.glob("*.md"), *(ROOT / name for name in BESIDE)]
    for path in DOCS.rglob("*"):
        if path.is_file() and path.suffix not in _OURS:
            _copy(path, source / path.relative_to(DOCS))
    for page in pages:
        text = page.read_text("utf-8")
        (source / page.name).write_text(_LINK.sub(partial(_place, page, source), text), "utf-8")


def _place(page: Path, source: Path, link: re.Match[str]) -> str:
    """Where a link leads on the site; a file of the repository is brought along."""
    target = Path(os.path.normpath(page.parent / link[0]))
    if target.is_relative_to(DOCS):
        return target.relative_to(DOCS).as_posix()
    if target.name in BESIDE:
        return target.name
    if target == ROOT / "README.md":
        return "index.md"
    if not target.is_file():
        return link[0]  # which the build reports
    # The site takes any .md for a page.
    kept = source / "files" / target.relative_to(ROOT)
    kept = kept.with_name(f"{kept.name}.txt")
    _copy(target, kept)
    return kept.relative_to(source).as_posix()


def _copy(path: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, kept)


def fetched(site: Path = SITE) -> Iterator[str]:
    """What pages or styles of the site fetch from elsewhere, with the file that does."""
    for path in sorted([*site.rglob("*.html"), *site.rglob("*.css")]):
        for found in _FETCHED.finditer(path.read_text("utf-8")):
            if not _NOT_FETCHED.search(found.group()):
                yield f"{path.relative_to(site)}: {found.group()}"


if __name__ == "__main__":
    if sys.argv[1:] == ["lay-out"]:
        lay_out()
    elif sys.argv[1:] == ["check"]:
        if not any(SITE.rglob("*.html")):
            sys.exit(f"there are no pages in {SITE}")
        if problems := [*fetched()]:
            sys.exit("fetched from elsewhere:\n" + "\n".join(problems))
    else:
        sys.exit(__doc__)
