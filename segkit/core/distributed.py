"""Collectives over processes, of any object."""

from typing import TypeVar

from torch import distributed

Part = TypeVar("Part")


def all_gather(part: Part) -> list[Part]:
    """Every process's part, in the order of the processes; the same list in each.

    All processes must call it. A part is anything that can be pickled.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return [part]
    parts: list[Part] = [part] * distributed.get_world_size()
    distributed.all_gather_object(parts, part)
    return parts


def gather_records(own: dict[int, Part]) -> dict[int, Part]:
    """What all processes have by position of a record, in one order: sums of it are the same."""
    every = {index: one for part in all_gather(own) for index, one in part.items()}
    return dict(sorted(every.items()))
