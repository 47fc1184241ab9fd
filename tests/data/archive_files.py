"""Archives that odd tools write, and what stands in their heads."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

PACKED = {"tar": "w:", "tar.gz": "w:gz", "tgz": "w:gz", "tar.xz": "w:xz", "tar.bz2": "w:bz2"}


def tar(files: Mapping[str, bytes], mode: str = "w:") -> bytes:
    """A tar; names that end in ``/`` are folders."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name.rstrip("/"))
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def windows_zip(path: Path, files: Mapping[str, bytes], system: int = 0) -> Path:
    """A zip whose names have backslashes, folders among them."""
    with zipfile.ZipFile(path, "w") as out:
        for name, data in {"set/": b"", **files}.items():
            entry = zipfile.ZipInfo(name.replace("/", "\\"))
            entry.create_system = system
            out.writestr(entry, data)
    return path


def packed_by(path: Path, files: Mapping[str, bytes], method: int, flags: int = 0) -> Path:
    """A zip whose members say that they are packed by another method."""
    with zipfile.ZipFile(path, "w") as out:
        for name, data in files.items():
            out.writestr(name, data)
    packed = bytearray(path.read_bytes())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = packed.find(sign)
        while start >= 0:
            struct.pack_into("<HH", packed, start + place, flags, method)
            start = packed.find(sign, start + 1)
    path.write_bytes(packed)
    return path
