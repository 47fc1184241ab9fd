"""Times of whole processes: which are started, and how they are compared."""

import time
from typing import Any

import pytest

from segkit.benchmarks import startup as module
from segkit.benchmarks.parts import _for_training
from segkit.benchmarks.startup import startup

SECONDS = {"--help": 0.01, "modell=unet": 0.02, "import torch": 0.05, "first": 0.06}


def test_what_is_started_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []

    def pretend(*arguments: str, expect: int = 0) -> None:
        started.append(arguments)
        kind = next((k for k in SECONDS if k in " ".join(arguments)), "first")
        assert expect == (2 if kind == "modell=unet" else 0)
        time.sleep(SECONDS[kind])

    monkeypatch.setattr(module, "_python", pretend)
    found = {figure.what: figure for figure in startup(["dataset.size=64"], 3)}
    assert found["--help"].value == pytest.approx(0.01, abs=0.01)
    assert found["--help"].reached
    first = found["first training step, warm cache"]
    assert first.ratio is not None
    assert first.ratio.median == pytest.approx(0.06 / 0.05, rel=0.2)
    steps = [arguments for arguments in started if "dataset.size=64" in arguments]
    assert len(steps) == 8
    assert all(any("FirstStep" in one for one in arguments) for arguments in steps)
    # Each has a run folder of its own, and the cold ones a cache of their own.
    assert len({given(arguments, "hydra.run.dir=") for arguments in steps}) == 8
    assert len({given(arguments, "dataset.cache_dir=") for arguments in steps}) == 5


def given(arguments: tuple[str, ...], key: str) -> Any:
    return [one for one in arguments if one.startswith(key)][-1]


def test_a_process_that_fails_is_not_timed() -> None:
    with pytest.raises(RuntimeError, match="ended with 3"):
        module._python("-c", "raise SystemExit(3)")


def test_a_cold_cache_is_filled_from_images_that_are_there() -> None:
    data = {"size": 128, "batch_size": 8, "cache_dir": "/caches", "root": "/caches/phantom"}
    drawn = {"dataset": data, "overrides": ["seed=1", "rounds=2"]}
    assert _for_training(drawn)[2:] == ["seed=1", "dataset.root='/caches/phantom'"]
    given = {"dataset": {**data, "root": "/data"}, "overrides": ["dataset.root=/data"]}
    assert _for_training(given)[2:] == ["dataset.root=/data"]
