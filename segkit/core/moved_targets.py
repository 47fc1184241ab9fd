"""Where the classes and functions that saved runs name have gone since.

A run folder outlives the layout of the package: its ``config.yaml`` holds each ``_target_`` by the
name it had when the run was trained.
"""

from typing import Any

# Beginnings of names, the longer before the shorter: the first that fits is replaced.
_MOVED = {
    # The same, but for objects; and it takes up what a checkpoint holds of the other.
    "lightning.pytorch.callbacks.EarlyStopping": (
        "segkit.training.callbacks.early_stopping.EarlyStopping"
    ),
    "segkit.callbacks.pruning.": "segkit.search.pruning.",
    "segkit.callbacks.": "segkit.training.callbacks.",
    "segkit.data.chest_xray.": "segkit.data.readers.chest_xray.",
    "segkit.data.deepcell.": "segkit.data.readers.deepcell.",
    "segkit.data.dsb2018.": "segkit.data.readers.dsb2018.",
    "segkit.data.folder.": "segkit.data.readers.folder.",
    "segkit.data.lgg_mri.": "segkit.data.readers.lgg_mri.",
    "segkit.data.phantom.": "segkit.data.readers.phantom.",
    "segkit.data.device_cache.": "segkit.data.device_dataset.",
    "segkit.data.lens.": "segkit.data.distortion.",
    "segkit.losses.": "segkit.tasks.losses.",
    "segkit.schedules.": "segkit.training.schedules.",
    "segkit.tensorboard.": "segkit.training.tensorboard.",
}


def rename_moved_targets(config: dict[Any, Any]) -> None:
    """Give each ``_target_`` of a saved configuration the name it has today, in place.

    Args:
        config: plain containers, as read from YAML. They may hold one another many times over, or
            themselves: each is visited once.
    """
    waiting: list[Any] = [config]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            if isinstance(target := node.get("_target_"), str):
                node["_target_"] = today(target)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def today(target: str) -> str:
    """The dotted name under which a ``_target_`` is found today."""
    for before, now in _MOVED.items():
        if target.startswith(before):
            return now + target.removeprefix(before)
    return target
