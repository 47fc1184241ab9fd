"""Which files predict reads, and that nothing it writes could take the place of one."""

import glob
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from segkit.data.source import at_home, walk
from segkit.errors import SegkitError, did_you_mean
from segkit.images import IMAGE_SUFFIXES
from segkit.tiling import DEVICES, PRECISIONS, TTA

_KINDS = " ".join(IMAGE_SUFFIXES)


def check_request(config: Mapping[str, Any]) -> None:
    """Refuse values of predict's own keys that cannot work, before anything slow.

    Raises:
        SegkitError: with the key and what it may be.
    """
    for key in ("overlay", "colour", "probability", "rle", "overwrite"):
        if not isinstance(config[key], bool):
            raise _refused(key, config[key], "give true or false")
    for key, known in (("device", DEVICES), ("precision", PRECISIONS), ("tta", TTA)):
        if config[key] not in known:
            raise SegkitError(
                f"unknown {key} {config[key]!r}",
                where=f"{key}={config[key]}",
                remedy=did_you_mean(config[key], known),
            )
    large, targets = config["large"], config["allow_targets"]
    number = isinstance(large, Real) and not isinstance(large, bool)
    if not number or not 0 <= float(large) < float("inf"):
        raise _refused("large", large, "give a number of megapixels: large=64")
    if not isinstance(targets, list) or not all(isinstance(one, str) for one in targets):
        raise _refused("allow_targets", targets, "give prefixes: 'allow_targets=[mypackage.]'")
    if not isinstance(config["output"], str | int | float):
        raise _refused("output", config["output"], "name one folder: output=DIR")
    at_home(config["output"], "output")
    if config["input"] in (None, []):
        raise _refused("input", config["input"], "name a file, a folder or a quoted pattern")


def _refused(key: str, value: object, remedy: str) -> SegkitError:
    return SegkitError(f"{value!r} is not possible here", where=f"{key}={value}", remedy=remedy)


def find_inputs(given: str | Sequence[str], *, key: str = "input") -> list[Path]:
    """List the images that a file, a folder or a pattern names, sorted.

    Args:
        given: a file of any name; a folder, of which the images that lie directly in it are
            taken; a pattern with ``*``, ``?``, ``[…]`` or ``**`` (any depth), of which the images
            are taken; or several of these. Hidden files are left out.
        key: of the configuration that names them, for an error.

    Raises:
        SegkitError: nothing is there, no image among it, two of one stem, or a name that is not
            UTF-8.
    """
    several = list(given) if isinstance(given, list | tuple) else [given]
    # The same file may be named twice, by a folder and by itself.
    found = {path.absolute(): path for one in several for path in _find(str(one), key)}
    stems: dict[str, Path] = {}
    for path in (paths := sorted(found.values())):
        # No table could hold it.
        if (shown := str(path).encode("utf-8", "backslashreplace").decode()) != str(path):
            raise SegkitError("a name that is not UTF-8", where=shown, remedy="rename it")
        if path.stem in stems:
            raise SegkitError(
                f"two inputs have the same name, and would be written as one: {path.stem}",
                where=f"{key}: {stems[path.stem]} and {path}",
                remedy="rename one of them, or give them one after the other",
            )
        stems[path.stem] = path
    return paths


def _find(given: str, key: str) -> list[Path]:
    path = at_home(given, key)
    try:
        if path.is_file():
            return [path]
        if path.is_dir():
            everything = sorted(path.iterdir())
        elif glob.has_magic(given):
            everything = [Path(name) for name in sorted(set(_glob(str(path))))]
        else:
            beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise _not_there(given, key, did_you_mean(path.name, beside))
    except OSError as error:  # a folder that may not be read, or a name too long
        raise SegkitError(
            f"the input cannot be read: {error.strerror or error}",
            where=f"{key}={given}",
            remedy="name a file or a folder that you may read",
        ) from error
    images = [
        p
        for p in everything
        if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".") and p.is_file()
    ]
    if not images:
        below = " (folders below it are not searched)" if path.is_dir() else ""
        raise SegkitError(
            f"no image among {len(everything)} files{below}",
            where=f"{key}={given}",
            remedy=f"images end in {_KINDS}; '{key}=FOLDER/**/*.png' searches at any depth",
        )
    return images


def _not_there(given: str, key: str, hint: str) -> SegkitError:
    # Everything that lies in the folder would be no help.
    hint = f" ({hint})" if hint.startswith("did you mean") else ""
    return SegkitError(
        "the input is not there",
        where=f"{key}={given}",
        remedy=f"name a file, a folder, or a quoted pattern: '{key}=slides/*.tif'{hint}",
    )


def _glob(pattern: str) -> Iterator[str]:
    """As ``glob`` does it, but below ``**`` each folder once: circles of links would not end."""
    parts = Path(pattern).parts
    if "**" not in parts:
        yield from glob.iglob(pattern)  # noqa: PTH207  # absolute patterns too
        return
    deep = parts.index("**")
    above, rest = Path(*parts[:deep]), parts[deep + 1 :] or ("*",)
    for top in [Path(name) for name in _glob(str(above))] if parts[:deep] else [above]:
        for folder, _ in walk(top):
            hidden = any(part.startswith(".") for part in folder.relative_to(top).parts)
            if not hidden:
                yield from _glob(str(Path(glob.escape(str(folder)), *rest)))


def check_output(inputs: Sequence[Path], output: Path) -> None:
    """Refuse a folder in which an input lies, or that is a file.

    Raises:
        SegkitError: with what to do instead.
    """
    if output.exists() and not output.is_dir():
        raise SegkitError(
            "the output is a file, not a folder", where=f"output={output}", remedy="name a folder"
        )
    home = output.resolve()
    for path in inputs:
        # A link may lead into the output, from elsewhere.
        for place in (path.absolute(), path.resolve()):
            if place.parent.resolve() in (home, home / "probabilities", home / "colours"):
                raise SegkitError(
                    "an input lies in the output folder, where it could be overwritten",
                    where=f"{path} and output={output}",
                    remedy="name another output folder",
                )
