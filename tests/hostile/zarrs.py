"""OME-Zarrs that are damaged, odd, or larger than they look; each a folder of small files."""

import bz2
import gzip
import json
import lzma
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

from tests.hostile.cases import Case, spoilt
from tests.hostile.samples import noise, pillow
from tests.imaging.zarr_files import attributes, write_zarr

Files = dict[str, bytes]
ZEROS = bytes(2**26)


def samples() -> dict[str, Files]:
    """Images that are in order: of both versions, in shards, a stack; by the names of files."""
    deep = noise(3, 20, 24, kind="uint16")
    kinds: dict[str, dict[str, Any]] = {
        "older": {"names": ["a", "b", "c"], "chunks": (1, 16, 16)},
        "newer": {"version": 3, "chunks": (1, 16, 16)},
        "shards": {"version": 3, "chunks": (1, 8, 8), "shards": (3, 16, 16)},
    }
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in kinds.items():
            path = write_zarr(Path(folder, f"{name}.zarr"), deep, "cyx", **options)
            files = sorted(each for each in path.rglob("*") if each.is_file())
            found[name] = {str(each.relative_to(path)): each.read_bytes() for each in files}
    return found


SAMPLES = samples()


def zarrs(seed: int = 0, count: int = 120) -> Iterator[Case]:
    """Damaged ones, ``count`` in all, half of them in what they say; then the odd ones."""
    for number, (kind, files) in enumerate(SAMPLES.items()):
        told = [name for name in files if name.endswith((".json", ".zattrs", ".zarray"))]
        others = [name for name in files if name not in told][:3]
        for at, name in enumerate([*told, *others]):
            several = spoilt(name, files[name], count // 20, seed * 1000 + 10 * number + at)
            for what, damaged in several:
                yield image(f"{kind}, {what}", files | {name: damaged})
    for name, files in (*_said(), *_arrays(), *_newer()):
        yield image(name, files)
    for name, spoil in _places().items():
        yield image(name, SAMPLES["older"], spoil)


def image(name: str, files: Files, spoil: Callable[[Path], None] = lambda _: None) -> Case:
    """An image with its mask, in a data set."""

    def write(folder: Path) -> Path:
        path = folder / "images" / "a.ome.zarr"
        for called, data in files.items():
            (path / called).parent.mkdir(parents=True, exist_ok=True)
            (path / called).write_bytes(data)
        spoil(path)
        (folder / "masks").mkdir()
        (folder / "masks" / "a.png").write_bytes(pillow(noise(20, 24) // 128 * 255, "PNG"))
        return path

    return Case(f"zarr, {name}", "zarr", write)


def changed(kind: str, file: str, **changes: Any) -> Files:
    """A sample in which a file says other things."""
    files = SAMPLES[kind]
    said = json.loads(files[file]) | changes
    return files | {file: json.dumps(said).encode()}


def _said() -> Iterator[tuple[str, Files]]:
    """Groups that say of their image what few do."""
    odd: list[Any] = [None, [], {}, [{}], [[]], 7, "0", [{"datasets": []}], {"0": 1}]
    for value in odd:
        yield f"multiscales {value}", changed("older", ".zattrs", multiscales=value)
        yield f"omero {value}", changed("older", ".zattrs", omero=value)
        yield f"attributes {value}", changed("newer", "zarr.json", attributes=value)
        yield f"ome {value}", changed("newer", "zarr.json", attributes={"ome": value})
    for level in ("", ".", "..", "../a.ome.zarr/0", "/", "0\0", "x" * 5000, 3, None, ["0"]):
        said = attributes("cyx")
        said["multiscales"][0]["datasets"][0]["path"] = level
        yield f"level {str(level)[:20]!r}", changed("older", ".zattrs", **said)
    for axes in ("", "yx", "cyxz", "ccyx", "CYX", "abc"):
        yield f"axes {axes!r}", changed("older", ".zattrs", **attributes(axes))
    for text in (b"", b"null", b"[" * 99999, b"9" * 9999, b"\xff\xfe{}", b'{"a":' * 9999):
        for file in (".zattrs", "0/.zarray"):
            yield f"{text[:9]!r} in {file}", SAMPLES["older"] | {file: text}


def _arrays() -> Iterator[tuple[str, Files]]:
    """Arrays of version 2 that claim what few do, and chunks that unpack to more."""
    sides: list[Any] = [[], [2, 20], [2, 20, 0], [2, -20, 24], [2, 20.0, 24], [True, 20, 24], "abc"]
    sides += [
        None,
        7,
        [2, 10**9, 10**9],
        [2, 10**30, 24],
        [2, 2**63, 2**63],
        [9] * 40,
        [[2], 20, 24],
    ]
    for value in sides:
        yield f"shape {value}", changed("older", "0/.zarray", shape=value)
        yield f"chunks {value}", changed("older", "0/.zarray", chunks=value)
    kinds = ["|O", "<U9", "|V4", "<M8[s]", "<c8", "<f2", "", None, [["a", "<u2"]], "i4,f8", "<f16"]
    for value in kinds:
        yield f"dtype {value}", changed("older", "0/.zarray", dtype=value)
    for value in ({"id": "pickle"}, {"id": "json2"}, {"id": "../x"}, {}, [], 7, {"id": ["zstd"]}):
        yield f"compressor {value}", changed("older", "0/.zarray", compressor=value)
        yield f"filter {value}", changed("older", "0/.zarray", filters=[value])
    for value in (1e400, "NaN", "x", -1, 2**70, [0], {}, "AAAA"):
        yield f"fill {value}", changed("older", "0/.zarray", fill_value=value)
    for value in ("", "..", "/..", "\0", None, 7):
        yield f"separator {value!r}", changed("older", "0/.zarray", dimension_separator=value)
    yield from bombs()


def bombs() -> Iterator[tuple[str, Files]]:
    """Chunks of few bytes that unpack to many, or claim to; and images of which none is there."""
    packed = {
        "gzip": gzip.compress(ZEROS),
        "zlib": zlib.compress(ZEROS),
        "bz2": bz2.compress(ZEROS),
        "lzma": lzma.compress(ZEROS),
        "zstd": bytes(imagecodecs.zstd_encode(ZEROS)),
        "blosc": bytes(imagecodecs.blosc_encode(ZEROS)),
        "lz4": bytes(imagecodecs.lz4_encode(ZEROS, header=True)),
    }
    for name, data in packed.items():
        said = changed("older", "0/.zarray", compressor={"id": name})
        yield f"{name} unpacks", said | {"0/0.0.0": data}
    claims = {
        "blosc": b"\x02\x01\x21\x02" + struct.pack("<III", 2**31 - 1, 2**18, 100) + bytes(84),
        "zstd": b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**62) + bytes(9),
        "lz4": struct.pack("<I", 2**32 - 1) + bytes(99),
    }
    for name, data in claims.items():
        said = changed("older", "0/.zarray", compressor={"id": name})
        yield f"{name} claims", said | {"0/0.0.0": data}
    sides = {
        "tall": ([3, 10**6, 1000], [1, 16, 16]),
        "tiny": ([3, 2000, 1900], [1, 1, 1]),
        "wide": ([3, 1000, 10**8], [1, 1, 10**8]),
        "deep": ([10**9, 20, 24], [1, 16, 16]),
        "whole": ([3, 2000, 1900], [10**4, 10**4, 10**4]),
        "edge": ([3, 20, 24], [1, 10**9, 1]),
    }
    for name, (shape, chunks) in sides.items():
        yield f"{name}, none is there", changed("older", "0/.zarray", shape=shape, chunks=chunks)


def _newer() -> Iterator[tuple[str, Files]]:
    """Arrays of version 3 with odd codecs and shards."""
    plain = [{"name": "bytes", "configuration": {"endian": "little"}}]
    zstd, crc = {"name": "zstd", "configuration": {}}, {"name": "crc32c"}
    lists: list[Any] = [[], [zstd], plain * 2, [*plain, zstd, zstd], [*plain, crc, zstd], None, {}]
    lists += [[*plain, {"name": "vlen-utf8"}], [{"name": "numcodecs.pickle"}], ["bytes"], [None]]
    turned = [
        {"name": "transpose", "configuration": {"order": order}} for order in ([0, 0, 1], "C")
    ]
    for number, codecs in enumerate([*lists, *([one, *plain] for one in turned)]):
        yield f"codecs {number}", changed("newer", "0/zarr.json", codecs=codecs)
    said = json.loads(SAMPLES["shards"]["0/zarr.json"])["codecs"][0]
    for name, changes in {
        "side 1": {"chunk_shape": [1, 1, 1]},
        "side 3": {"chunk_shape": [1, 3, 3]},
        "zero": {"chunk_shape": [1, 0, 8]},
        "within": {"codecs": [said]},
        "start": {"index_location": "start"},
        "nowhere": {"index_location": "x"},
        "packed index": {"index_codecs": [*plain, zstd]},
    }.items():
        options = said["configuration"] | changes
        codecs = [{"name": "sharding_indexed", "configuration": options}]
        yield f"shards, {name}", changed("shards", "0/zarr.json", codecs=codecs)
    grid = {"name": "regular", "configuration": {"chunk_shape": [3, 2**20, 2**20]}}
    many = said["configuration"] | {"chunk_shape": [1, 1, 1]}
    codecs = [{"name": "sharding_indexed", "configuration": many}]
    yield "shards, many", changed("shards", "0/zarr.json", codecs=codecs, chunk_grid=grid)
    shard = next(name for name in SAMPLES["shards"] if name.startswith("0/c"))
    index = np.full(3 * 2 * 2 * 2, 2**63, "<u8").tobytes()
    same = np.tile([0, 99], 12).astype("<u8").tobytes()
    plain_index = said["configuration"] | {"index_codecs": plain}
    codecs = [{"name": "sharding_indexed", "configuration": plain_index}]
    for name, places in {"far": index, "overlapping": same}.items():
        files = changed("shards", "0/zarr.json", codecs=codecs)
        yield f"index, {name}", files | {shard: bytes(300) + places}


def _places() -> dict[str, Callable[[Path], None]]:
    """What lies where a chunk or metadata should."""

    def instead(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
        def spoil(path: Path) -> None:
            (path / name).unlink()
            make(path / name)

        return spoil

    return {
        "chunk elsewhere": instead("0/0.0.0", lambda path: path.symlink_to("/etc/passwd")),
        "chunk in a circle": instead("0/0.0.0", lambda path: path.symlink_to(path.name)),
        "chunk a pipe": instead("0/0.0.0", os.mkfifo),
        "chunk a device": instead("0/0.0.0", lambda path: path.symlink_to("/dev/zero")),
        "chunk a folder": instead("0/0.0.0", Path.mkdir),
        "metadata a pipe": instead("0/.zarray", os.mkfifo),
        "metadata elsewhere": instead(".zattrs", lambda path: path.symlink_to("/etc/passwd")),
        "attributes a pipe": instead(".zattrs", os.mkfifo),
        "a circle": lambda path: (path / "0" / "loop").symlink_to(path),
        "level elsewhere": lambda path: (
            (path / "0").rename(path.parent / "b") and (path / "0").symlink_to(path.parent / "b")
        ),
    }
