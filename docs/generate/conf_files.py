"""The YAML files of ``conf/`` as their reader sees them: keys, defaults as written, and comments.

A comment at the head of a file says what the file is for; one behind a key, or above it, says what
the key does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

CONF = Path(__file__).resolve().parents[2] / "conf"
# libyaml is quicker by far, where PyYAML comes with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What tells Hydra how to build a node, beside the name of what is built.
_HOW = ("_partial_", "_convert_", "_recursive_", "_args_")
# Hydra's own; of them a command's users only need to know where it writes.
_PLACES = re.compile(r"hydra\.(run|sweep)\.\w+|hydra\.launcher\..*")
_GIVEN_ON = re.compile(r"\$\{[\w.]+\}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key, or a node of keys that is built or explained.

    Attributes:
        path: from the root of the configuration.
        default: as the file has it; of a node the class that is built, or nothing.
        phrase: its comment.
        given_on: whether it only hands another key's value to a reader of data.
    """

    path: str
    default: str
    phrase: str
    given_on: bool = False


@dataclass(frozen=True, slots=True)
class ConfFile:
    """One file.

    Attributes:
        name: its stem: the option's name, or the command's.
        about: the comment at its head, lines joined to paragraphs.
        builds_on: files of the same group, whose keys it has too.
        overrides: options of other groups that it chooses, by group.
        builds: the class of the file as a whole, where it has one.
        keys: in the file's order.
    """

    name: str
    about: tuple[str, ...]
    builds_on: tuple[str, ...]
    overrides: dict[str, str]
    builds: str
    keys: tuple[Key, ...]


@cache
def read_file(path: Path) -> ConfFile:
    """Read one; a group's keys stand below the group's name, unless it says ``_global_``."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    head = [line[1:].strip() for line in takewhile(lambda line: line.startswith("#"), lines)]
    above = path.parent.relative_to(CONF)
    placed = "" if "@package _global_" in head else ".".join(above.parts)
    root = yaml.compose(text, _LOADER)
    assert isinstance(root, MappingNode), path
    fields = {key.value: value for key, value in root.value}
    defaults = [_plain(one) for one in fields["defaults"].value] if "defaults" in fields else []
    target = fields.get("_target_")
    return ConfFile(
        name=path.stem,
        about=tuple(_paragraphs([line for line in head if not line.startswith("@package")])),
        builds_on=tuple(str(one) for one in defaults if isinstance(one, str) and one != "_self_"),
        overrides=dict(_chosen(defaults)),
        builds=target.value if isinstance(target, ScalarNode) else "",
        keys=tuple(_keys(root, placed, lines)),
    )


def options(group: str) -> list[ConfFile]:
    """The files of a group, what others build on first."""
    files = [read_file(path) for path in (CONF / group).glob("*.yaml")]
    return sorted(files, key=lambda file: (not file.name.startswith("_"), file.name))


def groups() -> list[str]:
    """All of them, by name; without Hydra's own."""
    return sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "hydra")


def _plain(node: Node) -> object:
    """An entry of ``defaults``: a name, or a group and the option that is chosen."""
    if isinstance(node, MappingNode):
        return {key.value: value.value for key, value in node.value}
    return node.value


def _chosen(defaults: list[object]) -> Iterator[tuple[str, str]]:
    for one in defaults:
        if isinstance(one, dict):
            ((group, option),) = one.items()
            name = str(group).removeprefix("override ").removeprefix("/").split("@")[0]
            if not name.startswith("hydra"):
                yield name, str(option)


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Lines joined, but where one begins with a word and a colon: Source, Command, Cost."""
    kept: list[str] = []
    for line in lines:
        if kept and re.match(r"(Source|Command|Cost|Reported|Ours|Score): ", line):
            yield " ".join(kept)
            kept = []
        kept.append(line)
    if kept:
        yield " ".join(kept)


def _keys(node: MappingNode, parent: str, lines: list[str]) -> Iterator[Key]:
    for key, value in node.value:
        path = f"{parent}.{key.value}" if parent else key.value
        if key.value in (*_HOW, "_target_", "defaults"):
            continue
        block = isinstance(value, MappingNode) and not value.flow_style and bool(value.value)
        if path.startswith("hydra.") and not block and not _PLACES.fullmatch(path):
            continue
        phrase = _comment(key, value, lines, block=block)
        if not block:
            default = _written(value, lines)
            # The current folder, to which nothing of Hydra's is written; what a run fills in.
            if default == "." or default.startswith("${hydra:runtime"):
                continue
            given_on = ".reader." in path and bool(_GIVEN_ON.fullmatch(default))
            yield Key(path, default, phrase, given_on=given_on)
            continue
        inner = {each.value: one for each, one in value.value}
        built = inner["_target_"].value if "_target_" in inner else ""
        if (phrase or built) and not path.startswith("hydra."):
            yield Key(path, built, phrase)
        yield from _keys(value, path, lines)


def _comment(key: Node, value: Node, lines: list[str], *, block: bool) -> str:
    """What stands behind a key's value, then what stands above the key."""
    above: list[str] = []
    number = key.start_mark.line - 1
    while number > 0 and lines[number].strip().startswith("#"):
        above.insert(0, lines[number].strip(" #"))
        number -= 1
    # The comment at the head of a file is the file's.
    above = [] if number == 0 and lines[0].startswith("#") else above
    behind = key.end_mark if block or _is_block_list(value) else value.end_mark
    rest = lines[behind.line][behind.column :] if behind.line < len(lines) else ""
    _, _, said = rest.partition("#")
    said, before = said.strip(), " ".join(above)
    return f"{said}. {before}" if said and before else said or before


def _is_block_list(value: Node) -> bool:
    return isinstance(value, SequenceNode) and not value.flow_style


def _written(value: Node, lines: list[str]) -> str:
    """A value as its file has it; of a list of steps their names."""
    if isinstance(value, SequenceNode) and not value.flow_style:
        return ", ".join(_step(one) for one in value.value)
    start, end = value.start_mark, value.end_mark
    if start.line == end.line:
        return lines[start.line][start.column : end.column]
    return " ".join(part.strip() for part in lines[start.line : end.line + 1])


def _step(node: Node) -> str:
    """``OneOf(Affine, ElasticTransform)``."""
    if not isinstance(node, MappingNode):
        return str(node.value)
    fields = {key.value: value for key, value in node.value}
    name = fields["_target_"].value.rsplit(".", 1)[-1] if "_target_" in fields else "…"
    within = fields.get("transforms")
    if isinstance(within, SequenceNode):
        return f"{name}({', '.join(_step(one) for one in within.value)})"
    return name
