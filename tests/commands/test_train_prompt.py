"""Help and mistakes are answered by ``python -m segkit.train`` before anything slow is imported."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# CPU seconds in which help and configuration mistakes are answered.
PROMPT = 1.5


@pytest.fixture
def cpu_seconds(call: Any) -> Any:
    def measure(*given: str, cwd: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
        """CPU time of the quickest of three calls: other processes share these cores."""
        quickest = float("inf")
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = call(*given, cwd=cwd)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            quickest = min(quickest, spent)
        return quickest, done

    return measure


def test_help_is_prompt_and_worth_reading(cpu_seconds: Any, tmp_path: Path) -> None:
    seconds, done = cpu_seconds("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert seconds <= PROMPT
    for part in ("python -m segkit.train", "dataset=folder", "unet_mnv2", "resume=", "optim.lr"):
        assert part in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_is_answered_promptly(cpu_seconds: Any, tmp_path: Path) -> None:
    seconds, done = cpu_seconds("optim.lrr=1", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'optim.lr'" in done.stderr
    assert "Traceback" not in done.stderr
    assert seconds <= PROMPT


@pytest.mark.parametrize("given", ["--help", "optim.lrr=1", "mode=min", "dataset=folder"])
def test_torch_is_not_imported_to_say_so(run: Any, given: str, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from segkit import train\n"
        "try:\n"
        "    train.main()\n"
        "finally:\n"
        "    slow = {'torch', 'lightning', 'albumentations', 'timm', 'sklearn', 'matplotlib'}\n"
        "    print('slow:', sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, given],
        capture_output=True,
        text=True,
        check=False,
        env=run.environment(),
        cwd=tmp_path,
    )
    assert done.returncode == (0 if given == "--help" else 2)
    assert done.stdout.strip().endswith("slow: []")
