"""Paths and names on the command line are what was typed: ``it's (1)``, ``a=b`` and ``数据`` too.

Hydra reads every value by a grammar of its own, in which brackets, commas and quotes mean something
and most letters that are not English are refused. Of the keys below that holds for what can hardly
be meant otherwise, a list, a value in quotes, and in a sweep a comma: unless a file is called so.
"""

import glob
import os
import re
from collections.abc import Sequence

from segkit.core.errors import SegkitError
from segkit.core.quoting import STRING, escaped, quoted
from segkit.core.shell import command as command_line

# One path each; names and patterns; and those of which there may be several in square brackets.
_PLACES = (
    "dataset.cache_dir",
    "dataset.manifest",
    "dataset.root",
    "dataset.split.file",
    "folder",
    "hydra.run.dir",
    "hydra.sweep.dir",
    "hydra.sweep.subdir",
    "model.encoder_weights",
    "output",
    "resume",
    "storage",
)
# Of what a command makes, nothing is there yet that could tell a comma from a sweep.
_MADE = ("dataset.cache_dir", "hydra.", "output", "storage")
_NAMES = ("baseline", "dataset.group_pattern", "dataset.name")
_SEVERAL_PLACES = ("callbacks.inference.input", "hydra.searchpath", "input", "run", "runs")
_SEVERAL_NAMES = ("dataset.classes", "dataset.panel_ids")
_SEVERAL = (*_SEVERAL_PLACES, *_SEVERAL_NAMES)
_KEYS = (*_PLACES, *_NAMES, *_SEVERAL)
# The commands whose data set is chosen by dataset=NAME.
_CHOOSING = ("train", "check", "sweep", "benchmark")
_WORDS = {"resume": ("true", "false")}  # and null of all; ./true is a folder

_ARGUMENT = re.compile(r"(\+{0,2})([\w.]+)=(.*)", re.DOTALL)
_SWEEP = re.compile(r"(?:choice|glob|interval|range|shuffle|sort|tag)\(.*\)", re.DOTALL)
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
# ${seed} and ${now:%Y} in Hydra's own keys are interpolations; ${HOME} would be none of ours.
_CAPITAL = re.compile(r"\\*\$\{(?![a-z])")


def take_literally(arguments: Sequence[str], command: str, *, sweeping: bool) -> list[str]:
    """The arguments in Hydra's grammar, with the values of the keys above as they were typed.

    Args:
        arguments: as the shell gave them.
        command: whose they are, for a message.
        sweeping: whether ``dataset.root=a,b`` may be meant for two jobs.

    Raises:
        SegkitError: several paths where one is needed, which gives the command to type; or what
            no table could hold.
    """
    taken = []
    for number, argument in enumerate(arguments):
        if (shown := argument.encode("utf-8", "backslashreplace").decode()) != argument:
            raise SegkitError("an argument that is not UTF-8", where=shown, remedy="rename it")
        found = _ARGUMENT.fullmatch(argument)
        if not found or found[2] not in _KEYS:
            taken.append(argument)
            continue
        plus, key, value = found.groups()
        if not value and key in (*_PLACES, *_SEVERAL_PLACES):
            raise SegkitError(
                f"{key}= is empty: a variable of the shell may have been, too",
                where=argument,
                remedy=f"write the path, {key}=PATH, or leave it out",
            )
        sweeps = sweeping and not key.startswith(_MADE)
        if not sweeps and (several := _several_paths(key, value)):
            meant = f"{plus}{key}=[{','.join(several)}]"
            flags = [] if key in _SEVERAL else ["-m"]
            again = [*flags, *arguments[:number], argument if flags else meant]
            raise SegkitError(
                "several paths, where one is needed",
                where=argument,
                remedy=f"{'for a job with each' if flags else 'for all of them'}: "
                f"{command_line(command, *again, *arguments[number + 1 :])}",
            )
        taken.append(f"{plus}{key}={_in_grammar(key, value, sweeps=sweeps)}")
    return taken


def _in_grammar(key: str, value: str, *, sweeps: bool) -> str:
    if value in ("", "null", *_WORDS.get(key, ())):
        return value
    no_file = key in (*_NAMES, *_SEVERAL_NAMES) or not is_there(value)
    if no_file and (meant := _by_grammar(key, value, sweeps=sweeps)):
        return meant
    if value.startswith("./~") and key not in (*_NAMES, *_SEVERAL_NAMES):
        value = os.path.abspath(value)  # noqa: PTH100  # a Path loses ./ and looks for a user
    if key.startswith("hydra."):
        # It makes its folders as they are written: nothing expands ~ later.
        value = os.path.expanduser(value)  # noqa: PTH111  # a Path would lose ./ and //
        return quoted(_CAPITAL.sub(lambda m: escaped(m[0]), value))
    return quoted(escaped(value))


def _by_grammar(key: str, value: str, *, sweeps: bool) -> str:
    """A value that is more than a path, for Hydra; empty for a path."""
    if STRING.fullmatch(value) or (sweeps and _SWEEP.fullmatch(value)):
        return value
    parts = split(value)
    if key in _SEVERAL and len(parts) == 1 and value[0] == "[" and value[-1] == "]":
        return f"[{','.join(_element(each) for each in split(value[1:-1]))}]"
    if sweeps and len(parts) > 1:
        return ",".join(_in_grammar(key, part, sweeps=False) for part in parts)
    return ""


def _element(text: str) -> str:
    return text if STRING.fullmatch(text) else quoted(escaped(text))


def is_there(path: str) -> bool:
    """Whether something of this name exists; a link that leads nowhere does."""
    try:
        return os.path.lexists(os.path.expanduser(path))  # noqa: PTH111
    except ValueError:  # a character that no name has
        return False


def _several_paths(key: str, value: str) -> list[str]:
    """Of a value that is no path: the paths that it lists, if all of them are there."""
    if key not in (*_SEVERAL_PLACES, "dataset.root") or is_there(value):
        return []
    parts = split(value)
    there = all(is_there(part) or (part and glob.has_magic(part)) for part in parts)
    return parts if len(parts) > 1 and there else []


def split(text: str) -> list[str]:
    """What stands between commas, those within brackets or quotes left out; no spaces around."""
    parts, closing, position = [""], "", 0
    while position < len(text):
        letter, before = text[position], parts[-1].rstrip()[-1:]
        string = STRING.match(text, position) if before in ("", ",", *_BRACKETS) else None
        if string:
            parts[-1] += string[0]
            position = string.end()
            continue
        if letter == "," and not closing:
            parts.append("")
        else:
            parts[-1] += letter
        if letter in _BRACKETS and _BRACKETS[letter] in text[position:]:
            closing = _BRACKETS[letter] + closing
        elif closing and letter == closing[0]:
            closing = closing[1:]
        position += 1
    return [part.strip() for part in parts] if text.strip() else []


ROOT = "dataset.root="


def own_data(arguments: Sequence[str], command: str) -> str:
    """``dataset=folder`` where ``dataset.root=PATH`` is given and nothing says what lies there.

    Args:
        arguments: of the command line.
        command: whose they are; of a saved run the data are the run's own kind.
    """
    given = dict(a.lstrip("+").split("=", 1) for a in arguments if "=" in a)
    keys = {key.split("@", 1)[0] for key in given}
    if command not in _CHOOSING or given.get("dataset.root", "null") in ("", "null"):
        return ""
    goes_on = given.get("resume", "null") not in ("null", "true", "false")
    other = goes_on or keys & {"dataset", "experiment", "--config-name"}
    return "" if other or {"--config-name", "-cn"} & {*arguments} else "dataset=folder"
