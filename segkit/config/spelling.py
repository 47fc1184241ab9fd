"""Arguments spelt as other programs have them (``--dataset folder``), and what to type instead."""

import difflib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from hydra._internal.utils import get_args_parser

from segkit.config.groups import composed, keys_below, option_names
from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.shell import argument

_WEIGHTS = (".ckpt", ".pt", ".pth", ".safetensors")


def check_spelling(given: Sequence[str], folder: Path, config_name: str) -> None:
    """Refuse flags and bare words that Hydra would answer with its own flags.

    Args:
        given: the arguments of the command line.
        folder: of the YAML files.
        config_name: the primary configuration.

    Raises:
        SegkitError: with the arguments to type.
    """
    words = Words(folder, config_name)
    # Of Hydra's own flags --run takes no value, where a command's key does.
    own = {each for each in given if each.split("=", 1)[0] == "--run" and "run" in words.keys}
    parsed, left = get_args_parser().parse_known_args([each for each in given if each not in own])
    flags = [
        each
        for each in given
        if each in own or (each in left and each.startswith("-") and not each[1:2].isdigit())
    ]
    hydras = {*given} - {*flags, *left, *parsed.overrides}  # its flags, and their values
    meant = list(_meant([each for each in given if each not in hydras], flags, words))
    typed = " ".join(each for _, each in meant if each)
    if flags or typed:
        remedy = [f"type {typed}"] * bool(typed)
        remedy += [words.near(flag) for flag, each in meant if flags and not each]
        where = " ".join(flags or (word for word, _ in meant))
        raise SegkitError("keys are given as key=value", where=where, remedy="; ".join(remedy))


def of_option(group: str, value: str, options: Sequence[str]) -> str:
    """What to do about an option that does not exist; options may be given as paths.

    >>> of_option("dataset", "/data/cells", ["folder"])
    'type dataset=folder dataset.root=/data/cells'
    """
    near = difflib.get_close_matches(value, options)
    path = "/" in value or Path(value).suffix != "" or Path(value).exists()
    if group == "dataset" and path and not near:
        return f"type dataset=folder {argument('dataset.root', value)}"
    if group == "model" and value.endswith(_WEIGHTS):
        return f"type {argument('model.encoder_weights', value)}, beside model=NAME"
    return did_you_mean(value, options)


class Words:
    """What a command knows: its groups with their options, and its keys."""

    def __init__(self, folder: Path, config_name: str) -> None:
        self.folder, self.config_name = folder, config_name

    def options(self, group: str) -> list[str]:
        """The options of a group, of those that this command has."""
        return option_names(self.folder, group) if group and group in self.keys else []

    @cached_property
    def keys(self) -> list[str]:
        """Every key, dotted, of the default configuration."""
        return list(keys_below(composed(self.folder, self.config_name)))

    def key(self, flag: str) -> str:
        """The key that a flag or a word stands for; empty where that is not clear."""
        name = flag.lstrip("-").split("=", 1)[0].replace("-", "_")
        if name in self.keys:
            return name
        groups = [key for key in self.keys if self.options(key)]
        same = (
            [group for group in groups if group.startswith(name)]
            if len(name) == 1
            else [key for key in self.keys if key.rpartition(".")[2] == name]
        )
        return same[0] if len(same) == 1 else ""

    def near(self, flag: str) -> str:
        """Names that a flag may stand for."""
        name = flag.lstrip("-").split("=", 1)[0].replace("-", "_")
        leaves = {key.rpartition(".")[2]: key for key in self.keys}
        alike = difflib.get_close_matches(name, leaves)
        near = [key for key in self.keys if key.rpartition(".")[2] in alike]
        told = " or ".join(f"{key}=" for key in near[:3])
        return f"did you mean {told}" if near else "--help shows the groups and the keys used most"

    def argument(self, key: str, value: str) -> str:
        """``key=value`` as it can be typed."""
        if (options := self.options(key)) and value not in options:
            told = of_option(key, value, options)
            return (
                told.removeprefix("type ") if told.startswith("type ") else f"{key}=NAME ({told})"
            )
        return argument(key, value)


def _meant(given: Sequence[str], flags: Sequence[str], words: Words) -> Iterator[tuple[str, str]]:
    """What stands there, and what was meant by it, or nothing."""
    rest = list(given)
    while rest:
        one = rest.pop(0)
        follows = bool(rest) and "=" not in rest[0] and not rest[0].startswith(("-", "~"))
        if one in flags:
            _, equals, value = one.partition("=")
            key = words.key(one)
            if not equals and follows:
                value = rest.pop(0)
            yield one, words.argument(key, value or "true") if key else ""
        elif not flags and one.replace(".", "").replace("_", "").isalpha() and follows:
            if key := words.key(one):
                value = rest.pop(0)
                yield f"{one} {value}", words.argument(key, value)
        elif not flags and "=" not in one and not one.startswith(("-", "~", "+")):
            yield one, _alone(one, words)


def _alone(word: str, words: Words) -> str:
    """A word with nothing behind it: an option of a group, or the user's data."""
    homes = [group for group in ("dataset", "model") if word in words.options(group)]
    if homes:
        return f"{homes[0]}={word}"
    if (key := "run" if "run" in words.keys else "resume") in words.keys and _is_run(word):
        return argument(key, word)
    if words.options("dataset") and Path(word).exists():
        return f"dataset=folder {argument('dataset.root', word)}"
    return ""


def _is_run(word: str) -> bool:
    return (Path(word) / "config.yaml").is_file()
