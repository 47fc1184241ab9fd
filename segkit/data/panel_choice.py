"""Which validation images are drawn each epoch."""

from collections.abc import Sequence
from itertools import zip_longest

from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.data.cache import Cache


def chosen(
    records: Sequence[Record],
    validation: Sequence[int],
    cache: Cache,
    ids: Sequence[str] | None,
    count: int,
) -> list[int]:
    """Positions of the named ones, or else of some that have something to find.

    Args:
        records: all of them.
        validation: positions in ``records`` to choose from, in order.
        cache: holds the masks.
        ids: of those that were named, or None.
        count: how many at most, of those that were not.

    Raises:
        SegkitError: a named one does not validate.
    """
    if ids is not None:
        return named(records, validation, ids)
    shown = [i for i in validation if cache.mask(records[i].id).any()]
    return spread(records, shown or validation, count)


def named(records: Sequence[Record], validation: Sequence[int], ids: Sequence[str]) -> list[int]:
    """Positions of the records with these ids.

    Raises:
        SegkitError: one is not among the positions in ``validation``.
    """
    position = {records[i].id: i for i in validation}
    missing = [i for i in ids if i not in position]
    if missing:
        raise SegkitError(
            f"{missing} are not validation records",
            where="dataset.panel_ids",
            remedy="name ids that split.csv lists as val",
        )
    return [position[i] for i in ids]


def spread(records: Sequence[Record], indices: Sequence[int], count: int) -> list[int]:
    """Some of each stratum, and within it of each group, from the group's middle outwards.

    Args:
        records: all of them.
        indices: positions in ``records`` to choose from, in order.
        count: how many at most.

    Returns:
        Positions, the same for the same arguments.
    """
    strata: dict[str, dict[str, list[int]]] = {}
    for index in indices:
        record = records[index]
        strata.setdefault(record.stratum, {}).setdefault(record.group, []).append(index)
    in_turn = [_take_turns([_middle_first(g) for g in strata[s].values()]) for s in sorted(strata)]
    return _take_turns(in_turn)[:count]


def _middle_first(members: Sequence[int]) -> list[int]:
    # The first and last slices of a volume show little.
    middle = (len(members) - 1) / 2
    return sorted(members, key=lambda member: abs(members.index(member) - middle))


def _take_turns(lists: Sequence[Sequence[int]]) -> list[int]:
    return [item for turn in zip_longest(*lists) for item in turn if item is not None]
