"""What all trackers have in common: an id that outlives the process, and patience."""

import json
import logging
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from lightning.pytorch.loggers import Logger

from segkit.core.files import write_text

log = logging.getLogger("segkit")

IDS = "trackers.json"
WANDB = "wandb"  # the folder in which it keeps files of its own
# Seconds until one that is away is asked again: each try waits for an answer, and the run with it.
_PAUSE = 300.0


class RunLogger(Logger):
    """A logger that also shows the configuration, and pictures of epochs.

    Attributes:
        anew: whether a run that is resumed is a new one to it.
    """

    anew = False

    @abstractmethod
    def log_configuration(
        self, text: str, parameters: Mapping[str, str | float], metrics: Sequence[str]
    ) -> None:
        """Show what is being run.

        Args:
            text: the configuration as YAML.
            parameters: hyper-parameters, flat.
            metrics: scalars that runs are compared by.
        """

    @abstractmethod
    def log_picture(self, name: str, png: bytes, epoch: int) -> None:
        """Show an RGB picture at its epoch, from the bytes of its file."""

    def close(self) -> None:
        """End what the training has told; the same process may begin another."""


class Outbox:
    """What a tracker is still to be told; one that is away costs a warning, never the run.

    Args:
        tracker: its name and place, for the messages.
        answers: whether it can be reached; what it refuses all the same is dropped.
    """

    def __init__(self, tracker: str, answers: Callable[[], object]) -> None:
        self.tracker = tracker
        self._answers = answers
        self._waiting: deque[Callable[[], object]] = deque()
        self._away = False
        self._again = 0.0

    def send(self, call: Callable[[], object]) -> None:
        """Do it, after what is still waiting; or later."""
        self._waiting.append(call)
        self.flush()

    def flush(self) -> None:
        """Try what is waiting; while the tracker is away, not each time."""
        if self._away and (monotonic() < self._again or self._is_away()):
            return
        while self._waiting:
            call = self._waiting.popleft()  # which may send something in turn
            try:
                call()
            except Exception as error:  # of any of the tracker's libraries
                said = " ".join(str(error).split())[:300]
                if self._is_away():
                    if not self._away:
                        log.warning(
                            "%s does not answer, and is told later; the run goes on: %s",
                            self.tracker,
                            said,
                        )
                    self._away = True
                    self._waiting.appendleft(call)
                    return
                log.warning("%s refuses something: %s", self.tracker, said)
            if self._away:
                log.warning("%s answers again", self.tracker)
            self._away = False

    def close(self) -> None:
        """Try once more, at once; say what it will never know."""
        self._again = 0.0
        self.flush()
        if self._waiting:
            count = len(self._waiting)
            log.warning("%s was not told %d things; the run folder has all", self.tracker, count)
            self._waiting.clear()

    def _is_away(self) -> bool:
        try:
            self._answers()
        except Exception:  # of any of the tracker's libraries
            self._again = monotonic() + _PAUSE
            return True
        return False


def known_id(folder: Path, tracker: str) -> str | None:
    """Under which id a tracker knows the run in this folder; None where it does not.

    Args:
        folder: of the run.
        tracker: its name, and its address where there are several of that name.
    """
    return known_ids(folder).get(tracker)


def keep_id(folder: Path, tracker: str, run_id: str) -> None:
    """Write it down for a resume."""
    write_text(folder / IDS, json.dumps({**known_ids(folder), tracker: run_id}, indent=2) + "\n")


def known_ids(folder: Path) -> dict[str, str]:
    """By tracker."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / IDS).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {str(key): str(value) for key, value in found.items()}
    return {}


def run_name(folder: Path) -> str:
    """How a run is called among others: its folder, and the one that it lies in."""
    return "/".join(folder.parts[-2:])
