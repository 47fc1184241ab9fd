"""One window of intensities for all images of a group: a patient's, a volume's, a stack's."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock

from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.imaging.intensity import Pixels, Rule, as_numbers, watch, window_of


class GroupWindows:
    """Windows by group, each found when it is first asked for: the group's files are then read.

    One image of them is in memory at a time. Asked from several threads.

    Args:
        records: lists those of the data set.
        stored: gives the image of one, as it is stored.
    """

    def __init__(
        self, records: Callable[[], Iterable[Record]], stored: Callable[[Record], Pixels]
    ) -> None:
        self._records, self._stored = records, stored
        self._lock = Lock()
        self._locks: defaultdict[tuple[str, int], Lock] = defaultdict(Lock)
        self._found: dict[tuple[str, int], Rule] = {}
        self._groups: dict[str, list[Record]] = {}

    def of(self, record: Record, pixels: Pixels, rule: Rule) -> Rule:
        """The window of a record's group, each channel by itself.

        Args:
            record: one of the listing, or one of a group of its own.
            pixels: its own, as stored.
            rule: ``group`` or ``standard``, the same at each call.
        """
        key = record.group, _channels(pixels)
        with self._lock:
            members = self._members(record)
            lock = self._locks[key]
        if len(members) <= 1:
            return window_of(pixels, rule, record.image)
        with lock:
            if key not in self._found:
                self._found[key] = self._window(members, key[1], rule)
            return self._found[key]

    def _members(self, record: Record) -> list[Record]:
        if not self._groups:
            groups: defaultdict[str, list[Record]] = defaultdict(list)
            for each in self._records():
                groups[each.group].append(each)
            self._groups = dict(groups)
        members = self._groups.get(record.group, [])
        # Caches know of the files of labelled records, and are built anew when one of them changes.
        return [each for each in members if each.labelled] or members

    def _window(self, members: list[Record], channels: int, rule: Rule) -> Rule:
        seen = watch(rule)
        for each in members:
            # One that cannot be used is refused where it is read itself.
            with suppress(SegkitError):
                pixels = self._stored(each)
                if _channels(pixels) == channels:
                    window_of(pixels, (0, 1), each.image)  # refuses what is not finite
                    seen.add(as_numbers(pixels))
        return seen.window(rule)


def _channels(pixels: Pixels) -> int:
    return 1 if pixels.ndim == 2 else pixels.shape[2]
