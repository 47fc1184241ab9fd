"""Groups that are told by the ids of records: a regular expression finds them."""

import re

from segkit.core.errors import SegkitError


class GroupPattern:
    """Gives the group of (id, image); without a pattern it is the image.

    Args:
        pattern: searched in the id; its one group is the record's group.

    Raises:
        SegkitError: it is not a regular expression with one group.
    """

    def __init__(self, pattern: str | None) -> None:
        self._pattern = None if pattern is None else _compile(pattern)

    def __bool__(self) -> bool:
        return self._pattern is not None

    def __call__(self, key: str, image: str) -> str:
        """The group.

        Raises:
            SegkitError: the id does not fit.
        """
        if self._pattern is None:
            return image
        found = self._pattern.search(key)
        if not found or not found[1]:
            raise SegkitError(
                f"the id {key!r} does not fit the group pattern {self._pattern.pattern!r}",
                where="dataset.group_pattern",
                remedy="write a pattern that finds the group in every id, or null",
            )
        return found[1]


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
        reason = f"it has {compiled.groups} groups" if compiled.groups != 1 else ""
    except re.error as error:
        reason = str(error)
    if reason:
        raise SegkitError(
            f"not a regular expression with one group: {reason}",
            where=f"dataset.group_pattern={pattern}",
            remedy=r"put round brackets about the group, once: '^(patient\d+)_'",
        )
    return compiled
