"""Processes that train together end together: with a word why, and none left behind.

Every command reads this before it knows what it is to do: nothing slow is imported.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from segkit.config.plain import unresolved
from segkit.core.environment import environment
from segkit.core.quoting import escaped, quoted
from segkit.runs.call import Call
from segkit.runs.started import process_name

log = logging.getLogger(__name__)

PATIENCE = 15.0  # seconds in which a process may end by itself, before it is ended
# The Trainer's thread in the first process: it looks every five seconds whether another has died,
# writes to this log, and kills them all.
_OBSERVER = "child-process-observer"
_ITS_LOG = "lightning.fabric.strategies.launchers.subprocess_script"
_MARK = "hydra.job.name=train_ddp_process_"  # among the arguments of those that the Trainer starts
_PARENT = "SEGKIT_PARENT"  # names the process that started them


@contextmanager
def by_itself(command: str, call: Call, *, called: bool = False) -> Iterator[None]:
    """Let a job of a sweep, or of a Python session, run as if it had been started alone.

    The processes of a distributed training are started with this one's arguments; with those of
    the sweep each would start a sweep of its own, and with those of the session the session once
    more. And what they leave in this process, the next job would take for processes that wait for
    it.

    Args:
        command: module below segkit that those processes run.
        call: of this job.
        called: whether a Python session has called it.
    """
    main: Any = sys.modules["__main__"]
    arguments, spec = sys.argv, getattr(main, "__spec__", None)
    _tell_trainer(call.output)
    if call.multirun or called:
        sys.argv = [*(arguments or [""])[:1], *call.search_path, *call.overrides]
        # A launcher runs jobs in processes whose own main module is not this command.
        main.__spec__ = find_spec(f"segkit.{command}")
    try:
        with environment(**{_PARENT: str(os.getpid())}), _queued_again_in_order():
            yield
    except Exception as error:
        _leave_group()
        for told in _end_children():
            error.add_note(told)
        raise
    finally:
        sys.argv, main.__spec__ = arguments, spec
        _leave_group()
        _end_children()


@contextmanager
def _queued_again_in_order() -> Iterator[None]:
    """Let nothing count that comes after submitit has put this job into Slurm's queue again.

    Slurm then ends all processes of the job: a loader's, or one that trains with this one, would
    be an error, and that the job's result.
    """
    queue_again = signal.getsignal(signal.SIGUSR2)
    if not callable(queue_again) or threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(number: int, frame: Any) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # by which torch learns of its loaders
        try:
            queue_again(number, frame)
        except SystemExit:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)

    signal.signal(signal.SIGUSR2, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR2, queue_again)


def _tell_trainer(output: Path) -> None:
    """Give it this job's folder, which it looks up in Hydra's own configuration and nowhere else.

    It writes the one name between double quotes, and starts its processes in the other.
    """
    hydra_config: Any = HydraConfig.get()
    OmegaConf.set_readonly(hydra_config, False)
    hydra_config.run.dir = escaped(quoted(escaped(str(output)), '"')[1:-1])
    hydra_config.runtime.cwd = escaped(unresolved(hydra_config.runtime)["cwd"])


def _leave_group() -> None:
    """Close the connections, so that a process that waits for this one learns that it has gone."""
    distributed: Any = sys.modules.get("torch.distributed")
    if distributed and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _end_children() -> list[str]:
    """Wait for the processes that the Trainer started, and end those that stay.

    Returns:
        How each ended that did not end well, in words.
    """
    ends = []
    deadline = time.monotonic() + PATIENCE
    for number, child in enumerate(_taken_from_observers(), start=1):
        try:
            code = child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            continue
        if code:
            ends.append(_ended(number, code))
    return ends


def _taken_from_observers() -> list["subprocess.Popen[bytes]"]:
    """What the Trainer's threads look after; without it they end."""
    taken = []
    for thread in threading.enumerate():
        if thread.name == _OBSERVER:
            children = getattr(thread, "_child_processes", [])
            taken += list(children)
            children.clear()
    return taken


def _ended(number: int, code: int) -> str:
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"process {number} {how}"


class _Reprieve(logging.Handler):
    """Lets the first process end in order when another has died, before the Trainer kills it.

    It runs in the thread that is about to do so.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Wait for the job's end; where there is none, say why the process will be killed."""
        del record
        children: Sequence[Any] = getattr(threading.current_thread(), "_child_processes", ())
        codes = [child.returncode for child in children]
        deadline = time.monotonic() + PATIENCE
        while children and time.monotonic() < deadline:
            time.sleep(0.1)
        if not children:
            raise SystemExit  # of this thread alone
        died = [_ended(number, code) for number, code in enumerate(codes, start=1) if code]
        log.error("%s; the others, which wait for it, are killed", ", ".join(died))


def watch() -> None:
    """See to it that none of several processes outlives the others."""
    trainers = logging.getLogger(_ITS_LOG)
    trainers.handlers = [_Reprieve()]
    trainers.setLevel(logging.INFO)
    trainers.propagate = False  # whatever it says, it says in its own words
    if any(argument.startswith(_MARK) for argument in sys.argv):
        parent = int(os.environ.get(_PARENT, os.getppid()))
    elif "TORCHELASTIC_RUN_ID" in os.environ:
        parent = os.getppid()
    else:
        return
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    print(f"{process_name() or 'process 0'}: what started it has ended", file=sys.stderr)
    os._exit(1)  # the main thread may wait for the others for half an hour
