"""Times of whole processes: which are started, and how they are compared."""

from typing import Any

import pytest

from segkit.benchmarks import startup as module
from segkit.benchmarks.parts import _for_training
from segkit.benchmarks.rounds import Rounds
from segkit.benchmarks.startup import startup

SECONDS = {
    "import hydra": 1.0,
    "--help": 1.2,
    "modell=unet": 2.0,
    "import torch": 20.0,
    "first": 25.0,
}


def test_what_is_started_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []

    def pretend(*arguments: str, expect: int = 0) -> None:
        started.append(arguments)
        kind = next((k for k in SECONDS if k in " ".join(arguments)), "first")
        assert expect == (2 if kind == "modell=unet" else 0)
        clock[0] += SECONDS[kind] * (1 + clock[0] / 1000)  # a machine that slows down

    clock = [0.0]
    monkeypatch.setattr("segkit.benchmarks.timing.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(module, "_python", pretend)
    shown = Rounds("start", lambda _: None)
    startup(["dataset.size=64"], 3, shown)
    found = {figure.what: figure for figure in shown.figures}
    for name, ratio, reached in (
        ("--help", 1.2, True),
        ("a configuration error", 2.0, False),
        ("first training step, warm cache", 1.25, True),
    ):
        figure = found[name]
        assert figure.ratio is not None
        assert figure.ratio.median == pytest.approx(ratio, rel=0.05)
        assert figure.reached is reached
        assert f"{figure.against.removeprefix('÷ ')}" in found
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
    drawn = {
        "dataset": data,
        "overrides": ["seed=1", "rounds=2"],
        "choices": {"dataset": "phantom"},
    }
    assert _for_training(drawn)[2:] == [
        "seed=1",
        "dataset=phantom",
        "dataset.root=/caches/phantom",
    ]
    given = {"dataset": {**data, "root": "/data"}, "overrides": ["dataset.root=/data"]}
    assert _for_training(given)[2:] == ["dataset.root=/data"]
