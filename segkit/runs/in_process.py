"""A command's work within the user's own process, a notebook's perhaps, which is left as it was."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from typing import Any, TypeVar, cast

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobRuntime
from hydra.version import VersionBase
from omegaconf import DictConfig
from omegaconf.basecontainer import BaseContainer

from segkit.config.groups import composed
from segkit.core.environment import environment
from segkit.core.errors import SegkitError
from segkit.core.home import settle
from segkit.core.shell import command
from segkit.runs.call import Call, this_call
from segkit.runs.claim import remove_if_empty
from segkit.runs.cli import as_told, config_dir, in_hydras_words, in_the_way
from segkit.runs.keep_apart import Refused
from segkit.runs.launch import by_itself
from segkit.runs.random_numbers import random_numbers
from segkit.runs.resolvers import register
from segkit.runs.started import check_launch

T = TypeVar("T")
_HYDRAS = (GlobalHydra, HydraConfig, JobRuntime, VersionBase)


def perform(work: Callable[[DictConfig, Call], T], config_name: str, given: Sequence[str]) -> T:
    """Call a command's function as the command line does, but for the process around it.

    Args:
        work: takes the composed configuration, and how it was called.
        config_name: of the primary YAML file, and the command.
        given: ``key=value`` as on the command line.

    Raises:
        SegkitError: what the command would print.
        KeyboardInterrupt: a signal ended it.
    """
    done: list[T] = []
    failed: list[Exception] = []

    def job(config: DictConfig) -> None:
        call = this_call()
        try:
            with by_itself(config_name, call, called=True):
                check_launch(config, call)
                done.append(work(config, call))
        except Exception as error:  # which Hydra would tell of, too
            failed.append(error)
            if isinstance(error, SegkitError):
                remove_if_empty(call.output)

    def run() -> None:
        taken = _in_hydras_words(given, config_name)
        folder = str(config_dir())
        with initialize_config_dir(version_base="1.3", config_dir=folder, job_name=config_name):
            hydra: Any = GlobalHydra.instance().hydra
            try:
                hydra.run(config_name, job, taken, with_log_configuration=False)
            except Exception as error:
                raise in_the_way(error, config_name, begun=False) from error
        if failed:
            raise in_the_way(failed[0], config_name, begun=True)

    _guest(run, config_name, given)
    return done[0]


def compose(config_name: str, given: Sequence[str], use: Callable[[DictConfig], T]) -> T:
    """Call a function with a command's configuration; no folder is made.

    Args:
        config_name: of the primary YAML file.
        given: ``key=value`` as on the command line.
        use: takes the composed configuration.

    Raises:
        SegkitError: what the command would print.
    """

    def run() -> T:
        return use(composed(config_dir(), config_name, _in_hydras_words(given, config_name)))

    return _guest(run, config_name, given)


def _in_hydras_words(given: Sequence[str], config_name: str) -> list[str]:
    if isinstance(given, str) or not all(isinstance(each, str) for each in given):
        raise SegkitError(
            "a list of texts is needed here, each of them key=value",
            where=repr(given),
            remedy='such as ["seed=1", "model=unet_mnv2"]',
        )
    for each in given:
        if each.startswith(("-", "hydra.mode=", "hydra.sweep")):
            raise SegkitError(
                "a sweep, and whatever needs a flag, is for the command line",
                where=each,
                remedy="give key=value alone, once for each run; or in a terminal: "
                + command(config_name, *given),
            )
    return in_hydras_words(given, config_name)


def _guest(run: Callable[[], T], config_name: str, given: Sequence[str]) -> T:
    """Leave the process as it was, and raise what a user can mend as a SegkitError."""
    try:
        with _as_it_was():
            settle()
            register()
            # What is set in a copy of the context, such as the bound on images, ends with it.
            return copy_context().run(run)
    except Refused as refused:
        raise cast(SegkitError, refused.__cause__) from None
    except SystemExit as end:
        raise KeyboardInterrupt from end  # a signal has ended the training
    except Exception as error:
        with _as_it_was():  # it composes, to find what was meant
            told = as_told(error, config_name, given)
        if told is error:
            raise
        raise told from error


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Whatever training and Hydra change of the process is afterwards what it was before."""
    with ExitStack() as stack:
        stack.enter_context(environment())
        stack.enter_context(_own_hydra())
        stack.enter_context(_warnings_in_the_log())
        stack.enter_context(_signals())
        stack.enter_context(random_numbers())
        yield


@contextmanager
def _own_hydra() -> Iterator[None]:
    """The user may have Hydra at work himself, whose state is the process's."""
    instances, resolvers = Singleton._instances, dict(BaseContainer._resolvers)
    before: dict[type, Any] = {each: instances.pop(each) for each in _HYDRAS if each in instances}
    try:
        yield
    finally:
        for each in _HYDRAS:
            instances.pop(each, None)
        instances.update(before)
        BaseContainer._resolvers = resolvers


@contextmanager
def _warnings_in_the_log() -> Iterator[None]:
    if warnings.showwarning is getattr(logging, "_showwarning", None):
        yield  # the user has seen to it
        return
    with warnings.catch_warnings():
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)


@contextmanager
def _signals() -> Iterator[None]:
    """A training that fails leaves its answers to signals behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    try:
        yield
    finally:
        for number, answer in before.items():
            if answer is not None and signal.getsignal(number) is not answer:
                signal.signal(number, answer)
