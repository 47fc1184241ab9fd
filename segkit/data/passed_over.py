"""Which files were not read: counted and named, in a line."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

_KINDS = 5
_LONGEST = 12


def passed_over(names: Iterable[str], kinds: Mapping[str, str] = MappingProxyType({})) -> str:
    """Say how many files of which kinds were not read: ``passed over: 12 .txt, 1 .json``.

    Args:
        names: of the files.
        kinds: what some of them are, where a suffix does not say.

    Returns:
        One line, whatever the files are called; empty where there is none.
    """
    counts = Counter(kinds.get(name) or _kind(name) for name in names).most_common()
    shown = [f"{count} {kind}" for kind, count in counts[:_KINDS]]
    if rest := sum(count for _, count in counts[_KINDS:]):
        shown.append(f"{rest} others")
    return f"passed over: {', '.join(shown)}" if shown else ""


def _kind(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    if not suffix:
        return "DICOMDIR" if PurePosixPath(name).name == "DICOMDIR" else "without a suffix"
    return suffix if suffix.isascii() and suffix.isprintable() and len(suffix) <= _LONGEST else ".…"
