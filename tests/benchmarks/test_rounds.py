"""Turns and rounds: what is shown of them, and what is kept when they end early."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segkit import benchmark
from segkit.benchmarks import parts
from segkit.benchmarks.rounds import Rounds, interleaved
from segkit.benchmarks.timing import Figure
from tests.commands.in_process import call_main


def figures(taken: Any) -> list[Figure]:
    return [Figure("p", name, sum(spent), "s") for name, spent in taken.items()]


def test_rivals_take_turns_and_the_first_round_is_dropped() -> None:
    calls: list[str] = []
    kept: list[dict[str, float]] = []
    shown = Rounds("p", lambda found: kept.append({f.what: f.value for f in found}))
    rivals = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    counted: list[int] = []

    def count(taken: Any) -> list[Figure]:
        counted.append(len(taken["a"]))
        assert len(taken["b"]) == len(taken["a"])
        return figures(taken)

    interleaved(rivals, 2, shown, count)
    assert calls == ["a", "b"] * 3
    assert counted == [1, 2]
    assert [each.keys() for each in kept] == [{"a", "b"}] * 2
    # What follows in the same part is kept beside it.
    interleaved({"c": lambda: None}, 1, shown, figures)
    assert kept[-1].keys() == {"a", "b", "c"}
    assert [figure.what for figure in shown.figures] == ["a", "b", "c"]


def test_each_round_is_told_with_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr("segkit.benchmarks.rounds.time.monotonic", lambda: clock[0])

    def taking(seconds: float) -> Callable[[], object]:
        return lambda: clock.__setitem__(0, clock[0] + seconds)

    rivals = {"fast": taking(10), "slow": taking(110)}
    interleaved(rivals, 2, Rounds("training", lambda _: None), figures)
    assert capsys.readouterr().err.splitlines() == [
        "measuring training …",
        "training, warm-up: fast 10 s, slow 110 s; about 4 min left",
        "training, round 1 of 2: fast 10 s, slow 110 s; about 2 min left",
        "training, round 2 of 2: fast 10 s, slow 110 s",
    ]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(143)])
def test_whole_rounds_outlive_an_interruption(
    end: BaseException,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def measure(settings: Any, folder: Path, before: Any, shown: Rounds) -> None:
        del settings, folder, before
        turns = iter(range(7))

        def work() -> None:
            if next(turns) == 4:
                raise end

        interleaved({"ours": work, "theirs": work}, 3, shown, figures)

    monkeypatch.setattr(parts, "measure", measure)
    monkeypatch.chdir(tmp_path)
    small = ["dataset.count=8", "dataset.image_size=32", f"dataset.cache_dir={tmp_path}"]
    given = ["parts=[input,memory]", "hydra.run.dir=out", *small]
    code = call_main(monkeypatch, *given, module=benchmark)
    assert code == (130 if isinstance(end, KeyboardInterrupt) else 143)
    kept = json.loads((tmp_path / "out" / "benchmark.json").read_text("utf-8"))
    assert [each["what"] for each in kept["figures"]] == ["ours", "theirs"]
    assert (kept["unfinished"], kept["failed"]) == (["input", "memory"], [])
    said = capsys.readouterr().out
    assert re.search(r"ours +\d", said)
    assert "out/benchmark.json" in said
    assert "not finished: input, memory" in said
