"""What a call asks to be otherwise than the run that it resumes has it."""

from collections.abc import Mapping, Sequence
from typing import Any

from segkit.config.keys import (
    ADDED,
    FOUND,
    NOT_RESUMED,
    ONCE_DEFAULT,
    PLACES,
    flatten,
    key_of,
    within,
)
from segkit.core.errors import SegkitError

# Groups that set keys of others, which their own names do not tell.
_OF_MANY = ("cv", "recipe")
READER_ROOT = "dataset.reader.root"  # follows dataset.root, of which it was interpolated

Flat = dict[str, Any]


def changes_asked_for(
    before: Mapping[str, Any], now: Mapping[str, Any], overrides: Sequence[str], *, everything: bool
) -> Flat:
    """The values that differ, by dotted key.

    Args:
        before: the run's configuration.
        now: what was composed of this call.
        overrides: of this call.
        everything: the call composes all of the run, as ``resume=true`` does; otherwise only what
            was given in it counts.

    Raises:
        SegkitError: a group was given that stands for keys of others.
    """
    given = tuple(key for key in map(key_of, overrides) if key not in NOT_RESUMED)
    for each in overrides if not everything else ():
        if key_of(each) in _OF_MANY:
            raise SegkitError(
                f"{key_of(each)} may not change on resume",
                where=each,
                remedy="leave it out, or train anew",
            )
    # An experiment stands for keys that are not known by its name.
    everything = everything or any(key_of(each) == "experiment" for each in overrides)
    new = flatten(now)
    then = {key: ADDED[key] for key in ADDED if key in new} | flatten(before)

    def counts(key: str) -> bool:
        own = within(key, NOT_RESUMED) or key.endswith(PLACES) or key == READER_ROOT
        found = key in FOUND and new.get(key) == FOUND[key]
        chosen = within(key, given)
        # Nobody asked for a default that has changed since.
        left = key in ONCE_DEFAULT and key not in given and then.get(key) == ONCE_DEFAULT[key]
        differs = then.get(key) != new.get(key)
        return differs and (everything or chosen) and not (own or found or left)

    return {key: new.get(key) for key in sorted({*then, *new}) if counts(key)}
