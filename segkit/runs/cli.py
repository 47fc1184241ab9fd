"""How a command runs: Hydra composes, mistakes become a message of three parts and exit code 2."""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, cast

import hydra
from hydra._internal.hydra import Hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from segkit.config.command_help import help_text
from segkit.config.hydra_errors import explain
from segkit.config.literal import ROOT, own_data, take_literally
from segkit.config.spelling import check_spelling
from segkit.core.errors import SegkitError
from segkit.core.files import NO_ROOM, CannotWriteError
from segkit.core.first_process import is_first_process
from segkit.core.home import settle
from segkit.core.streams import speak_plainly
from segkit.runs.call import Call, this_call
from segkit.runs.claim import remove_if_empty
from segkit.runs.jobs import RememberSweep, record_failure, show_jobs
from segkit.runs.keep_apart import Refused
from segkit.runs.launch import by_itself, watch
from segkit.runs.lost import lost_another
from segkit.runs.resolvers import register
from segkit.runs.started import check_launch, process_name

_SWEEPING = ("-m", "--multirun", "hydra.mode=MULTIRUN")
_CONFIG = ("--config-dir", "--config-name", "--config-path", "-cd", "-cn", "-cp")
_MODE = ("hydra.mode=", "hydra.searchpath=")
_FLAG = re.compile(r"-m|--multirun|--[a-z-]+=.*", re.DOTALL)  # whose value is not behind it
Command = Callable[[DictConfig, Call], Any]


def config_dir() -> Path:
    """The folder of YAML files: in the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def say(words: str) -> None:
    """Say on stderr what is being done, before something that takes its time; one process does."""
    if is_first_process():
        print(words, file=sys.stderr, flush=True)


def run(command: Command, config_name: str) -> None:
    """Run a command as a Hydra application; of a mistake, end the process.

    Args:
        command: takes the composed configuration, and how it was called. False ends the process,
            after the other jobs of a sweep, with exit code 1.
        config_name: of the primary YAML file.
    """
    speak_plainly()
    settle()
    register()
    # Hydra then hands every exception on, instead of printing it in a form of its own.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv[1:] = _command_line(sys.argv[1:], config_name)
    watch()
    RememberSweep.folder = None
    begun, verdicts = False, list[Any]()

    def job(config: DictConfig) -> Any:
        nonlocal begun
        begun = True
        speak_plainly()  # a launcher runs jobs in processes that have come no other way
        call = this_call()
        try:
            with by_itself(config_name, call):
                check_launch(config, call)
                verdicts.append(command(config, call))
                return verdicts[-1]
        except Exception as error:
            _leave_no_trace(error, call)
            told = isinstance(error, SegkitError | OmegaConfBaseException) or lost_another(error)
            if told and not call.multirun:
                _fail(error, config_name)
            # One job of a sweep: the others still run, and then the sweep fails.
            raise

    application = hydra.main(
        version_base="1.3", config_path=str(config_dir()), config_name=config_name
    )
    try:
        with _tidy_end(), _composed_once(sys.argv[1:]):
            application(job)()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None  # as the shell counts Ctrl-C
    except BrokenPipeError:
        # Whoever read our words (head, a pager) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None  # as the shell counts SIGPIPE
    except Refused as refused:
        _fail(cast(Exception, refused.__cause__), config_name)
    except Exception as error:
        _fail(in_the_way(error, config_name, begun=begun), config_name)
    finally:
        if RememberSweep.folder is not None and RememberSweep.folder.is_dir():
            show_jobs(RememberSweep.folder)
    if any(verdict is False for verdict in verdicts):
        raise SystemExit(1)


@contextmanager
def _tidy_end() -> Iterator[None]:
    """Let SIGTERM end the process as an exception does: what is unfinished is removed.

    What is ignored (nohup) or heard by someone else stays so.
    """

    def end(number: int, frame: object) -> NoReturn:
        del frame
        raise SystemExit(128 + number)  # as a shell counts signals

    heard = threading.current_thread() is not threading.main_thread()
    if heard or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _command_line(given: Sequence[str], command: str) -> list[str]:
    """The command line as Hydra takes it; ends with the help where it is asked for."""
    if {"--help", "-h"} & {*given} and not any(flag.startswith(_CONFIG) for flag in given):
        print(help_text(config_dir(), command))
        raise SystemExit(0)
    try:
        return in_hydras_words(given, command)
    except SegkitError as error:
        _fail(error, command)


def in_hydras_words(given: Sequence[str], command: str) -> list[str]:
    """Arguments of a command as Hydra takes them.

    Raises:
        SegkitError: words that are no arguments, or several paths where one is needed.
    """
    check_spelling(given, config_dir(), command)
    taken = take_literally(given, command, sweeping=bool({*given} & {*_SWEEPING}))
    if implied := own_data(given, command):
        say(f"{implied}: images of your own, since dataset.root= came without dataset=")
        # Beside the other, since the words behind a flag may be its value.
        root = next(i for i, each in enumerate(taken) if each.lstrip("+").startswith(ROOT))
        taken.insert(root, implied)
    # The parser beneath Hydra takes flags only before or after all keys, not among them.
    return sorted(taken, key=lambda each: not _FLAG.fullmatch(each))


@contextmanager
def _composed_once(given: Sequence[str]) -> Iterator[None]:
    """Spare Hydra its first composition, a third of all CPU time before a mistake is reported.

    It only looks for ``hydra.mode``, which none of segkit's own files sets; the user's may.
    """
    look = Hydra.get_mode
    if not any(each.lstrip("+").startswith((*_CONFIG, *_MODE)) for each in given):
        setattr(Hydra, "get_mode", lambda *_, **__: None)  # noqa: B010
    try:
        yield
    finally:
        setattr(Hydra, "get_mode", look)  # noqa: B010


def _leave_no_trace(error: Exception, call: Call) -> None:
    """Of a run that never began; a job of a sweep leaves word why it failed."""
    if not is_first_process():
        return
    if call.multirun:
        record_failure(call.output, error)
    elif isinstance(error, SegkitError | OmegaConfBaseException):
        remove_if_empty(call.output)


def as_told(error: Exception, config_name: str, given: Sequence[str]) -> Exception:
    """A SegkitError where the user can mend it; else the error itself."""
    told = error
    if not isinstance(error, SegkitError):
        told = explain(error, config_dir(), config_name, given) or error
    if isinstance(told, CannotWriteError):
        return SegkitError(told.what, where=told.where, remedy=_elsewhere(config_name))
    return told


def _fail(error: Exception, config_name: str) -> NoReturn:
    """End with a message where the user can mend it; anything else keeps its traceback."""
    told = as_told(error, config_name, sys.argv[1:])
    which = f" in {process_name()}" if process_name() else ""
    if isinstance(told, SegkitError):
        print(f"error{which}: {told}", file=sys.stderr)
        raise SystemExit(2)
    if lost := lost_another(error):
        print(f"error{which}: {lost}", file=sys.stderr)
        raise SystemExit(1)
    if which:
        print(f"error{which}:", file=sys.stderr)
    raise error


def _elsewhere(config_name: str) -> str:
    """What to do where a command cannot write, by the key that it has for it."""
    if config_name == "evaluate":  # which writes into the run that it scores
        return "make room, or copy the run to where you may write (cp -r) and name it: run=COPY"
    key = "output" if config_name in ("export", "compare", "predict") else "hydra.run.dir"
    return f"make room, or name a folder that you may write to: {key}=PATH"


def in_the_way(error: Exception, config_name: str, *, begun: bool) -> Exception:
    """Hydra makes the folder before it starts the job; and a disk may fill up at any time."""
    # Hydra's own MissingConfigException is an OSError too.
    if not isinstance(error, OSError) or isinstance(error, HydraException):
        return error
    if begun and error.errno not in NO_ROOM:
        return error
    return SegkitError(
        f"the run folder cannot be written: {getattr(error, 'strerror', None) or error}",
        where=str(getattr(error, "filename", None) or Path.cwd()),
        remedy=_elsewhere(config_name),
    )
