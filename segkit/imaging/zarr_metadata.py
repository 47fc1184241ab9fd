"""An array of Zarr's, version 2 or 3, as what segkit opens of either: checked, and bounded.

Zarr's own codecs give as many bytes as a chunk claims; those of version 2 are any that numcodecs
has, one of which runs what it unpacks. Here they are those of a list, and keep to a chunk's size.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segkit.core.errors import SegkitError
from segkit.core.limits import check_bytes
from segkit.imaging.channel_names import told
from segkit.imaging.ngff import read_json, read_multiscale

Said = dict[str, Any]
# What unpacks into as many bytes as a chunk has; see :mod:`segkit.imaging.zarr_codec`.
BOUNDED = "segkit_bounded"
# By their names in either version; imagecodecs has a function of each.
_COMPRESSORS = ("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd")
_MOST_AXES, _MOST_IN_SHARD = 5, 2**16
# An image of more chunks than these has none of fewer pixels: each costs time, however small.
_MANY, _SMALL = 100_000, 1024


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """An array.

    Attributes:
        shape: places on each axis.
        chunks: those of a piece that is unpacked as one.
        kind: of its values.
        metadata: as Zarr's version 3 has them.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    kind: np.dtype[Any]
    metadata: Said


class Level:
    """Level 0 of an image, of which the metadata alone are read.

    Args:
        path: of the image's folder.

    Attributes:
        said: what the image says of itself.
        stored: what its array does.
        sizes: places on each axis, by its letter.

    Raises:
        SegkitError: it holds no image, or chunks beyond the bound.
        Exception: whatever damaged metadata raise.
    """

    def __init__(self, path: Path) -> None:
        self.said = read_multiscale(path)
        self.stored = read_array(self.said.array, str(path))
        if len(self.said.axes) != len(self.stored.shape):
            raise ValueError(f"axes {self.said.axes.lower()}, and {len(self.stored.shape)} sides")
        self.sizes = dict(zip(self.said.axes, self.stored.shape, strict=True))

    @property
    def axes(self) -> str:
        """Those of more than one place; and rows and columns."""
        return "".join(axis for axis, n in self.sizes.items() if axis in "YX" or n > 1)

    @property
    def channels(self) -> tuple[str, ...]:
        """What they are called, or none."""
        return told(self.said.channels, self.sizes.get("C", 1))


def read_array(folder: Path, name: str) -> Stored:
    """What an array says of itself.

    Args:
        folder: of the array.
        name: what to call it in an error.

    Raises:
        SegkitError: chunks larger than the bound, or too small.
        Exception: whatever damaged metadata raise, and those of which segkit knows less.
    """
    if (folder / "zarr.json").is_file():
        said = read_json(folder, "zarr.json")
    else:
        said = _upgraded(read_json(folder, ".zarray"))
    grid, keys = said["chunk_grid"], said["chunk_key_encoding"]
    regular = said["node_type"] == "array" and grid["name"] == "regular"
    if not regular or said.get("storage_transformers"):
        raise ValueError("no array of regular chunks")
    kind = np.dtype(str(said["data_type"]))
    if kind.kind not in "biuf" or kind.name != said["data_type"]:
        raise ValueError(f"its pixels are {said['data_type']}")
    shape, outer = _sides(said["shape"]), _sides(grid["configuration"]["chunk_shape"])
    if not 2 <= len(shape) == len(outer) <= _MOST_AXES:
        raise ValueError(f"chunks of {len(outer)} axes, where the image has {len(shape)}")
    codecs, chunks = _codecs(said["codecs"], outer, kind, name)
    _check_number(shape, chunks, name)
    metadata = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": kind.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": outer}},
        "chunk_key_encoding": _keys(keys),
        "fill_value": said["fill_value"],
        "codecs": codecs,
        "attributes": {},
    }
    return Stored(shape, chunks, kind, metadata)


def _upgraded(said: Said) -> Said:
    """What an array of version 2 would say in version 3."""
    if said.get("filters"):
        raise ValueError("filters before its compressor, which segkit does not undo")
    kind, fill, packed = np.dtype(str(said["dtype"])), said["fill_value"], said["compressor"]
    codecs: list[Said] = []
    if said["order"] == "F":  # the first axis changes fastest
        turned = list(range(len(said["shape"])))[::-1]
        codecs.append({"name": "transpose", "configuration": {"order": turned}})
    order = "big" if kind.byteorder == ">" else "little"
    codecs.append({"name": "bytes", "configuration": {"endian": order}})
    if packed is not None:
        codecs.append({"name": packed["id"]})
    if not isinstance(fill, str):
        fill = kind.type(fill or 0).item()
    separator = said.get("dimension_separator") or "."
    return {
        "node_type": "array",
        "shape": said["shape"],
        "data_type": kind.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": said["chunks"]}},
        "chunk_key_encoding": {"name": "v2", "configuration": {"separator": separator}},
        "fill_value": fill,
        "codecs": codecs,
    }


def _sides(listed: Any) -> tuple[int, ...]:
    if not all(type(side) is int and side > 0 for side in listed):
        raise ValueError(f"sides of {str(listed)[:80]}")
    return tuple(listed)


def _keys(said: Said) -> Said:
    usual = {"default": "/", "v2": "."}[said["name"]]
    separator = said.get("configuration", {}).get("separator", usual)
    if separator not in ("/", "."):
        raise ValueError(f"chunks whose names hold {separator!r}")
    return {"name": said["name"], "configuration": {"separator": separator}}


def _codecs(
    listed: list[Said],
    chunk: tuple[int, ...],
    kind: np.dtype[Any],
    name: str,
    *,
    inner: bool = False,
) -> tuple[list[Said], tuple[int, ...]]:
    """The codecs of a chunk, bounded; and the sides of what is unpacked as one."""
    count = math.prod(chunk) * kind.itemsize
    found, packed, chunks = [], False, chunk
    for one in listed:
        codec, options = one["name"], one.get("configuration") or {}
        if codec in _COMPRESSORS and not packed:
            packed, codec, options = True, BOUNDED, {"codec": codec, "count": count}
        elif codec == "bytes":
            options = {"endian": options.get("endian") or "little"}
        elif codec == "crc32c":
            # Within what is packed it would count as bytes of the chunk.
            if listed[-1] is not one:
                raise ValueError("a checksum that is packed")
            options = {}
        elif codec == "transpose":
            options = {"order": options["order"]}
        elif codec == "sharding_indexed" and len(listed) == 1 and not inner:
            options, chunks = _sharding(options, chunk, kind, name)
        else:
            known = ", ".join(_COMPRESSORS)
            raise ValueError(f"its chunks are packed by {codec}; segkit reads {known}")
        found.append({"name": codec, "configuration": options})
    check_bytes(math.prod(chunks) * kind.itemsize, "a chunk", name)
    return found, chunks


def _sharding(
    said: Said, shard: tuple[int, ...], kind: np.dtype[Any], name: str
) -> tuple[Said, tuple[int, ...]]:
    chunk = _sides(said["chunk_shape"])
    counts = [-(-a // b) for a, b in zip(shard, chunk, strict=True)]
    if math.prod(counts) > _MOST_IN_SHARD:
        raise ValueError(f"more than {_MOST_IN_SHARD} chunks in a shard")
    index = [one["name"] for one in said["index_codecs"]]
    if index not in (["bytes"], ["bytes", "crc32c"]):
        raise ValueError("an index of shards that is packed")
    codecs, _ = _codecs(said["codecs"], chunk, kind, name, inner=True)
    index_codecs, _ = _codecs(said["index_codecs"], (len(counts), 2), np.dtype(np.uint64), name)
    place = {"index_location": said.get("index_location", "end")}
    return {"chunk_shape": chunk, "codecs": codecs, "index_codecs": index_codecs, **place}, chunk


def _check_number(shape: tuple[int, ...], chunks: tuple[int, ...], name: str) -> None:
    count = math.prod(-(-a // b) for a, b in zip(shape, chunks, strict=True))
    if count > _MANY and math.prod(chunks) < _SMALL:
        raise SegkitError(
            f"{count:,} chunks of {math.prod(chunks)} values each",
            where=name,
            remedy="write it in larger chunks, such as of 512 by 512 pixels",
        )
