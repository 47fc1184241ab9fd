"""A run folder, opened: its configuration, its network, and nothing that runs code."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.pixel_rules import INTENSITY
from segkit.config.trust import check_folder_config
from segkit.config.values import own_prefixes
from segkit.core.errors import SegkitError
from segkit.core.first_process import is_first_process
from segkit.core.intensity import Intensity, intensity_of
from segkit.core.run_folder import RunFolder
from segkit.runs.build import build_network, build_reader, without_weights
from segkit.tasks.named import DEFAULT, build_task, task_kind

if TYPE_CHECKING:
    from segkit.models.network import SegmentationNetwork
    from segkit.tasks.base import Task

_NETWORK = "network."  # what its weights are called by in a checkpoint
# Without these nothing can be rebuilt.
_NEEDED = ("seed", "model", "dataset", "dataset.reader", "dataset.channels")


@dataclass(frozen=True, eq=False)
class SavedRun:
    """A run folder that was opened: read and found fit once, then handed on.

    Attributes:
        folder: the run's.
        config: as it was resolved when training began; what the run itself allowed counts for
            nothing, since a folder may come from anyone.
    """

    folder: RunFolder
    config: dict[str, Any]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names, background first.

        Raises:
            SegkitError: the reader's ``_target_`` is not allowed, or is no reader.
        """
        # Nothing is read here: the bound on images that it sets is none of the caller's.
        return copy_context().run(build_reader, self.config).classes

    @property
    def intensity(self) -> Intensity:
        """How stored values become 0…255."""
        return intensity_of(self.config["dataset"])

    @property
    def depths(self) -> tuple[str, ...]:
        """Types that the run's images are stored in; none where it does not tell."""
        found = self._data.get("depths")
        return tuple(filter(None, found)) if isinstance(found, Mapping) else ()

    @property
    def sequences(self) -> int:
        """Files that each of its images was in; 0 where it does not tell."""
        found = self._data.get("sequences")
        return found if isinstance(found, int) else 0

    @property
    def _data(self) -> Mapping[str, Any]:
        found = self.folder.read_summary().get("data")
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def task(self) -> Task:
        """What was learnt, with the decoder's settings as training found them.

        Raises:
            SegkitError: settings that no run has.
        """
        task = self.task_of(self.classes)
        lacking = [key for key in task.auto if self._found.get(key) is None]
        if lacking and is_first_process():
            instead = " ".join(f"{key}={task.settings[key]}" for key in lacking)
            print(
                f"warning: {self.folder.summary}: it does not tell what the decoder was fitted to; "
                f"{instead} is fitted to nothing: restore the file, or let training end",
                file=sys.stderr,
            )
        return task

    def task_of(self, classes: Sequence[str]) -> Task:
        """The same, of classes that are known: names, background first."""
        task = build_task(self.config, classes)
        if not task.auto:
            return task
        try:
            return task.with_settings(self._found)
        except SegkitError as error:
            raise SegkitError(
                error.what,
                where=f"{self.folder.summary}, decoder: {error.where}",
                remedy="restore the file as training wrote it",
            ) from error

    @cached_property
    def _found(self) -> Mapping[str, Any]:
        """Settings of the decoder, as training found them; none where nothing tells them."""
        found = self.folder.read_summary().get("decoder")
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def network(self) -> SegmentationNetwork:
        """Raw pixels to logits, with the weights of the best epoch; built when first asked for.

        It is on the CPU, in evaluation mode.

        Raises:
            SegkitError: a checkpoint that is damaged or holds code, a ``_target_`` that is not
                allowed, or weights that do not fit the network.
        """
        import torch

        # The weights that are drawn here are replaced; whoever asks keeps his random numbers.
        with torch.random.fork_rng(devices=[]):
            network = build_network(self.config, self.task)
        state = read_checkpoint(self.folder.best)["state_dict"]
        own = {k.removeprefix(_NETWORK): v for k, v in state.items() if k.startswith(_NETWORK)}
        try:
            network.load_state_dict(own)
        except RuntimeError as error:
            raise SegkitError(
                "the weights do not fit the network that config.yaml describes",
                where=str(self.folder.best),
                remedy="restore the run's own config.yaml and checkpoint",
            ) from error
        return network.eval()


def open_run(path: str | Path, allow_targets: Sequence[str] = ()) -> SavedRun:
    """Open a run folder: read its configuration and check it, without importing torch.

    Args:
        path: of the run folder.
        allow_targets: further prefixes that a ``_target_`` of the run may start with.

    Raises:
        SegkitError: not a run folder, one without a best checkpoint, a configuration that no run
            has, or prefixes that are not listed.
    """
    own = own_prefixes(allow_targets)
    folder = RunFolder(path)
    config = folder.read_config() | {"allow_targets": list(own)}
    config = check_folder_config(config, folder.config, own)
    if (dataset := config.get("dataset")) and "intensity" in dataset:
        INTENSITY.check("dataset.intensity", dataset["intensity"], source=str(folder.config))
    config.setdefault("task", DEFAULT)
    _check_needed(config, folder.config)
    if not folder.best.is_file():
        raise SegkitError(
            "this run has no best checkpoint",
            where=str(folder.best),
            remedy="wait for its first epoch, or train again",
        )
    return SavedRun(folder, dict(without_weights(config)))


def split_as_saved(config: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """The configuration with records grouped and divided as a run's ``split.csv`` says."""
    dataset = config["dataset"]
    # It is what it is, also where a group has become larger since: a field of view, not its tile.
    split = {**dataset["split"], "file": str(file), "group_by": "image"}
    return {**config, "dataset": {**dataset, "split": split}}


def _check_needed(config: Mapping[str, Any], where: Path) -> None:
    def has(key: str) -> bool:
        parent, _, name = key.rpartition(".")
        node = config.get(parent) if parent else config
        return isinstance(node, Mapping) and name in node

    remedy = "name a folder that segkit.train wrote"
    # A setting that came later has a default.
    first = task_kind(config).keys[:1]
    if lacking := [key for key in (*first, *_NEEDED) if not has(key)]:
        raise SegkitError(
            f"not the configuration of a run: {', '.join(lacking)} is missing",
            where=str(where),
            remedy=remedy,
        )
    for key, node in (("model", config["model"]), ("dataset.reader", config["dataset"]["reader"])):
        # Anything but an object of a class could not be worked with.
        if not isinstance(node, Mapping) or "_target_" not in node or node.get("_partial_"):
            raise SegkitError(
                f"{key} names nothing that could be built", where=f"{where}, {key}", remedy=remedy
            )


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of segkit.train; nothing but tensors and plain containers is unpickled.

    Raises:
        SegkitError: damaged, or something else.
    """
    import torch

    try:
        checkpoint: Any = torch.load(path, map_location="cpu", weights_only=True)
        state = checkpoint["state_dict"]
        named = isinstance(state, dict) and all(isinstance(key, str) for key in state)
        if named and all(isinstance(value, torch.Tensor) for value in state.values()):
            return dict(checkpoint)
    except Exception as error:  # whatever a damaged or hostile file raises
        cause: Exception | None = error
    else:
        cause = None
    raise SegkitError(
        "the checkpoint cannot be read: cut short, or not of tensors and plain containers alone",
        where=str(path),
        remedy="restore it, or train again; a file that holds code is never opened",
    ) from cause
