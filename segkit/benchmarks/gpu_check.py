"""``make gpu-check``: what only a GPU shows, on whatever is there, in ten minutes at most.

Each check is a command as a user types it. On a CPU the same commands run on smaller images, and
what needs a GPU is left out. ``gpu.json`` in the folder has what was found; exit code 1 tells that
a check failed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from segkit.benchmarks.gpu_checks import CHECKS, CheckError, Machine
from segkit.core.files import write_text
from segkit.core.run_folder import environment
from segkit.core.terminal import console, show_line, show_table

LIMIT = 600  # seconds, after which no further check begins


@dataclass(frozen=True, slots=True)
class Check:
    """What a check came to.

    Attributes:
        name: of it.
        state: passed, failed or left out.
        said: a figure, or why.
        seconds: that it took.
    """

    name: str
    state: str
    said: str
    seconds: float


def check_all(folder: Path, *, limit: float = LIMIT) -> list[Check]:
    """Run every check, and write ``gpu.json`` after each.

    Args:
        folder: for the runs; empty.
        limit: seconds after which no further check begins.
    """
    machine = Machine(folder, gpu=torch.cuda.is_available())
    out, found = console(), list[Check]()
    begun = time.perf_counter()
    for name, check, needs_gpu in CHECKS:
        started = time.perf_counter()
        show_line(out, f"{name} …")
        state, said = "left out", "needs a GPU"
        if started - begun > limit:
            said = f"{limit:.0f} seconds were over"
        elif machine.gpu or not needs_gpu:
            try:
                state, said = "passed", check(machine)
            except CheckError as error:
                state, said = "failed", str(error)
        found.append(Check(name, state, said, round(time.perf_counter() - started, 1)))
        _write(folder, found)
    return found


def _write(folder: Path, found: Sequence[Check]) -> None:
    facts: dict[str, Any] = {**environment(), "checks": [asdict(check) for check in found]}
    write_text(folder / "gpu.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Entry point: the folder, or one by the clock below ``outputs/gpu``."""
    by_clock = Path("outputs") / "gpu" / time.strftime("%Y-%m-%d_%H-%M-%S")
    folder = (Path(arguments[0]) if arguments else by_clock).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    found = check_all(folder)
    facts = json.loads((folder / "gpu.json").read_text("utf-8"))["hardware"]
    device = ", ".join(facts["gpus"]) or f"no GPU: {facts['processor']}, {facts['cores']} cores"
    rows = [(one.name, one.state, one.said, f"{one.seconds:.0f} s") for one in found]
    show_table(console(), ("", "", "found", "time"), rows, words=("", "found"), title=device)
    print(folder / "gpu.json")
    return int(any(one.state == "failed" for one in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
