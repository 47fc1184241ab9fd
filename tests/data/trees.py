"""A small tree of files, as a folder and as a zip archive."""

import zipfile
from pathlib import Path

FILES = {"b/2.png": b"two" * 50, "a.png": b"one", "b/c/3.png": b"", "ä ö.txt": b"four"}


def folder(tmp_path: Path, extra: tuple[str, ...] = ()) -> Path:
    root = tmp_path / "tree"
    for name, data in {**FILES, **dict.fromkeys(extra, b"x")}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def archive(tmp_path: Path, extra: tuple[str, ...] = ()) -> Path:
    path = tmp_path / "tree.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.mkdir("b")
        for name, data in {**FILES, **dict.fromkeys(extra, b"x")}.items():
            out.writestr(name, data)
    return path
