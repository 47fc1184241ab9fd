"""A trained network from its run folder: configuration, weights, and nothing that runs code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.trust import check_folder_config
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.runs.build import build_network, build_reader

if TYPE_CHECKING:
    from segkit.models.network import SegmentationNetwork

_NETWORK = "network."  # what its weights are called by in a checkpoint
# Without these nothing can be rebuilt.
_NEEDED = ("threshold", "seed", "model", "dataset", "dataset.reader", "dataset.channels")


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run came to.

    Attributes:
        folder: the run's.
        config: as it was resolved when training began.
        classes: names, background first.
        network: raw pixels to logits, with the weights of the best epoch, on the CPU, in
            evaluation mode.
    """

    folder: RunFolder
    config: dict[str, Any]
    classes: tuple[str, ...]
    network: SegmentationNetwork


def read_run(
    path: str | Path, allow_targets: Sequence[str] = ()
) -> tuple[RunFolder, dict[str, Any]]:
    """Read a run's configuration, without importing torch.

    Args:
        path: of the run folder.
        allow_targets: further prefixes that a ``_target_`` of the run may start with; what the
            run itself allowed counts for nothing, since a folder may come from anyone.

    Raises:
        SegkitError: not a run folder, one without a best checkpoint, or a configuration that no
            run has.
    """
    folder = RunFolder(path)
    config = folder.read_config() | {"allow_targets": list(allow_targets)}
    config = check_folder_config(config, folder.config, allow_targets)
    _check_needed(config, folder.config)
    if not folder.best.is_file():
        raise SegkitError(
            "this run has no best checkpoint",
            where=str(folder.best),
            remedy="wait for its first epoch, or train again",
        )
    if "encoder_weights" in config["model"]:
        # Weights come from the checkpoint; nothing is fetched for them.
        config["model"]["encoder_weights"] = None
    return folder, config


def _check_needed(config: Mapping[str, Any], where: Path) -> None:
    def has(key: str) -> bool:
        parent, _, name = key.rpartition(".")
        node = config.get(parent) if parent else config
        return isinstance(node, Mapping) and name in node

    remedy = "name a folder that segkit.train wrote"
    if lacking := [key for key in _NEEDED if not has(key)]:
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


def rebuild(path: str | Path, allow_targets: Sequence[str] = ()) -> Trained:
    """Build a run's network and load its best weights.

    Args:
        path: of the run folder.
        allow_targets: as for :func:`read_run`.

    Raises:
        SegkitError: not a run, a checkpoint that is damaged or holds code, a ``_target_`` that is
            not allowed, or weights that do not fit the network.
    """
    folder, config = read_run(path, allow_targets)
    import torch

    classes = build_reader(config).classes
    # The weights that are drawn here are replaced; whoever calls this keeps his random numbers.
    with torch.random.fork_rng(devices=[]):
        network = build_network(config, classes)
    state = read_checkpoint(folder.best)["state_dict"]
    own = {k.removeprefix(_NETWORK): v for k, v in state.items() if k.startswith(_NETWORK)}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise SegkitError(
            "the weights do not fit the network that config.yaml describes",
            where=str(folder.best),
            remedy="restore the run's own config.yaml and checkpoint",
        ) from error
    return Trained(folder, config, classes, network.eval())


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
    except Exception as error:  # whatever a damaged or hostile file brings up
        cause: Exception | None = error
    else:
        cause = None
    raise SegkitError(
        "the checkpoint cannot be read: cut short, or not of tensors and plain containers alone",
        where=str(path),
        remedy="restore it, or train again; a file that holds code is never opened",
    ) from cause
