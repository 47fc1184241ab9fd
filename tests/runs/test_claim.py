import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.runs.claim import held

# Holds the run, and has a child as a loader worker is one: forked while it holds.
_HOLDER = """
import os, sys
from pathlib import Path
from segkit.core.run_folder import RunFolder
from segkit.runs.claim import held

with held(RunFolder(Path(sys.argv[1]))):
    if not os.fork():
        print(os.getpid(), flush=True)  # by the child: what it inherited it has let go by now
    sys.stdin.read()
"""


def test_a_second_process_is_told_until_the_first_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            with (
                pytest.raises(SegkitError, match="another process trains"),
                held(RunFolder(tmp_path)),
            ):
                pass
            process.kill()
            process.wait(60)
            os.kill(child, 0)  # it lives, and holds nothing
            with held(RunFolder(tmp_path)):
                pass
        finally:
            os.kill(child, signal.SIGKILL)
    assert not RunFolder(tmp_path).lock.exists()


def test_a_disk_without_locks_holds_nobody_up_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unknown(*_: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unknown)
    with held(RunFolder(tmp_path)), held(RunFolder(tmp_path)):
        pass
    assert f"{tmp_path}: the disk knows no locks; a second process that trains" in caplog.text
    assert not list(tmp_path.iterdir())
