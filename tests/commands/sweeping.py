"""``segkit.sweep`` in a process of its own, with trials of seconds."""

import subprocess
import sys
from pathlib import Path
from typing import Any

SPACE = "space={optim.lr: {low: 1e-4, high: 1e-2, log: true}, model: [unet_classic, unet_lowered]}"


def command(run: Any, *given: str, epochs: int = 2) -> list[str]:
    tiny = ("sweep=none", "study=tiny", f"trainer.max_epochs={epochs}")
    return [sys.executable, "-m", "segkit.sweep", *run.arguments(*tiny, *given)]


def sweep(
    run: Any, cwd: Path, *given: str, epochs: int = 2, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(run, *given, epochs=epochs),
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**run.environment(), **environment},
    )
