"""A trial's training: its arguments, its score, its stop, and the reason why it failed."""

import sys
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.search.trial import TrialFailed, reason, score, train_in_process, trial_arguments


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (2, "x\nerror: no such\nthing\n  where: a=b\n  fix:   do\n", "no such thing (a=b)"),
        (2, "error in process 1: gone\n  where: c\n  fix:   do\n", "gone (c)"),
        (1, "Traceback\nValueError: bad\n\n", "exit code 1: ValueError: bad"),
        (3, "", "exit code 3"),
        (-9, "any", "killed by SIGKILL, perhaps for want of memory"),
        (143, "any", "stopped by SIGTERM"),
    ],
)
def test_the_reason_is_one_line(code: int, text: str, told: str) -> None:
    assert reason(code, text) == told


def test_a_training_without_a_score_has_failed(tmp_path: Path) -> None:
    with pytest.raises(TrialFailed, match="no epoch had a score"):
        score(tmp_path, 0, tmp_path / "said.txt")
    (tmp_path / "summary.json").write_text('{"best_score": 0.5}', "utf-8")
    assert score(tmp_path, 0, tmp_path / "said.txt") == 0.5


def test_the_arguments_keep_the_address_to_themselves(tmp_path: Path) -> None:
    made = trial_arguments(
        ["model=b"], tmp_path / "a b", {"study": "1", "trial": 3}, given=["seed=1"], search_path=[]
    )
    assert made[:2] == ["seed=1", "model=b"]
    assert made[2].endswith("monitor: '${monitor}', study: '1', trial: 3}")
    assert made[3] == f"hydra.run.dir='{tmp_path / 'a b'}'"


@pytest.mark.usefixtures("interruptible")
def test_a_stop_waits_for_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is told once, and given time to write its checkpoint."""
    child = tmp_path / "child.sh"
    child.write_text(
        "#!/bin/sh\ntrap 'echo told; sleep 0.3; echo ended; exit 143' TERM\n"
        "echo begun; sleep 0.3; kill -INT $PPID; while :; do sleep 0.05; done\n"
    )
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    said = tmp_path / "said.txt"
    with pytest.raises(KeyboardInterrupt):
        train_in_process([], said, {})
    assert said.read_text("utf-8").split() == ["begun", "told", "ended"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SegkitError, match="cannot be written"):
        train_in_process([], tmp_path / "none" / "said.txt", {})
