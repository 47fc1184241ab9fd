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

from segkit.errors import SegkitError
from segkit.files import atomic_path
from segkit.terminal import progress

_TIMEOUT = 20.0  # seconds without a byte
_BLOCK = 1 << 20


def fetch(url: str, target: Path) -> None:
    """Download a zip archive to ``target``, which appears only once it is whole and readable.

    Raises:
        SegkitError: the address cannot be reached, or what came is not a whole zip archive.
    """
    if target.suffix.lower() != ".zip":
        raise SegkitError(
            "nothing is there, and a download needs the name of a zip file",
            where=f"dataset.root={target}",
            remedy=f"name an existing folder, or a file such as {target / Path(url).name}",
        )
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
