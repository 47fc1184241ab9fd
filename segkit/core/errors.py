"""The one exception that users see: what is wrong, where, and what to do."""

import difflib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_SHOWN = re.compile(r".*SegkitError: (.*?)\n  where: (.*?)\n  fix:   (.*?)\s*\Z", re.DOTALL)


class SegkitError(Exception):
    """A mistake in the input, not in the program. Commands show it without a traceback.

    Args:
        what: what is wrong, one sentence without a full stop.
        where: the file, key or value that is wrong.
        remedy: what the user can do about it.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        # torch rebuilds what a DataLoader worker raised from one text, which ends with ours.
        if not where and (shown := _SHOWN.search(what)):
            what, where, remedy = shown.groups()
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are not replayed by Exception's own pickling.
        return (_rebuild, (self.what, self.where, self.remedy))

    def __str__(self) -> str:
        return f"{self.what}\n  where: {self.where}\n  fix:   {self.remedy}"


def _rebuild(what: str, where: str, remedy: str) -> SegkitError:
    return SegkitError(what, where=where, remedy=remedy)


@contextmanager
def naming(name: object) -> Iterator[None]:
    """Say which file it is where an error says ``image``; of an array (None) it stays that."""
    try:
        yield
    except SegkitError as error:
        if error.where != "image" or name is None:
            raise
        raise SegkitError(error.what, where=str(name), remedy=error.remedy) from error


def did_you_mean(name: object, options: Iterable[str], *, most: int = 3) -> str:
    """``"did you mean a, b?"`` for the nearest of ``options``, or all of them when none is near.

    >>> did_you_mean("unet_mnv3", ["unet_mnv2", "fpn_resnet18"])
    "did you mean 'unet_mnv2'?"
    """
    known = sorted(set(options))
    near = difflib.get_close_matches(str(name), known, n=most, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(repr(n) for n in near)}?"
    listed = ", ".join(known[:40]) + (", …" if len(known) > 40 else "")
    return f"choose one of: {listed}"


def require_packages(*names: str, extra: str) -> None:
    """Refuse to begin without the packages of one of segkit's extras.

    Raises:
        SegkitError: with what to install.
    """
    if missing := [name for name in names if importlib.util.find_spec(name) is None]:
        raise SegkitError(
            f"not installed: {', '.join(missing)}",
            where=f"python {sys.executable}",
            remedy=f"pip install 'segkit[{extra}]'",
        )
