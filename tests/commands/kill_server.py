"""Starts trainings without paying for the imports each time: forks one for each line it is given.

Run as a script. A line of standard input is a JSON list: the folder of the log, then the
command's arguments. The answer is the process id, and when the process has ended, its exit code.
"""

import contextlib
import json
import os
import sys
import traceback
from pathlib import Path

import torch

from segkit import train
from segkit.evaluation.report import report_or_warn  # noqa: F401

# What a training imports once its data is found.
from segkit.training.batch_size import fit_batch  # noqa: F401
from segkit.training.fit import fit  # noqa: F401


def start(log: str, arguments: list[str]) -> int:
    """Fork a training into a process group of its own, which can be killed with its workers."""
    child = os.fork()
    if child:
        with contextlib.suppress(OSError):  # it may have ended
            os.setpgid(child, child)  # on both sides: the group is there before its id is told
        return child
    os.setpgid(0, 0)
    with Path(log).open("a") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    sys.argv = ["segkit.train", *arguments]
    code = 1
    try:
        train.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until the input ends."""
    torch.set_num_threads(1)
    print("ready", flush=True)
    for line in sys.stdin:
        log, *arguments = json.loads(line)
        child = start(log, arguments)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
