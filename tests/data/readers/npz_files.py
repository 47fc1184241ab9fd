"""Npz files as numpy writes them, in a folder or in a zip."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.data.archives import open_source
from segkit.data.readers.npz import NpzFiles

Save = Callable[..., None]
SAVES: dict[str, Save] = {"stored": np.savez, "deflated": np.savez_compressed}
HOLDERS = ("folder", "stored zip", "deflated zip")


def _hold(tmp_path: Path, data: bytes, holder: str) -> NpzFiles:
    """The bytes as ``train.npz`` in a folder or in a zip."""
    if holder == "folder":
        (tmp_path / "train.npz").write_bytes(data)
        return NpzFiles(open_source(tmp_path))
    method = zipfile.ZIP_STORED if holder == "stored zip" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(tmp_path / "set.zip", "w", method) as archive:
        archive.writestr("train.npz", data)
    return NpzFiles(open_source(tmp_path / "set.zip"))


def _npz(save: Save = np.savez, **arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()
