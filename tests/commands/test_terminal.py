"""Commands at terminals of any encoding and width, and what they print to be pasted."""

import fcntl
import io
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from segkit import benchmark, check, compare, evaluate, export, predict, sweep, train
from tests.commands.in_process import call_main

COMMANDS = (benchmark, check, compare, evaluate, export, predict, sweep, train)
SEQUENCES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Streams:
    """stdout and stderr of one encoding, as they reach a pipe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
        self.encoding, self.raw = encoding, io.BytesIO()
        for name in ("stdout", "stderr"):
            stream = io.TextIOWrapper(self.raw, encoding=encoding, write_through=True)
            monkeypatch.setattr(sys, name, stream)

    @property
    def text(self) -> str:
        return self.raw.getvalue().decode(self.encoding)


def pasted(line: str) -> list[str]:
    """What a printed command gives to the command that it names."""
    return shlex.split(line.partition(": ")[2])[3:]


encodings = pytest.mark.parametrize("encoding", ["ascii", "latin-1"])


@encodings
@pytest.mark.parametrize("module", COMMANDS, ids=lambda module: module.__name__)
def test_help_in_any_encoding(module: Any, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams(monkeypatch, encoding)
    assert call_main(monkeypatch, "--help", module=module) == 0
    assert "python -m segkit" in streams.text


@pytest.mark.slow
@encodings
def test_results_in_any_encoding(
    run: Any, folder: Path, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = Streams(monkeypatch, encoding)
    monkeypatch.chdir(tmp_path)

    def call(module: Any, *given: str) -> str:
        before = len(streams.text)
        assert call_main(monkeypatch, *given, module=module) == 0, streams.text
        return streams.text[before:]

    cache = f"dataset.cache_dir={run.cwd / 'cache'}"
    said = call(check, "dataset.count=12", "dataset.image_size=64", "dataset.size=32", cache)
    times = "x" if streams.encoding == "ascii" else "×"
    assert f"64{times}64 (12)" in said
    assert " -m segkit.train dataset.count=12" in said
    said = call(evaluate, f"run={folder}", "trainer=cpu")
    assert "scored with" in said
    step = next(line for line in said.splitlines() if line.startswith("predict with it: "))
    given = pasted(step)
    assert "overlay=true" in given
    said = call(predict, *given)  # as pasted
    assert "1 predicted" in said
    assert (tmp_path / "outputs" / "predictions" / folder.name).is_dir()
    said = call(predict, *[each for each in given if each != "overlay=true"], "output=plain")
    step = next(line for line in said.splitlines() if line.startswith("draw them"))
    assert "1 predicted" in call(predict, *pasted(step))
    assert len(list((tmp_path / "plain").glob("*_overlay.jpg"))) == 1
    said = call(compare, f"runs=[{run.folder},{folder}]", "pictures=0")
    step = next(line for line in said.splitlines() if line.startswith("surface distances"))
    assert f"run={run.folder}" in step


@pytest.mark.slow
def test_without_utf8_and_without_a_home(run: Any, tmp_path: Path) -> None:
    """The whole way: the interpreter's own choice of encoding, and its children's."""
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    place = {"HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "segkit.check", "dataset.count=12", "dataset.image_size=64"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={**run.environment(), **plain, **place},
    )
    said = (done.stdout + done.stderr).decode("ascii")
    assert done.returncode == 0, said
    caches = tmp_path / f"segkit-{os.getuid()}" / ".cache"
    assert f"there is no home folder: caches are kept in {caches}" in said
    assert f"{caches}/segkit/phantoms/12x64-seed0" in said
    assert "64x64 (12)" in said
    assert (caches / "segkit" / "phantoms").is_dir()


def at_terminal(*command: str, columns: int, cwd: Path, env: dict[str, str]) -> tuple[int, bytes]:
    """What a command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=env)
    os.close(theirs)
    said = b""
    with suppress(OSError):  # how the end of a terminal is told
        while block := os.read(ours, 1 << 16):
            said += block
    os.close(ours)
    return child.wait(), said


@pytest.mark.slow
def test_a_training_at_a_terminal(run: Any, tmp_path: Path) -> None:
    """Eighty columns: what is done, a line an epoch, and how to go on."""
    given = [each for each in run.arguments() if "progress_bar" not in each]
    command = (sys.executable, "-m", "segkit.train", *given, "trainer.max_epochs=3")
    env = run.environment() | {"TERM": "xterm"}
    code, raw = at_terminal(*command, columns=80, cwd=tmp_path, env=env)
    said = raw.decode()
    assert code == 0, said
    assert "Epoch 2/2" in said  # the bar
    # What is drawn over is followed by no new line.
    lines = [line.rpartition("\r")[2] for line in SEQUENCES.sub(b"", raw).decode().split("\r\n")]
    for words in ("records in", "loading PyTorch", "building unet_classic", "data: phantom"):
        assert sum(words in line for line in lines) == 1
    epochs = [line.rstrip() for line in lines if line.startswith("epoch ")]
    assert [line.split()[1] for line in epochs] == ["0", "1", "2"]
    assert all(re.search(r"loss \d.*val/dice .*lr 0\.001  \d+\.\d s$", line) for line in epochs)
    assert max(map(len, epochs)) <= 80
    steps = lines[lines.index("Next steps:") + 1 :]
    printed = [line.strip() for line in steps if line.startswith("    ")]
    folder = next((tmp_path / "outputs").glob("*/*/*")).relative_to(tmp_path)
    assert any(f"segkit.evaluate run={folder}" in line for line in printed)
    assert any("--logdir" in line and str(folder) in line for line in printed)
    assert any("segkit.train dataset=folder dataset.root=mydata" in line for line in printed)
    (line,) = [line for line in printed if "segkit.predict" in line]
    done = subprocess.run(line, shell=True, cwd=tmp_path, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        len(list((tmp_path / "outputs" / "predictions" / folder.name).glob("*_overlay.jpg"))) == 1
    )
