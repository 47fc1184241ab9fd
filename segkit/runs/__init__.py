"""From a configuration to objects, and from a run folder to a trained network."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segkit.runs.load import load_run

__all__ = ["load_run"]


def __getattr__(name: str) -> Any:
    if name != "load_run":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Loaded when it is asked for: commands import this package before they know of any mistake.
    from segkit.runs.load import load_run

    return load_run
