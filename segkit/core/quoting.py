"""Texts in the three grammars that a command goes through: the shell's, Hydra's, OmegaConf's."""

import re
from pathlib import Path
from typing import Any

# What is the same with and without quotes: it begins as no number does, or holds a slash.
_BARE = re.compile(r"[A-Za-z_][\w.+%@?*|-]*|[\w.+%@?*|/-]*/[\w.+%@?*|/-]*", re.ASCII)
_OTHER_VALUES = ("null", "true", "false", "nan", "inf")
_OPENED = re.compile(r"(\\*)\$\{")
STRING = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


def quoted(text: str, mark: str = "'") -> str:
    r"""A text as a value in Hydra's grammar, in quotes where it could be taken otherwise.

    >>> print(quoted("data/cells"), quoted("2018"), quoted("it's"))
    data/cells '2018' 'it\'s'
    """
    if mark == "'" and _BARE.fullmatch(text) and text.lower() not in _OTHER_VALUES:
        return text
    # A backslash means itself, but before a quote.
    inside = re.sub(rf"(\\*)({mark}|\Z)", lambda m: m[1] * 2 + (m[2] and f"\\{mark}"), text)
    return f"{mark}{inside}{mark}"


def written(value: Any) -> str:
    r"""A value in Hydra's words, quoted where it could be taken for something else.

    >>> print(written(None), written([0.5, "it's", True]), written({0: 0, "0xff0000": 1}))
    null [0.5,'it\'s',true] {0:0,0xff0000:1}

    Args:
        value: plain, a path, or lists and dictionaries of such.
    """
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        # The grammar knows no quotes around keys.
        return f"{{{','.join(f'{key}:{written(each)}' for key, each in value.items())}}}"
    return quoted(escaped(str(value))) if isinstance(value, str | Path) else repr(value)


def unquoted(value: str) -> str:
    """The text of a value that :func:`quoted` gave; any other as it is."""
    if not STRING.fullmatch(value):
        return value
    ends = re.compile(rf"((?:\\\\)*)(?:\\({value[0]})|\Z)")
    return ends.sub(lambda m: m[1][: len(m[1]) // 2] + (m[2] or ""), value[1:-1])


def escaped(value: Any) -> Any:
    """The same text, or plain containers of such, in which OmegaConf finds nothing to interpolate.

    What is resolved, or saved and read back by :func:`unescaped`, has its ``${`` again.
    """
    return _in_texts(value, lambda text: _OPENED.sub(lambda m: rf"{m[1] * 2}\${{", text))


def unescaped(value: Any) -> Any:
    """The reverse of :func:`escaped`."""
    return _in_texts(value, lambda text: _OPENED.sub(lambda m: m[1][: len(m[1]) // 2] + "${", text))


def interpolates(text: str) -> bool:
    """Whether OmegaConf would put something in the place of a part of this text."""
    return any(len(found[1]) % 2 == 0 for found in _OPENED.finditer(text))


def _in_texts(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _in_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_texts(item, change) for item in value]
    return value
