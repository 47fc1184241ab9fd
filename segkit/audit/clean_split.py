"""A split in which copies, and parts of one scene, lie on one side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from segkit.core.contracts import SPLITS, Record
from segkit.data.splits import SplitSpec, assign_splits


def bring_together(
    records: Sequence[Record], splits: Mapping[str, str], together: Iterable[tuple[int, int]]
) -> dict[str, str]:
    """Move whole groups so that no copy, no scene and no group lies in two splits.

    What is linked goes to the training part where any of it lies there, else to
    validation: the scores lose an image rather than be flattered by it.

    Args:
        records: all of them.
        splits: by record id; what is in none of train, val and test stays as it is.
        together: pairs of positions in ``records``: copies, parts of one scene.

    Returns:
        The new split of every record.
    """
    scenes = _scenes(records, together)
    homes: dict[str, set[str]] = {}
    for record, scene in zip(records, scenes, strict=True):
        if splits[record.id] in SPLITS:
            homes.setdefault(scene, set()).add(splits[record.id])
    return {
        record.id: next(s for s in SPLITS if s in homes[scene])
        if splits[record.id] in SPLITS
        else splits[record.id]
        for record, scene in zip(records, scenes, strict=True)
    }


def draw_together(
    records: Sequence[Record], spec: SplitSpec, together: Iterable[tuple[int, int]]
) -> dict[str, str]:
    """Draw the split anew with what is linked as one group: its shares and strata are kept.

    Args:
        records: all of them.
        spec: as they were divided.
        together: pairs of positions in ``records``: copies, parts of one scene.

    Raises:
        SegkitError: there are too few groups for the parts.
    """
    scenes = _scenes(records, together)
    merged = [replace(record, group=scene) for record, scene in zip(records, scenes, strict=True)]
    return assign_splits(merged, replace(spec, group_by="group"))


def _scenes(records: Sequence[Record], together: Iterable[tuple[int, int]]) -> list[str]:
    """A name for what is linked, of each record: by its group, or by a pair."""
    parent = {record.group: record.group for record in records}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    for first, second in together:
        parent[root(records[second].group)] = root(records[first].group)
    return [root(record.group) for record in records]
