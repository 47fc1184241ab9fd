"""One trial: a training in a process of its own, and its result.

A process of its own: a training that crashes, or is killed for want of memory, ends its trial and
not the study; whatever ``segkit.train`` takes works here too (other processes on other GPUs
included); and nothing of one trial is left in the memory of the next.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from segkit.core.errors import SegkitError
from segkit.core.quoting import written
from segkit.core.run_folder import RunFolder

PATIENCE = 120.0  # seconds in which a training that was asked to end may finish its step

_ERROR = re.compile(r"^error[^\n:]*: (.*?)\n  where: (.*?)\n  fix: ", re.MULTILINE | re.DOTALL)


class TrialFailed(Exception):  # noqa: N818  # the study continues
    """A training ended without a score; the message is the reason, on one line."""


def trial_arguments(
    values: Sequence[str],
    folder: Path,
    pruning: Mapping[str, str | int],
    *,
    given: Sequence[str],
    search_path: Sequence[str],
) -> list[str]:
    """The arguments of ``segkit.train`` that make a training a trial.

    Args:
        values: those drawn, as overrides; they come after the user's own.
        folder: the run folder.
        pruning: arguments of :class:`segkit.search.pruning.Pruning`, its ``monitor`` apart.
        given: the user's own overrides.
        search_path: where the user's own configuration lies.
    """
    node = ", ".join(f"{key}: {written(value)}" for key, value in pruning.items())
    return [
        *search_path,
        *given,
        *values,
        "++callbacks.pruning={_target_: segkit.search.pruning.Pruning, "
        f"monitor: '${{monitor}}', {node}}}",
        f"hydra.run.dir={written(str(folder))}",
    ]


def train_in_process(arguments: Sequence[str], said: Path, environment: Mapping[str, str]) -> int:
    """Run ``segkit.train``; its exit code.

    Args:
        arguments: of the command.
        said: what it says to a terminal goes into this file.
        environment: added to this process's own.

    Raises:
        KeyboardInterrupt: this process was asked to end; the training has ended, too.
        SegkitError: the file cannot be written.
    """
    try:
        handle = said.open("w", encoding="utf-8")
    except OSError as error:
        raise SegkitError(
            f"the sweep folder cannot be written: {error.strerror}",
            where=str(said.parent),
            remedy="name a folder that you may write to: hydra.run.dir=PATH",
        ) from error
    with handle:
        child = subprocess.Popen(  # noqa: S603  # no shell, and the arguments are ours
            [sys.executable, "-m", "segkit.train", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        try:
            return child.wait()
        finally:
            _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Let a training that still runs write its checkpoint; asked a second time, do not wait."""
    if child.poll() is not None:
        return
    try:
        # From a terminal it has had Ctrl-C too; a second one would stop it in the middle of a step.
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        child.wait()


def score(folder: Path, code: int, said: Path) -> float:
    """The best score of a training that has ended.

    Raises:
        TrialFailed: it did not end well, or never had a score.
    """
    if code:
        raise TrialFailed(reason(code, said.read_text(encoding="utf-8", errors="replace")))
    best = RunFolder(folder).read_summary().get("best_score")
    if not isinstance(best, int | float):
        raise TrialFailed("no epoch had a score")
    return float(best)


def reason(code: int, text: str) -> str:
    """Why a training ended, on one line, from its exit code and what it said."""
    if code < 0:
        name = signal.Signals(-code).name
        why = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"killed by {name}{why}"
    if code > 128 and code - 128 in {number.value for number in signal.Signals}:
        return f"stopped by {signal.Signals(code - 128).name}"
    if told := _ERROR.findall(text):
        return " ".join(f"{told[-1][0]} ({told[-1][1]})".split())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"exit code {code}: {lines[-1]}" if lines else f"exit code {code}"
