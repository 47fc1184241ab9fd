"""What only a checkout has: ``benchmarks/``, beside the package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from segkit.core.errors import SegkitError

PARTS = ("changes", "growth")  # that lie there
_CHECKOUT = Path(__file__).resolve().parents[2]


def is_beside() -> bool:
    """Whether segkit runs from a checkout."""
    return (_CHECKOUT / "benchmarks" / "rivals.py").is_file()


def check_beside(part: str) -> None:
    """Refuse a part that is not in the wheel.

    Raises:
        SegkitError: segkit was installed from one.
    """
    if part in PARTS and not is_beside():
        raise SegkitError(
            f"the part {part!r} is measured in a checkout alone",
            where=f"parts=[{part}]",
            remedy="run it in a clone of segkit's repository, or leave it out: "
            "parts=[training,input,inference,start,memory]",
        )


def beside(module: str) -> Any:
    """A module of ``benchmarks/``, whatever folder the command was started in."""
    if str(_CHECKOUT) not in sys.path:
        sys.path.insert(0, str(_CHECKOUT))
    return importlib.import_module(f"benchmarks.{module}")
