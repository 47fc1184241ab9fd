"""Commands as they are printed: pasted into the shell that began this one, each of them works."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def relative(path: str | Path) -> str:
    """A path as seen from here, where it lies below."""
    path, here = Path(path), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def program(name: str = "python") -> str:
    """The word by which the shell runs a program of this environment.

    Its name where the shell finds it by that; else its path, as in an environment that was not
    activated.
    """
    own = Path(sys.executable or "python")
    candidates = (name, own.name) if name == "python" else (name,)
    for each in candidates:
        found = shutil.which(each)
        if found and os.path.realpath(Path(found).parent) == os.path.realpath(own.parent):
            return each
    return relative(own if name == "python" else own.with_name(name))


def argument(key: str, value: object) -> str:
    """``key=value``, quoted for the shell.

    >>> argument("dataset.root", "my data")
    "'dataset.root=my data'"
    """
    return shlex.quote(f"{key}={value}")


def command(module: str, *given: str) -> str:
    """``python -m segkit.MODULE key=value …``, quoted for the shell.

    >>> command("check", "dataset.root=my data").partition(" ")[2]
    "-m segkit.check 'dataset.root=my data'"
    """
    return shlex.join([program(), "-m", f"segkit.{module}", *given])


def activation() -> str:
    """The command that enters this environment; empty where the shell is in it already."""
    script = Path(sys.prefix) / "bin" / "activate"
    if program() == "python" or sys.prefix == sys.base_prefix or not script.is_file():
        return ""
    return f". {shlex.quote(relative(script))}"
