"""Tars, plain and packed: damaged, odd, and larger than they look."""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Iterator

from tests.data.archive_files import tar
from tests.hostile.cases import Case, file, spoilt
from tests.hostile.samples import noise, pillow

_PACKED = {"tar": "w:", "tar.gz": "w:gz", "tar.xz": "w:xz", "tar.bz2": "w:bz2"}


def tars(seed: int = 0, count: int = 60) -> Iterator[Case]:
    """Damaged tars, ``count`` in all, and then the odd ones."""
    files = {
        "images/a.png": pillow(noise(20, 24), "PNG"),
        "masks/a.png": pillow(noise(20, 24) // 128 * 255, "PNG"),
        f"{'long' * 30}/ä ö.txt": b"x" * 300,
    }
    for number, (kind, mode) in enumerate(_PACKED.items()):
        data, each = tar(files, mode), count // len(_PACKED)
        for what, damaged in spoilt(kind, data, each, seed * 1000 + 700 + number):
            yield file(what, "tar", damaged, f"a.{kind}")
    for name, (kind, data) in _odd().items():
        yield file(name, "tar", data, f"a.{kind}")


def tar_bombs() -> Iterator[Case]:
    """Those that are larger than they look."""
    zeros, end = bytes(2**26), bytes(1024)
    name = _header(tarfile.GNUTYPE_LONGNAME, len(zeros))
    member = _header(tarfile.REGTYPE, len(zeros))
    for what, kind, data in (
        ("a name of zeros", "tar.gz", gzip.compress(name + zeros + end, 1)),
        ("a large member", "tar.gz", gzip.compress(member + zeros + end, 1)),
        ("unpacks", "tar.xz", lzma.compress(zeros, preset=0)),
        ("unpacks by bzip2", "tar.bz2", bz2.compress(zeros, 1)),
    ):
        yield file(what, "tar", data, f"a.{kind}")


def _header(kind: bytes, size: int, name: str = "a.png") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def _odd() -> dict[str, tuple[str, bytes]]:
    end = bytes(1024)
    found = {
        "empty": ("tar", b""),
        "no member": ("tar", bytes(10_240)),
        "text": ("tar.gz", b"no archive" * 99),
        "no tar": ("tar.gz", gzip.compress(b"no archive" * 99)),
        "claims a member": ("tar", _header(tarfile.REGTYPE, 2**40) + end),
        "a negative size": ("tar", _header(tarfile.REGTYPE, -5) + end),
        "a name to come": ("tar", _header(tarfile.GNUTYPE_LONGNAME, 2**31) + bytes(2**20) + end),
        "attributes": ("tar", _header(tarfile.XHDTYPE, 2000) + b"99 path=" * 300 + end),
        "sparse": ("tar", _header(tarfile.GNUTYPE_SPARSE, 2**33) + end),
        "a large dictionary": (
            "tar.xz",
            lzma.compress(
                tar({"a.png": b"x"}),
                filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**20}],
            ),
        ),
    }
    several = b"".join(
        _header(kind, 0, name)
        for kind, name in (
            (tarfile.SYMTYPE, "images/a.png"),
            (tarfile.CHRTYPE, "images/b.png"),
            (tarfile.REGTYPE, "../../images/c.png"),
            (tarfile.REGTYPE, "/images/d.png"),
            (tarfile.REGTYPE, "images/" + "x" * 90 + ".png"),
            (tarfile.REGTYPE, "."),
            (tarfile.REGTYPE, ""),
        )
    )
    return found | {"kinds": ("tar", several + end)}
