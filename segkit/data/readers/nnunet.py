"""What nnU-Net's ``dataset.json`` says: the names of classes, by what masks store."""

import json
from contextlib import suppress
from pathlib import PurePosixPath

from segkit.core.errors import SegkitError
from segkit.data.source import Source

NAME = "dataset.json"


def class_names(source: Source) -> tuple[str, tuple[str, ...]] | None:
    """The file, and the names of classes 0, 1, …; None without a file that says so.

    Both of its forms are read, ``{"background": 0, "liver": 1}`` and ``{"0": "background", …}``.
    Regions, of which each is several classes, are no classes of segkit's.
    """
    names = source.names()
    for name in (each for each in names if PurePosixPath(each).name == NAME):
        beside = name.removesuffix(NAME)
        if any(each.startswith((f"{beside}imagesTr/", f"{beside}labelsTr/")) for each in names):
            with suppress(SegkitError, ValueError, RecursionError):
                if found := _classes(json.loads(source.read(name))):
                    return name, found
    return None


def _classes(content: object) -> tuple[str, ...]:
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(labels, dict):
        return ()
    pairs = [
        (value, key) if str(key).isdecimal() else (key, value) for key, value in labels.items()
    ]
    by_value = {int(str(value)): str(name) for name, value in pairs}
    if len(pairs) < 2 or sorted(by_value) != list(range(len(pairs))):
        return ()
    return tuple(by_value[value] for value in range(len(pairs)))
