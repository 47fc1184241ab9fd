"""Trees of files, as a folder and as a zip archive."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

FILES = {"b/2.png": b"two" * 50, "a.png": b"one", "b/c/3.png": b"", "ä ö.txt": b"four"}


def placed(root: Path, files: Mapping[str, bytes], holder: str = "folder") -> Path:
    """Write files by name into ``root`` itself, or into a stored or deflated zip in it."""
    if holder == "folder":
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        return root
    method = zipfile.ZIP_STORED if holder == "stored zip" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(root / "archive.zip", "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return root / "archive.zip"


def folder(tmp_path: Path, extra: tuple[str, ...] = ()) -> Path:
    return placed(tmp_path / "tree", {**FILES, **dict.fromkeys(extra, b"x")})


def archive(tmp_path: Path, extra: tuple[str, ...] = ()) -> Path:
    path = tmp_path / "tree.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.mkdir("b")
        for name, data in {**FILES, **dict.fromkeys(extra, b"x")}.items():
            out.writestr(name, data)
    return path
