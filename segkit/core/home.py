"""A place for caches, and a name, where a user has neither: in a container under a bare number.

Every command reads this before it knows what it is to do: nothing slow is imported.
"""

import os
import pwd
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from segkit.core.errors import SegkitError

_CACHES = "~/.cache"
_NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")  # as getpass.getuser looks for one


def settle() -> None:
    """Name this user, and a folder for caches that can be written to, for child processes too.

    Without one, what keeps its files there (the decoded data sets, downloaded weights, fonts,
    compiled kernels) fails, or writes into a folder called ``~``.
    """
    _settle_name()
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # which raises where there is none
    homeless = not home.is_absolute() or not home.is_dir()
    if not os.environ.get("XDG_CACHE_HOME", "").startswith("/"):
        os.environ.pop("XDG_CACHE_HOME", None)  # only an absolute path means something there
    named = os.environ.get("XDG_CACHE_HOME")
    caches = Path(named or home / ".cache")
    usable = (named or not homeless) and _may_be_written(caches)
    if usable and not homeless:
        if not _may_be_written(home / ".config"):
            os.environ.setdefault("MPLCONFIGDIR", str(caches / "matplotlib"))
        return
    refuge, unusable = _refuge(), caches
    if homeless:
        os.environ["HOME"] = str(refuge)
    if not usable:
        caches = refuge / ".cache"
        os.environ["XDG_CACHE_HOME"] = str(caches)
        os.environ.setdefault("MPLCONFIGDIR", str(caches / "matplotlib"))
    lacking = "there is no home folder" if homeless else f"{unusable} cannot be written to"
    words = f"{lacking}: caches are kept in {caches} (XDG_CACHE_HOME=PATH places them elsewhere)"
    print(words, file=sys.stderr, flush=True)


def _settle_name() -> None:
    """Name the user, for libraries that ask for it and end where there is none (torch.compile)."""
    if any(os.environ.get(name) for name in _NAMES):
        return
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        os.environ["LOGNAME"] = f"user{os.getuid()}"


def _may_be_written(folder: Path) -> bool:
    """Whether a folder can be written to, or made."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _refuge() -> Path:
    """A folder of this user's own among the temporary ones, the same in each run."""
    folder = Path(tempfile.gettempdir()) / f"segkit-{os.getuid()}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if folder.is_dir() and not folder.is_symlink() and found.st_uid == os.getuid():
            return folder
    return Path(tempfile.mkdtemp(prefix="segkit-"))  # another user has taken the name


def at_home(path: object, key: str) -> Path:
    """A path with ``~`` replaced by the home folder, and ``~/.cache`` by ``$XDG_CACHE_HOME``.

    So a saved configuration names no folder of one machine, or of one user.

    Raises:
        SegkitError: there is no such user.
    """
    text, caches = str(path), os.environ.get("XDG_CACHE_HOME", "")
    if caches and (text == _CACHES or text.startswith(f"{_CACHES}/")):
        return Path(caches + text.removeprefix(_CACHES))
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise SegkitError(
            "nobody of this name has a home folder here",
            where=f"{key}={path}",
            remedy="write the path out; ./~name names a file of that name",
        ) from error
