"""A command called in this process: torch is imported once for all of them."""

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

Call = Callable[..., int]


def call_main(monkeypatch: pytest.MonkeyPatch, *given: str, module: Any) -> int:
    """What ``python -m module given…`` does, on one thread; gives its exit code."""
    monkeypatch.setattr(sys, "argv", [module.__name__, *given])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        module.main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        torch.set_num_threads(threads)
        logging.captureWarnings(False)
    return 0


def fixture_of(module: Any) -> Any:
    """A fixture: the module's command in this process, which gives its exit code."""

    @pytest.fixture
    def command(monkeypatch: pytest.MonkeyPatch) -> Call:
        return partial(call_main, monkeypatch, module=module)

    return command
