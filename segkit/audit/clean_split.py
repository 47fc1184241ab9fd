"""A split in which copies, and parts of one scene, lie on one side."""

from collections.abc import Iterable, Mapping, Sequence

from segkit.core.contracts import SPLITS, Record


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
    parent = {record.group: record.group for record in records}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    for first, second in together:
        parent[root(records[second].group)] = root(records[first].group)
    homes: dict[str, set[str]] = {}
    for record in records:
        if splits[record.id] in SPLITS:
            homes.setdefault(root(record.group), set()).add(splits[record.id])
    return {
        record.id: next(s for s in SPLITS if s in homes[root(record.group)])
        if splits[record.id] in SPLITS
        else splits[record.id]
        for record in records
    }
