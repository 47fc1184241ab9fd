"""The hosts that hosts.sh makes, and what is run on them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("segkit-a", "segkit-b")
_SCRIPT = Path(__file__).with_name("hosts.sh")
_LIMIT = 300  # seconds for anything at all


def hosts(*given: str) -> None:
    """The script.

    Raises:
        subprocess.CalledProcessError: with what it said.
    """
    subprocess.run([str(_SCRIPT), *given], check=True, capture_output=True, text=True)


@contextmanager
def two_hosts() -> Iterator[None]:
    """Make them for a while; skip the test where this machine does not let one."""
    try:
        hosts("up")
    except subprocess.CalledProcessError as error:
        hosts("down")
        pytest.skip(f"no two hosts here (they need root and iproute2): {error.stderr.strip()}")
    try:
        yield
    finally:
        hosts("down")


def on_host(name: str, command: list[str], before: str = "true") -> list[str]:
    """A command as it is run on a host, after one of the shell, such as a mount."""
    return [str(_SCRIPT), "run", name, "sh", "-c", f'{before} && exec "$@"', "sh", *command]


class Together:
    """One command on both hosts at once, each with a log of its own in a folder."""

    def __init__(
        self, folder: Path, command: list[str], before: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self._logs = folder, {n: folder / f"{n}.log" for n in NAMES}
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder))),
            "OMP_NUM_THREADS": "1",
        }
        self._processes = {}
        for name in NAMES:
            with self._logs[name].open("wb") as log:
                self._processes[name] = subprocess.Popen(
                    on_host(name, command, (before or {}).get(name, "true")),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env=environment,
                )

    def said(self, name: str) -> str:
        """By a host so far."""
        return self._logs[name].read_text("utf-8", errors="replace")

    def wait_for(self, what: Callable[[], bool]) -> None:
        """Until something is so; both must go on in the meantime."""
        deadline = time.monotonic() + _LIMIT
        while not what():
            ended = [name for name, each in self._processes.items() if each.poll() is not None]
            assert not ended, self.said(ended[0])
            assert time.monotonic() < deadline, self.said(NAMES[0])
            time.sleep(0.1)

    def ends(self) -> list[int]:
        """Exit codes; neither may be left behind."""
        deadline = time.monotonic() + _LIMIT
        try:
            return [
                each.wait(max(1.0, deadline - time.monotonic()))
                for each in self._processes.values()
            ]
        finally:
            for each in self._processes.values():
                each.kill()
                each.wait()


TORCHRUN = [
    *(sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"),
    *("--rdzv-backend=c10d", f"--rdzv-endpoint={NAMES[0]}:29500"),
]
