"""Hydra's complaints, as what is wrong, where, and what to do."""

import difflib
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from segkit.config.groups import composed, group_names, keys_below, option_names
from segkit.config.spelling import of_option
from segkit.config.unreadable import unreadable
from segkit.core.errors import SegkitError

_SLIP = 0.88  # of two keys that are alike, dataset.sise and dataset.size
_HELP = "--help shows the groups and the keys used most, --cfg job every key"


def explain(
    error: BaseException, folder: Path, config_name: str, given: Sequence[str] = ()
) -> SegkitError | None:
    """Turn an exception of Hydra, OmegaConf or a launcher into a message; None for any other.

    Args:
        error: as raised.
        folder: of the YAML files, whose names are the near misses.
        config_name: the primary configuration.
        given: the arguments of the command line.
    """
    if isinstance(error, MissingConfigException):
        return _unknown_option(error, folder)
    if isinstance(error, OverrideParseException | MissingMandatoryValue):
        return _no_value(error, given)
    if isinstance(error, ValueError) and "Config group override" in str(error):
        return _not_an_option(folder, given)
    if isinstance(error, ConfigCompositionException | OmegaConfBaseException):
        return _composition(error, folder, config_name, given)
    if isinstance(error, HydraException) and error.__cause__ is not None:
        return explain(error.__cause__, folder, config_name, given)
    return _launch(error)


def _launch(error: BaseException) -> SegkitError | None:
    """What submitit says, by its words."""
    if not isinstance(error, RuntimeError):
        return None
    told = str(error)
    if 'detect "srun"' in told:
        return SegkitError(
            "Slurm is not on this machine: there is no srun",
            where="hydra/launcher=slurm",
            remedy="start it on a node of the cluster; hydra/launcher=joblib runs jobs at once "
            "here",
        )
    if told.startswith("sbatch: "):
        return SegkitError(
            f"Slurm did not take the jobs: {told.splitlines()[0].removeprefix('sbatch: error: ')}",
            where="hydra/launcher=slurm",
            remedy="ask for what the cluster has (sinfo): hydra.launcher.partition=, "
            "gpus_per_node=, mem_gb=, cpus_per_task=, timeout_min=",
        )
    if "timed-out too many times" in told:
        return SegkitError(
            "Slurm ended this job: TIMEOUT, more often than hydra.launcher.max_num_timeout",
            where="hydra.launcher.timeout_min",
            remedy="the same command with resume=true and hydra.sweep.dir= resumes it",
        )
    return None


def _no_value(
    error: OverrideParseException | MissingMandatoryValue, given: Sequence[str]
) -> SegkitError:
    if isinstance(error, OverrideParseException):
        return unreadable(str(error.override), given)
    key = _named(str(error), r"full_key: (\S+)")
    return SegkitError(
        f"{key} has no value yet", where=f"{key}=???", remedy=f"give it one: {key}=VALUE"
    )


def _unknown_option(error: MissingConfigException, folder: Path) -> SegkitError:
    group, _, name = str(error.missing_cfg_file or "").partition("/")
    while not option_names(folder, group) and "/" in name:  # hydra/launcher; a path has others
        group, name = f"{group}/{name.partition('/')[0]}", name.partition("/")[2]
    options = option_names(folder, group)
    remedy = (
        of_option(group, name, options) if options else f"leave {group}= out: it has no options"
    )
    return SegkitError(f"unknown {group} {name!r}", where=f"{group}={name}", remedy=remedy)


def _not_an_option(folder: Path, given: Sequence[str]) -> SegkitError:
    """A group that was given a number or null where the name of an option belongs."""
    keys = {argument.split("=", 1)[0]: argument for argument in given if "=" in argument}
    wrong = {
        group: argument
        for group, argument in keys.items()
        if argument.split("=", 1)[1] not in option_names(folder, group)
        and (not group or (folder / group).is_dir())
    }
    named = [group for group in wrong if group]
    choose = "; ".join(
        f"{group} is one of {', '.join(option_names(folder, group))}" for group in named
    )
    return SegkitError(
        "the name of an option is needed here",
        where=", ".join(wrong.values()) or "the command line",
        remedy=choose or "write key=value",
    )


def _composition(
    error: Exception, folder: Path, config_name: str, given: Sequence[str]
) -> SegkitError:
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    text = str(error) if cause is error else f"{error}\n{cause}"
    if "mbiguous value" in text or "requires --multirun" in text:
        argument = _named(text, r"'(.+)'")
        listed = shlex.quote(argument.replace("=", "=[", 1) + "]")
        # One option of a group is one network, one data set: a list of them means nothing.
        a_group = option_names(folder, argument.split("=", 1)[0].lstrip("+"))
        return SegkitError(
            "several values for one run",
            where=argument,
            remedy="add -m for a run with each of them"
            + ("" if a_group else f", or make it a list: {listed}"),
        )
    if "An item is already at" in text:
        key = _named(text, r"already at '([^']+)'")
        return SegkitError(
            f"{key} is there already", where=f"+{key}=…", remedy=f"write {key}=… without the plus"
        )
    for pattern in (
        r"[Cc]ould not (?:override|delete) '([^'=]+)",
        r"[Cc]ould not delete from config\. '([^']+)' does not exist",
        r"config group '([^']+)' does not",
        r"full_key: (\S+)",
    ):
        if key := _named(text, pattern):
            config = _composed(cause)
            if config is None:
                config = _compose(folder, config_name, given)
            if key in group_names(folder) and key not in config:
                return SegkitError(
                    f"{key} is chosen when a network is trained, not here",
                    where=f"{key}=…",
                    remedy=f"leave it out; {_HELP}",
                )
            known = sorted({*keys_below(config), *group_names(folder)})
            # Each option is composed for it, which a slip of the finger need not wait for.
            slip = difflib.get_close_matches(key, known, cutoff=_SLIP)
            if not slip and (home := _home_of(key, folder, config_name)):
                return SegkitError(
                    f"{key} is a key of {home}", where=f"{key}=…", remedy=f"leave it out, or {home}"
                )
            return _unknown_key(key, known)
    first = " ".join(line.strip() for line in text.splitlines()[:2])
    return SegkitError(first, where="the configuration", remedy=_HELP)


def _home_of(key: str, folder: Path, config_name: str) -> str:
    """The option of the key's group that has it, such as ``dataset=phantom``; empty for none."""
    group, dot, _ = key.partition(".")
    for option in option_names(folder, group) if dot else ():
        with suppress(Exception):  # an option that cannot be composed alone has no keys to tell
            if key in keys_below(composed(folder, config_name, [f"{group}={option}"])):
                return f"{group}={option}"
    return ""


def _named(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found.group(1) if found else ""


def _unknown_key(key: str, known: Sequence[str]) -> SegkitError:
    if key.startswith("hydra"):
        remedy = "--cfg hydra shows Hydra's own keys"
    elif near := _near(key, known):
        remedy = f"{near} {_HELP}"
    else:
        remedy = _HELP
    return SegkitError(f"unknown key {key!r}", where=f"{key}=…", remedy=remedy)


def _near(key: str, known: Sequence[str]) -> str:
    """Names beside a mistyped one; where its parent is unknown too, names of anywhere."""
    parent, dot, leaf = key.rpartition(".")
    beside = [k.rpartition(".")[2] for k in known if k.rpartition(".")[0] == parent]
    if near := difflib.get_close_matches(leaf, beside):
        # Of the two ends of a range the upper one is what is mostly meant.
        near.sort(key=lambda name: name.startswith("min_"))
        return f"did you mean {' or '.join(repr(parent + dot + name) for name in near)}?"
    if beside and parent:
        return f"{parent} has {', '.join(beside)}."
    near = difflib.get_close_matches(key, known)
    # ``epochs`` for trainer.max_epochs, ``lr`` for optim.lr.
    ending = [k for k in known if re.split(r"[._]", k)[-1] == key and "min_" not in k]
    near = near or sorted(ending, key=lambda k: ("max_" not in k, k.count("."), k))
    return f"did you mean {' or '.join(map(repr, near[:3]))}?" if near else ""


def _composed(error: BaseException) -> DictConfig | None:
    """The whole configuration in which a key was looked for; None where there is none."""
    node = getattr(error, "parent_node", None)
    root = node._get_root() if node is not None else None
    return root if isinstance(root, DictConfig) else None


def _compose(folder: Path, config_name: str, given: Sequence[str]) -> DictConfig:
    """The configuration with the options that were chosen, and nothing else that was given."""
    pairs = [argument.split("=", 1) for argument in given if "=" in argument]
    choices: list[str] = []
    for group, name in pairs:
        with suppress(ConfigCompositionException):  # a group that this command does not have
            if group and name in option_names(folder, group):
                composed(folder, config_name, [*choices, f"{group}={name}"])
                choices.append(f"{group}={name}")
    return composed(folder, config_name, choices)
