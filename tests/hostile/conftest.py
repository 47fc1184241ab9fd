"""A time limit about every test here, and the checkout on the path for the package's modules."""

import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segkit.core.limits import DEFAULT_MEGAPIXELS, limit_images

sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(autouse=True)
def _as_a_user_has_it() -> Iterator[None]:
    """Decoders warn of odd files; an error made of that would hide what happens without it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    limit_images(DEFAULT_MEGAPIXELS)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: Any) -> None:
    del item
    signal.signal(signal.SIGALRM, signal.default_int_handler)
