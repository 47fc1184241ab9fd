"""An argument that Hydra's grammar does not read, and the one to type in its place."""

import shlex
from collections.abc import Iterator, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from segkit.config.literal import split
from segkit.core.errors import SegkitError
from segkit.core.quoting import escaped, quoted


def unreadable(argument: str, given: Sequence[str] = ()) -> SegkitError:
    """What to say of it.

    Args:
        argument: of the command line.
        given: all of them: the shell may have taken one apart.
    """
    meant = next((each for each in _candidates(argument, given) if _is_readable(each)), None)
    remedy = f"quote it: {shlex.quote(meant)}" if meant else "write key=value"
    return SegkitError("an argument cannot be read", where=argument, remedy=remedy)


def _candidates(argument: str, given: Sequence[str]) -> Iterator[str]:
    key, equals, value = argument.partition("=")
    if not equals:
        return
    if value.startswith(("[", "{")):
        after = given[given.index(argument) + 1 :] if argument in given else []
        for count in range(1, len(after) + 1):
            yield " ".join([argument, *after[:count]])
        if value.startswith("["):
            inside = split(value.removeprefix("[").removesuffix("]"))
            words = (each if _is_readable(f"{key}={each}") else _word(each) for each in inside)
            yield f"{key}=[{','.join(words)}]"
    else:
        yield f"{key}={_word(value)}"


def _word(text: str) -> str:
    return quoted(escaped(text), '"')  # a shell quotes double quotes more legibly


def _is_readable(argument: str) -> bool:
    try:
        OverridesParser.create().parse_override(argument)
    except HydraException:
        return False
    return True
