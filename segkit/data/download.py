"""Fetch a published archive: with a progress bar, to a temporary name, checked, then renamed."""

import http.client
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import IO

from rich.progress import (
    BarColumn,
    DownloadColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.files import atomic_path, cannot_write
from segkit.core.locks import waited_for
from segkit.core.shell import argument
from segkit.core.terminal import progress

_TIMEOUT = 20.0  # seconds without a byte
_BLOCK = 1 << 20


def fetch(url: str, target: Path, *, home: Path | None = None) -> None:
    """Download a zip archive to ``target``, which appears only once it is whole and readable.

    Of several processes that ask for it at the same time one downloads; the others wait.

    Args:
        url: of the archive.
        target: where it is to lie: in a folder that is missing or empty. What is there already
            is left as it is.
        home: a folder that may hold other files, too.

    Raises:
        SegkitError: other files lie beside it, it cannot be written, the address cannot be
            reached, or what came is not a whole zip archive.
    """
    if target.suffix.lower() != ".zip":
        raise SegkitError(
            "nothing is there, and a download needs the name of a zip file",
            where=f"dataset.root={target}",
            remedy="name an existing folder, or a file: "
            + argument("dataset.root", target / Path(url).name),
        )
    _check_place(target, home)
    lock = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # It stays: who unlinked it would leave two that wait with locks of two files.
        with waited_for(lock):
            if not target.exists():
                _download(url, target)
    except OSError as error:
        raise cannot_write(target, error) from error


def _download(url: str, target: Path) -> None:
    with atomic_path(target) as temporary:
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310  # a constant https address
                _save(answer, temporary, int(answer.headers.get("Content-Length") or 0), url)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it is the server's answer, still open
            raise SegkitError(
                f"there is nothing at {target}, and the archive cannot be fetched: "
                f"{getattr(error, 'reason', error)}",
                where=url,
                remedy=f"fetch it by other means and place it at {target}, or name where it lies: "
                "dataset.root=PATH (with dataset.download=false nothing is fetched)",
            ) from error
        _check(temporary, url)


def _check_place(target: Path, home: Path | None) -> None:
    """A name that was misspelt is no wish to have anything written beside one's own files."""
    folder = target.absolute().parent
    if not folder.is_dir() or (home is not None and folder == home.absolute()):
        return
    beside = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    if beside and target.name not in beside:
        raise SegkitError(
            "the data set is not there, and nothing is fetched into a folder with other files",
            where=f"dataset.root={target}",
            remedy=f"{did_you_mean(target.name, beside)} To fetch it, name a new folder: "
            + argument("dataset.root", folder / "download" / target.name),
        )


def _save(answer: IO[bytes], path: Path, total: int, url: str) -> None:
    columns = (
        TextColumn("fetching {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with progress(f"fetching {url}", *columns) as bar, path.open("wb") as out:
        task = bar.add_task(Path(url).name, total=total or None)
        while block := answer.read(_BLOCK):
            out.write(block)
            bar.advance(task, len(block))
    if total and path.stat().st_size != total:
        raise TimeoutError(f"{path.stat().st_size} of {total} bytes came")


def _check(path: Path, url: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile:
        damaged = "the whole file"
    if damaged is not None:
        raise SegkitError(
            f"the archive came damaged ({damaged})", where=url, remedy="run the command again"
        )
