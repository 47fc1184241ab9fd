"""What a run folder's configuration may ask for, whoever wrote it.

A folder may come from anyone. Reading its configuration must open nothing but what it names to be
read, and resuming it must write nowhere but into the folder itself.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from segkit.config.values import DATA_NAME, own_prefixes
from segkit.core.errors import SegkitError
from segkit.core.quoting import interpolates, unescaped
from segkit.core.run_folder import CHECKPOINTS

# Values and keys, at any depth; more is a knot of YAML aliases rather than a configuration.
_MOST = 200_000
_PLAIN = (str, int, float, type(None))  # bool is an int
# What is built to be computed with; loggers, callbacks and Trainers also write.
_COMPUTED = ("dataset", "model", "loss", "optim", "schedule", "augment")
_WRITING = (
    "lightning.",
    "segkit.search.",
    "segkit.training.callbacks.",
    "segkit.training.tensorboard.",
    "segkit.training.trackers.",
)
# Names and paths in here are written to, these aside.
_ACTING = ("callbacks", "logger", "trainer")
_READ = ("_target_", "input", "mode", "monitor")
# This call or the environment says where a tracker is: a stranger's address would be told the
# user's password.
_TRACKER, _ADDRESS = "segkit.training.trackers.", "tracking_uri"
_PLACES = {"dirpath": CHECKPOINTS, "save_dir": "."}
_MEND = "if the folder is your own, write the value itself into it; if not, do not use it"


def check_folder_config(
    config: Mapping[str, Any], where: Path, allowed: Sequence[str]
) -> dict[str, Any]:
    """The configuration in plain text; what no run of segkit's ever wrote is refused.

    A ``${`` that means itself is saved as OmegaConf writes it, with a backslash before.

    Args:
        config: as read.
        where: the file, for messages.
        allowed: further prefixes of a ``_target_`` that the user vouches for.

    Raises:
        SegkitError: an interpolation, which could read this machine's environment; a value that
            is not plain; a knot of aliases; or a part that writes where none is expected.
    """
    own = own_prefixes(allowed)
    for key, value in _values(config, where):
        if isinstance(value, str) and interpolates(value):
            raise SegkitError(
                "an interpolation in a saved configuration, whose values are all final",
                where=f"{where}, {key}: {value[:200]}",
                remedy=_MEND,
            )
        part, last = key.partition(".")[0], key.rpartition(".")[2]
        target = last == "_target_" and str(value).startswith(_WRITING)
        if target and part in _COMPUTED and not str(value).startswith(own):
            raise SegkitError(
                f"this target is not allowed in {part}",
                where=f"{where}, {key}={value}",
                remedy="name a target that only computes, or allow_targets=[PREFIX]",
            )
    _check_shapes(config, where)
    plain: dict[str, Any] = unescaped(dict(config))
    return plain


def _check_shapes(config: Mapping[Any, Any], where: Path) -> None:
    for part in ("callbacks", "logger"):
        nodes = config.get(part) or {}
        if not isinstance(nodes, Mapping) or not all(
            isinstance(node, Mapping) for node in nodes.values()
        ):
            raise SegkitError(
                f"{part} holds nodes by name, each with its own keys",
                where=f"{where}, {part}",
                remedy=f"write it as {part}.NAME._target_ and so on",
            )
    data = config.get("dataset")
    name = data.get("name", "") if isinstance(data, Mapping) else ""
    DATA_NAME.check("dataset.name", name, source=str(where))


def _values(config: Mapping[Any, Any], where: Path) -> Iterator[tuple[str, Any]]:
    """Every plain value with its dotted key."""
    waiting: list[tuple[str, Any]] = [("", config)]
    for _ in range(_MOST):
        if not waiting:
            return
        key, value = waiting.pop()
        if isinstance(value, Mapping):
            below: Iterator[tuple[Any, Any]] = iter(value.items())
        elif isinstance(value, list):
            below = enumerate(value)
        elif isinstance(value, _PLAIN):
            yield key, value
            continue
        else:
            raise SegkitError(
                f"a value of type {type(value).__name__}, where text, numbers and lists are known",
                where=f"{where}, {key}",
                remedy=_MEND,
            )
        waiting += [(f"{key}.{name}" if key else str(name), item) for name, item in below]
    raise SegkitError(
        "more values than a configuration has, or one that contains itself",
        where=str(where),
        remedy="write it without YAML aliases (& and *)",
    )


def confined(config: Mapping[str, Any], folder: Path, allowed: Sequence[str]) -> dict[str, Any]:
    """The configuration of a run to resume, which writes into its folder alone.

    What was named below the folder where the run lay before is named below the one where it lies
    now; a tracker's address is dropped. A node whose ``_target_`` the user has allowed is taken as
    it is.

    Args:
        config: of the run, checked by :func:`check_folder_config`.
        folder: where it lies.
        allowed: further prefixes of a ``_target_``, as the user gave them.

    Raises:
        SegkitError: a path or an address elsewhere, or a link that leads out of the folder.
    """
    refuse_links(folder)
    before = str(config.get("run_dir") or "")
    moved = {
        part: _moved(config[part], part, folder, before, own_prefixes(allowed))
        for part in _ACTING
        if part in config
    }
    return {**config, **moved}


def _moved(node: Any, key: str, folder: Path, before: str, allowed: tuple[str, ...]) -> Any:
    if isinstance(node, Mapping):
        target = str(node.get("_target_", ""))
        if target.startswith(allowed):
            return node
        return {
            name: _moved(value, f"{key}.{name}", folder, before, allowed)
            for name, value in node.items()
            if not (target.startswith(_TRACKER) and name == _ADDRESS)
        }
    if isinstance(node, list):
        return [_moved(value, key, folder, before, allowed) for value in node]
    if not isinstance(node, str) or key.rpartition(".")[2] in _READ:
        return node
    scheme = "file:" if node.startswith("file:") else ""
    path = node.removeprefix(scheme)
    if before and (path == before or path.startswith(f"{before.rstrip('/')}/")):
        path = f"{folder}{path.removeprefix(before.rstrip('/'))}"
    if not _leads_out(path, key, folder):
        return scheme + path
    if (last := key.rpartition(".")[2]) in _PLACES:
        return str(folder / _PLACES[last])  # there is but one place for it
    raise SegkitError(
        "this leads out of the run folder, and is only followed for a run of your own",
        where=f"{key}={node}",
        remedy="write a place within the folder into its config.yaml, or vouch for what "
        "writes there: allow_targets=[its _target_]",
    )


def _leads_out(path: str, key: str, folder: Path) -> bool:
    if "://" in path:
        return True
    if ".." in PurePosixPath(path.replace("\\", "/")).parts or path.startswith("~"):
        return True
    if path.startswith("/"):
        return not Path(path).is_relative_to(folder)
    # Anything relative is meant from the folder in which the command was started.
    return bool(path) and key.endswith(("dir", "path", "uri", "_args_"))


def refuse_links(folder: Path, part: str = "") -> None:
    """Files of a run are added to; behind a link that would be any file of the user's.

    Args:
        folder: of the run.
        part: look in this folder of it alone.

    Raises:
        SegkitError: a link leads out of the folder.
    """
    home, start = folder.resolve(), folder / part
    found = [start] if part else []
    for place, folders, files in os.walk(start):
        found += [Path(place) / name for name in (*folders, *files)]
    for path in found:
        if path.is_symlink() and not path.resolve().is_relative_to(home):
            raise SegkitError(
                "a link in the run folder leads out of it",
                where=str(path),
                remedy="put the file itself in its place, or remove the link",
            )
