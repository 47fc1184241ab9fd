"""segkit: trained, honestly measured segmentation models for biomedical images."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segkit.api import SegkitError, compare_runs, fit, load_run, open_data, score

    __version__: str

__all__ = ["SegkitError", "__version__", "compare_runs", "fit", "load_run", "open_data", "score"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        return version("segkit")
    # Loaded when it is asked for: commands import this package before they know of any mistake.
    from segkit import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
