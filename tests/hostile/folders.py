"""Data sets in which something is wrong: for the commands, which see whole folders."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tests.hostile.archives import odd_zips
from tests.hostile.cases import Case
from tests.hostile.pictures import bare_tiff, circle, odd, png
from tests.hostile.samples import noise, pillow, tiff, zipped

Spoil = Callable[[Path], None]


def pairs(root: Path, count: int = 8) -> None:
    """A data set that is in order: ``images/0.png`` and ``masks/0.png`` and so on."""
    for number in range(count):
        mask = np.zeros((24, 24), np.uint8)
        mask[4:12, 4 : 12 + number] = 255
        for kind, pixels in (("images", noise(24, 24, 3, seed=number)), ("masks", mask)):
            (root / kind).mkdir(parents=True, exist_ok=True)
            (root / kind / f"{number}.png").write_bytes(pillow(pixels, "PNG"))


def folders(count: int | None = None) -> Iterator[Case]:
    """Each with one thing wrong; the first ``count``, or all."""
    spoils = {**_contents(), **_places(), **_names()}
    for name in list(spoils)[:count]:
        yield Case(name, "folder", _writer(spoils[name]))
    archives = {} if count is not None else odd_zips()
    for name, data in archives.items():
        if not name.startswith(("unpacks", "claims")):  # read on their own, below a limit
            yield Case(f"zip, {name}", "folder", _archive(data))


def _writer(spoil: Spoil) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        root = folder / "data"
        pairs(root)
        spoil(root)
        return root

    return write


def _archive(data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "data.zip").write_bytes(data)
        return folder / "data.zip"

    return write


def _file(kind: str, data: bytes, called: str = "3.png") -> Spoil:
    def spoil(root: Path) -> None:
        (root / kind / "3.png").unlink()
        (root / kind / called).write_bytes(data)

    return spoil


def _contents() -> dict[str, Spoil]:
    """One image or mask that is damaged, odd or a bomb."""
    found: dict[str, Spoil] = {"nothing wrong": lambda _: None}
    strange = odd()
    for name in (
        "empty.png",
        "text.png",
        "one.png",
        "norows.png",
        "wide.png",
        "turned6.jpg",
        "turned3.jpg",
        "gif.png",
        "zero.jpg",
    ):
        found[f"image {name}"] = _file("images", strange[name])
        found[f"mask {name}"] = _file("masks", strange[name])
    for name in (
        "float nan.tif",
        "span64.tif",
        "complex64.tif",
        "int64.tif",
        "float16.tif",
        "stack.tif",
        "circle150.tif",
        "high.tif",
    ):
        found[f"image {name}"] = _file("images", strange[name], "3.tif")
        found[f"mask {name}"] = _file("masks", strange[name], "3.tif")
    found["image header"] = _file("images", png(60_000, 60_000, 8, 0, b""))
    found["image tiff header"] = _file("images", bare_tiff(60_000, 60_000), "3.tif")
    found["mask circle"] = _file("masks", circle(101), "3.tif")
    found["mask of another size"] = _file("masks", pillow(np.zeros((24, 12), np.uint8), "PNG"))
    found["mask of huge values"] = _file("masks", tiff(np.full((24, 24), 1e300)), "3.tif")
    found["all one pixel"] = _all(pillow(np.zeros((1, 1), np.uint8), "PNG"))
    found["all empty"] = _all(b"")
    return found


def _all(data: bytes) -> Spoil:
    def spoil(root: Path) -> None:
        for path in root.rglob("*.png"):
            path.write_bytes(data)

    return spoil


def _places() -> dict[str, Spoil]:
    """Something else in the place of a file."""

    def replaced(make: Callable[[Path], None], kind: str = "images") -> Spoil:
        def spoil(root: Path) -> None:
            (root / kind / "3.png").unlink()
            make(root / kind / "3.png")

        return spoil

    def circles(root: Path) -> None:
        for name in ("up", "up2"):
            (root / "images" / name).symlink_to(root)
            (root / name).symlink_to(root.parent)
        (root / "whole").symlink_to("/")

    found: dict[str, Spoil] = {"circles of links": circles}
    for kind in ("images", "masks"):
        found[f"folder in {kind}"] = replaced(Path.mkdir, kind)
        found[f"pipe in {kind}"] = replaced(os.mkfifo, kind)
        found[f"dangling link in {kind}"] = replaced(lambda p: p.symlink_to("nowhere"), kind)
        found[f"link to itself in {kind}"] = replaced(lambda p: p.symlink_to(p.name), kind)
        found[f"device in {kind}"] = replaced(lambda p: p.symlink_to("/dev/zero"), kind)
    return found


def _names() -> dict[str, Spoil]:
    """Names that a table, a page or a terminal may stumble over."""
    names = (
        "a b",
        "ä-日本",
        "a\nb",
        'a"b',
        "a,b",
        "<b>&amp;",
        "..a",
        "a'b",
        "-a",
        "[red]a",
        "a%s",
        "a\tb",
        "a\x1b[31mb",
        "{x}",
        "a\\b",
        "é" * 100,
        "😀",
        "#1",
        "=1+1",
    )

    def renamed(name: str | bytes) -> Spoil:
        def spoil(root: Path) -> None:
            for kind in ("images", "masks"):
                called = os.fsdecode(name) if isinstance(name, bytes) else name
                (root / kind / "3.png").rename(root / kind / f"{called}.png")

        return spoil

    found = {f"named {name!r}"[:40]: renamed(name) for name in names}
    found["named in Latin-1"] = renamed(b"\xe4")
    return found


def packed(root: Path) -> bytes:
    """A folder's plain files as an archive."""
    files = [path for path in sorted(root.rglob("*.png")) if path.is_file()]
    return zipped({str(path.relative_to(root)): path.read_bytes() for path in files})
