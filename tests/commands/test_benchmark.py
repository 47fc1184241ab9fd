"""``python -m segkit.benchmark`` as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SMALL = [
    "dataset.count=24",
    "dataset.image_size=64",
    "dataset.size=64",
    "dataset.batch_size=4",
    "trainer=cpu",
    "rounds=1",
]


def benchmark(folder: Path, *given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "segkit.benchmark", f"hydra.run.dir={folder / 'out'}", *given],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("parts=[trainin]", "'training'"),
        ("parts=[]", "one at least"),
        ("parts=training", "parts=[training]"),
        ("rounds=0", "rounds=0"),
        ("model=unet", "model=unet"),
        ("trainer.max_steps=4", "trainer.max_steps=4"),
        ("dataset.batch_size=auto", "dataset.batch_size=auto"),
    ],
)
def test_a_mistake(tmp_path: Path, given: str, expected: str) -> None:
    done = benchmark(tmp_path, given)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_every_part_is_measured_and_written_down(tmp_path: Path) -> None:
    cache = f"dataset.cache_dir={tmp_path / 'cache'}"
    # The processes that `start` times take minutes; tests/benchmarks/test_startup.py has it.
    parts = "parts=[training,changes,input,inference,memory,growth]"
    done = benchmark(tmp_path, cache, parts, "loss=bce", "loss.weight=auto", *SMALL)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "benchmark.json").read_text("utf-8"))
    assert found["hardware"]["cores"]
    assert found["versions"]["torch"]
    assert found["settings"]["rounds"] == 1
    found_parts = {figure["part"] for figure in found["figures"]}
    expected = {"training", "changes", "input", "inference", "growth"}
    assert found_parts - {"memory"} == expected
    assert all(figure["value"] >= 0 for figure in found["figures"])
    assert {"bare PyTorch loop", "plain Lightning"} <= {f["what"] for f in found["figures"]}
    assert (tmp_path / "out" / "growth.png").stat().st_size > 1000
    assert "segkit ÷ bare PyTorch loop" in done.stdout
