"""Which files were not read: counted and named, in a line."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

_KINDS = 5
_LONGEST = 12


def passed_over(names: Iterable[str]) -> str:
    """Say how many files of which kinds were not read: ``passed over: 12 .dcm, 1 .json``.

    Returns:
        One line, whatever the files are called; empty where there is none.
    """
    kinds = Counter(_kind(name) for name in names).most_common()
    shown = [f"{count} {kind}" for kind, count in kinds[:_KINDS]]
    if rest := sum(count for _, count in kinds[_KINDS:]):
        shown.append(f"{rest} others")
    return f"passed over: {', '.join(shown)}" if shown else ""


def _kind(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    if not suffix:
        return "without a suffix"
    return suffix if suffix.isascii() and suffix.isprintable() and len(suffix) <= _LONGEST else ".…"
