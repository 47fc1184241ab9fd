"""Objects that cannot all be told apart: drawn over others, or touching in one mask; told."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from segkit.core.contracts import Problem, Record
from segkit.core.errors import SegkitError
from segkit.imaging.objects import Drawn

# Of the pixels of objects; labels drawn by hand overlap by less.
_MANY = 0.01
# Records, and files, that are looked at where none was read yet: their pixels are cached.
_RECORDS, _FILES = 100, 500


class Overlaps:
    """What drawing object over object cost, by record."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Record, int, int, int]] = {}

    def add(self, record: Record, drawn: Drawn) -> None:
        """Remember one record; called from several threads."""
        self._seen[record.id] = (record, drawn.foreground, drawn.shared, drawn.vanished)

    def look(self, records: Sequence[Record], read: Callable[[Record], object]) -> None:
        """Read some records, unless any was read."""
        files = 0
        for record in [] if self._seen else records[:: -(-len(records) // _RECORDS) or 1]:
            with suppress(SegkitError):
                read(record)
            if (files := files + len(record.masks)) > _FILES:
                break

    def cautions(self, order: str) -> list[Problem]:
        """What overlaps by more than a hundredth, and objects that nothing is left of.

        Args:
            order: in which the later object wins.
        """
        seen = [self._seen[key] for key in sorted(self._seen)]
        told = []
        foreground, shared = sum(one[1] for one in seen), sum(one[2] for one in seen)
        if shared > _MANY * foreground:
            first = max(seen, key=lambda one: one[2] / max(one[1], 1))[0]
            many = sum(one[2] > 0 for one in seen)
            told.append(
                Problem(
                    first.image,
                    f"objects overlap: {shared / foreground:.1%} of their pixels, in {many} of "
                    f"{len(seen)} images, most in this one; the later {order} has them",
                    "draw objects side by side, if that is not meant",
                )
            )
        if lost := [one for one in seen if one[3]]:
            told.append(
                Problem(
                    lost[0][0].image,
                    f"{sum(one[3] for one in lost)} objects of {len(lost)} images lie wholly under "
                    f"later ones {order}, and are not there to be learnt",
                    "delete those that are drawn twice, here and in the other images",
                )
            )
        return told


def touching(records: Sequence[Record]) -> list[Problem]:
    """A caution on records whose masks show foreground: objects are its connected parts."""
    if not records:
        return []
    what = (
        f"the masks of {len(records)} images show which pixels are of objects, but not of which: "
        "each connected part counts as one, so objects that touch are one"
    )
    return [Problem(records[0].masks[0], what, "use labels of objects, where they are to be had")]
