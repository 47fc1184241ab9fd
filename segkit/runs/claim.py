"""Whose a run folder is: claimed by one run alone, held by one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.core.shell import argument


def claim(path: Path, *, chosen_by_user: bool, anew: bool = False) -> RunFolder:
    """Take a folder for a new run. Its log, created exclusively, is the mark of who was first.

    Args:
        path: where the run is to lie.
        chosen_by_user: a folder that the user named is refused when it is taken; one named by
            the clock gets a number after it.
        anew: take the folder of a run that was killed before it wrote its configuration, too.

    Raises:
        SegkitError: the folder holds a run already, or cannot be written to.
    """
    for number in range(1, 1000):
        folder = RunFolder(path if number == 1 else path.with_name(f"{path.name}-{number}"))
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            with folder.log.open("x", encoding="utf-8"):
                return folder
        except FileExistsError as error:
            if anew and folder.log.is_file() and not folder.config.exists():
                return folder
            if chosen_by_user:
                raise SegkitError(
                    "there is a run in this folder already",
                    where=str(folder.path),
                    remedy="choose another folder, or resume what is there: resume=true, or "
                    + argument("resume", folder.path),
                ) from error
        except OSError as error:
            raise SegkitError(
                f"the run folder cannot be written: {error.strerror}",
                where=str(folder.path),
                remedy="name a folder that you may write to: hydra.run.dir=PATH",
            ) from error
    raise RuntimeError(f"a thousand runs in one second at {path}")


@contextmanager
def held(folder: RunFolder) -> Iterator[None]:
    """Keep other processes out of a run folder, for as long as this one lives.

    The kernel lets go of such a lock when its process ends, however it ends; loader workers
    that outlive it for a moment do not inherit it.

    Raises:
        SegkitError: another process trains this run.
    """
    from filelock import FileLock, Timeout

    from segkit.core.locks import NO_LOCKS, tell_once

    lock = FileLock(folder.lock, blocking=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise SegkitError(
            "another process trains this run",
            where=str(folder.path),
            remedy="wait for it, or stop it first",
        ) from error
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        tell_once(folder.path, "a second process that trains this run would not be noticed")
    try:
        yield
    finally:
        folder.lock.unlink(missing_ok=True)
        lock.release()


def remove_if_empty(path: Path) -> None:
    """Remove the folder of a run that never began, and what was made for it below outputs/."""
    if path.resolve() == Path.cwd():
        return  # the user's own folder, in which evaluate runs
    outputs = Path.cwd() / "outputs"
    run = RunFolder(path)
    with suppress(OSError):
        left = {each.name for each in path.iterdir()}
        claimed = run.log.name in left and left <= {run.log.name, run.lock.name}
        if claimed and not run.log.stat().st_size:
            run.log.unlink()  # and then nothing came of it
            run.lock.unlink(missing_ok=True)
        path.rmdir()
        for folder in path.parents:
            if folder == outputs or not folder.is_relative_to(outputs):
                return
            folder.rmdir()
