"""Zip archives and ``.npz`` files: damaged, odd, and larger than they look."""

import io
import pickle
import struct
import warnings
import zipfile
from collections.abc import Iterator

import numpy as np
from numpy.lib import format as npy

from tests.hostile.cases import Case, file, spoilt
from tests.hostile.samples import noise, npz, pillow, zipped


def archives(seed: int = 0, count: int = 120) -> Iterator[Case]:
    """Damaged zip and npz files, ``count`` in all, and then the odd ones and the bombs."""
    picture = pillow(noise(20, 24), "PNG")
    files = {"images/a.png": picture, "masks/a.png": _mask(), "ä ö.txt": b"x" * 300}
    stack = {"X": noise(4, 6, 5, 1), "y": noise(4, 6, 5, 1)}
    whole = {
        "zip": [zipped(files, m) for m in (zipfile.ZIP_STORED, 8, 12, 14)],
        "npz": [npz(packed=packed, **stack) for packed in (False, True)],
    }
    forms = [(kind, n, data) for kind, several in whole.items() for n, data in enumerate(several)]
    for number, (kind, form, data) in enumerate(forms):
        each = count // len(forms) + (number < count % len(forms))
        for what, damaged in spoilt(f"{kind} {form}", data, each, seed * 1000 + 500 + number):
            yield file(what, kind, damaged, f"train.{kind}")
    for name, data in odd_zips().items():
        yield file(name, "zip", data, "data.zip")
    for name, data in odd_arrays().items():
        yield file(name, "npz", data, "train.npz")


def _mask() -> bytes:
    return pillow(noise(20, 24) // 128 * 255, "PNG")


def odd_zips() -> dict[str, bytes]:
    """Archives that hold what an unpacking program should not follow, and bombs."""
    picture = pillow(noise(20, 24), "PNG")
    pair = {"images/a.png": picture, "masks/a.png": _mask()}
    names = (
        "/etc/images/a.png",
        "../../images/a.png",
        "images/../../a.png",
        "C:\\images\\a.png",
        "images/a\nb.png",
        "images/ä b.png",
        "images//a.png",
        "./images/a.png",
        "a" * 60_000,
    )
    found = {f"member {name[:20]!r}": zipped({**pair, name: picture}) for name in names}
    found["nothing.zip"] = zipped({})
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(3):
            archive.writestr("images/a.png", picture)
    found["twice"] = stream.getvalue()
    locked = bytearray(zipped(pair))
    for sign, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = locked.find(sign)
        while start >= 0:
            locked[start + flags] |= 1
            start = locked.find(sign, start + 1)
    found["encrypted"] = bytes(locked)
    unnamed = bytearray(zipped({"x": b""}))
    # The index gives the member no name: 46 bytes of an entry, of which 28 and 29 are its length.
    entry = unnamed.index(b"PK\x01\x02")
    unnamed[entry + 28] = 0
    unnamed[entry + 32] = 1  # what was the name is a comment now
    found["unnamed"] = bytes(unnamed)
    for method in (8, 12, 14):
        data = zipped({"images/a.png": bytes(2**26), "masks/a.png": _mask()}, method)
        found[f"unpacks {method}"] = data
        found[f"claims less {method}"] = _claiming(data, 1000)
        found[f"claims more {method}"] = _claiming(zipped(pair, method), 2**32 - 2)
    return found


def _claiming(data: bytes, size: int) -> bytes:
    """The archive with another unpacked size for its first member."""
    out = bytearray(data)
    struct.pack_into("<I", out, out.index(b"PK\x01\x02") + 24, size)
    struct.pack_into("<I", out, out.index(b"PK\x03\x04") + 22, size)
    return bytes(out)


def npy_bytes(header: bytes, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """An ``.npy`` file with any header."""
    length = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return npy.magic(*version) + length + header + data


def odd_arrays() -> dict[str, bytes]:
    """Headers that numpy, or its reader, stumbles over; pickles; and bombs."""
    good = npy_bytes(
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (4, 6, 5, 1), }", bytes(120)
    )
    heads = {
        "negative": b"{'descr': '|u1', 'fortran_order': False, 'shape': (-2, -60, 1), }",
        "empty items": b"{'descr': '|u1', 'fortran_order': False, 'shape': (4, 0, 5, 1), }",
        "huge items": b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 99999, 99999, 1), }",
        "many items": b"{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999, 0, 1), }",
        "brackets": b"(" * 9000,
        "signs": b"{'descr': '|u1', 'fortran_order': False, 'shape': (" + b"-" * 9000 + b"1,)}",
        "quotes": b"{'descr': '|u1', 'fortran_order': False, 'shape': '''",
        "number": b"{'descr': '|u1', 'fortran_order': False, 'shape': (" + b"9" * 5000 + b",)}",
        "type": b"{'descr': [('a', '|u1', (999999999,))], 'fortran_order': False, 'shape': (4,), }",
        "no type": b"{'descr': 'zzz', 'fortran_order': False, 'shape': (4,), }",
        "bytes": bytes(range(256)) * 8,
        "long": b" " * 60_000,
    }
    found = {
        name: zipped({"X.npy": npy_bytes(head, bytes(120)), "y.npy": good})
        for name, head in heads.items()
    }
    python2 = b"{'descr': '|u1', 'fortran_order': False, 'shape': (4L, 6L, 5L, 1L), }"
    found["python 2"] = zipped({"X.npy": npy_bytes(python2, bytes(120)), "y.npy": good})
    claim = npy.magic(2, 0) + struct.pack("<I", 2**32 - 16) + bytes(2**26)
    found["long header"] = zipped({"X.npy": claim, "y.npy": good})
    found["version"] = zipped({"X.npy": npy.magic(9, 9) + good[8:], "y.npy": good})
    found["packed by bzip2"] = zipped({"X.npy": good, "y.npy": good}, 12)
    found["pickle"] = npz(X=np.array([_Trap(), 1], object), y=noise(2, 4, 4))
    found["bare pickle"] = zipped({"X.npy": pickle.dumps(_Trap()), "y.npy": good})
    found["text"] = npz(X=np.array(["a", "b"]), y=noise(2, 4, 4))
    found["times"] = npz(X=np.zeros((2, 4, 4), "M8[s]"), y=noise(2, 4, 4))
    found["complex"] = npz(X=np.zeros((2, 4, 4), complex), y=noise(2, 4, 4))
    found["nan"] = npz(X=np.full((2, 4, 4, 1), np.nan, np.float32), y=noise(2, 4, 4, 1))
    found["lonely"] = npz(X=noise(2, 4, 4, 1))
    found["uneven"] = npz(X=noise(2, 4, 4, 1), y=noise(3, 4, 4, 1))
    found["other size"] = npz(X=noise(2, 4, 4, 1), y=noise(2, 5, 4, 1))
    found["bomb"] = npz(
        packed=True, X=np.zeros((1, 16_000, 16_000, 1), np.uint8), y=noise(1, 4, 4, 1)
    )
    return found


SPRUNG: list[str] = []


class _Trap:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return SPRUNG.append, ("a pickle was opened",)
