"""How checkpoints reach the disk: whole or not at all, wherever the run folder lies or moves to."""

import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.loggers import Logger

from segkit.core.errors import SegkitError
from segkit.core.files import atomic_path
from segkit.core.run_folder import LAST, PREVIOUS, RunFolder
from segkit.core.shell import argument
from segkit.training.event_files import event_sizes

# What Lightning's ModelCheckpoint remembers as absolute names.
_PATHS = ("best_model_path", "last_model_path", "kth_best_model_path")


class RunCheckpoints(TorchCheckpointIO):
    """Lightning's own files, renamed into place on the same file system.

    Lightning writes to the system's folder of temporary files first; where that is another file
    system, moving the file is a copy, which a killed run leaves cut short.

    Args:
        run_dir: the run folder.

    Attributes:
        loggers: of the Trainer, which is built later; ``last.ckpt`` remembers how far they were.
    """

    def __init__(self, run_dir: str | Path) -> None:
        super().__init__()
        self._run = RunFolder(run_dir)
        self.loggers: Sequence[Logger] = ()

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,
    ) -> None:
        """Write ``checkpoint``; ``path`` holds the old one until the new one is complete.

        The ``last.ckpt`` before is kept as ``previous.ckpt``, should a disk spoil the new one.

        Raises:
            SegkitError: the folder cannot be written to, or the disk is full.
        """
        del storage_options
        target = Path(path)
        try:
            if target.name == LAST:
                checkpoint = {**checkpoint, "events": event_sizes(self._run, self.loggers)}
            with atomic_path(target) as temporary:
                torch.save(checkpoint, temporary)
                if target.name == LAST and target.exists():
                    _keep(target)
        except (
            OSError,
            RuntimeError,
        ) as error:  # torch's writer tells of a full disk by the latter
            raise SegkitError(
                f"the checkpoint could not be written ({_reason(error)}); what was there is as "
                "it was",
                where=str(target),
                remedy="make room on this disk, or give back the right to write; then resume with "
                + argument("resume", target.parent.parent),
            ) from error

    def load_checkpoint(self, path: str | Path, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read a checkpoint; the files that it names are sought beside it, as in a moved run."""
        checkpoint: dict[str, Any] = super().load_checkpoint(path, *args, **kwargs)
        # As Lightning names it: of another name it would take nothing over.
        folder = Path(os.path.realpath(path)).parent
        for state in checkpoint.get("callbacks", {}).values():
            if "best_model_path" in state:
                _move(state, folder)
        return checkpoint


class Position(NamedTuple):
    """Where a training resumes.

    Attributes:
        checkpoint: to resume from.
        epoch: the next one, or the one to resume.
        batch: of that epoch that comes next; 0 is its beginning.
        world_size: of the processes that took part.
        events: bytes of each of TensorBoard's files; None in checkpoints of
            version 0.2 and earlier.
    """

    checkpoint: Path
    epoch: int
    batch: int
    world_size: int
    events: dict[str, int] | None


def position(folder: Path) -> tuple[Position | None, list[str]]:
    """The newest checkpoint in ``folder`` to resume from, and why newer ones are not.

    Args:
        folder: that holds ``last.ckpt`` and ``previous.ckpt``.

    Returns:
        None where no checkpoint is whole; and a sentence on each that is damaged.
    """
    damaged: list[str] = []
    for name in (LAST, PREVIOUS):
        path = folder / name
        if not path.is_file():
            continue
        try:
            return _read_position(path), damaged
        except Exception as error:  # whatever a damaged archive makes its readers stumble over
            damaged.append(f"{name} is damaged ({_reason(error)})")
    return None, damaged


def _read_position(path: Path) -> Position:
    with zipfile.ZipFile(path) as archive:
        spoilt = archive.testzip()  # torch checks no sums when it maps a file
    if spoilt:
        raise ValueError(f"{Path(spoilt).name} in it has another checksum than was written")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    loops = saved["loops"]["fit_loop"]
    epochs = loops["epoch_progress"]["current"]
    within = epochs["ready"] > epochs["processed"]  # an epoch was begun that is not done
    batches = loops["epoch_loop.batch_progress"]["current"]["ready"]
    losses_WN = (saved.get("epoch_so_far") or {}).get("losses", ())
    return Position(
        path,
        epoch=int(epochs["processed"]),
        batch=int(batches) if within else 0,
        world_size=max(1, len(losses_WN)),
        events=_sizes(saved.get("events")),
    )


def _keep(last: Path) -> None:
    """Give what ``last`` holds a second name, which stays when ``last`` is replaced."""
    second = last.with_name(f".{PREVIOUS}")
    with suppress(OSError):  # a file system without hard links keeps no second one
        second.unlink(missing_ok=True)
        second.hardlink_to(last)
        second.replace(last.with_name(PREVIOUS))


def _reason(error: Exception) -> str:
    own = error.what if isinstance(error, SegkitError) else getattr(error, "strerror", None)
    told = own or " ".join(str(error).split())
    return told[:100] or type(error).__name__


def _move(state: dict[str, Any], folder: Path) -> None:
    def moved(name: str) -> str:
        return str(folder / Path(name).name) if name else name

    state["dirpath"] = str(folder)
    state |= {key: moved(state[key]) for key in _PATHS if key in state}
    state["best_k_models"] = {moved(k): v for k, v in state.get("best_k_models", {}).items()}


def _sizes(found: Any) -> dict[str, int] | None:
    if found is None:
        return None
    sizes = {str(name): int(size) for name, size in dict(found).items()}
    if any(size < 0 for size in sizes.values()):
        raise ValueError("files of negative length")
    return sizes
