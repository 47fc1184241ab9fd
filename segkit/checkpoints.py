"""How checkpoints reach the disk: whole or not at all, wherever the run folder lies or moves to."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from segkit.files import atomic_path

# What Lightning's ModelCheckpoint remembers as absolute names.
_PATHS = ("best_model_path", "last_model_path", "kth_best_model_path")


class RunCheckpoints(TorchCheckpointIO):
    """Lightning's own files, renamed into place on the same file system.

    Lightning writes to the system's folder of temporary files first; where that is another file
    system, moving the file is a copy, which a killed run leaves cut short.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,
    ) -> None:
        """Write ``checkpoint``; ``path`` holds the old one until the new one is complete.

        Raises:
            SegkitError: the folder cannot be written to.
        """
        del storage_options
        with atomic_path(path) as temporary:
            torch.save(checkpoint, temporary)

    def load_checkpoint(self, path: str | Path, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read a checkpoint; the files that it names are sought beside it, as in a moved run."""
        checkpoint: dict[str, Any] = super().load_checkpoint(path, *args, **kwargs)
        folder = Path(path).absolute().parent
        for state in checkpoint.get("callbacks", {}).values():
            if "best_model_path" in state:
                _move(state, folder)
        return checkpoint


def _move(state: dict[str, Any], folder: Path) -> None:
    def moved(name: str) -> str:
        return str(folder / Path(name).name) if name else name

    state["dirpath"] = str(folder)
    state |= {key: moved(state[key]) for key in _PATHS if key in state}
    state["best_k_models"] = {moved(k): v for k, v in state.get("best_k_models", {}).items()}
