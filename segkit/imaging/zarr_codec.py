"""How the chunks of a Zarr are unpacked: into no more bytes than a chunk has.

Importing it takes zarr, which is an extra.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import imagecodecs
from zarr.abc.codec import BytesBytesCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer

from segkit.imaging.zarr_metadata import BOUNDED


@dataclass(frozen=True)
class Bounded(BytesBytesCodec):
    """One of imagecodecs', which is given the room for a chunk.

    Attributes:
        codec: its name there.
        count: of the bytes of a chunk.
    """

    is_fixed_size = False

    codec: str
    count: int

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**data["configuration"])

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": BOUNDED,
            "configuration": {"codec": self.codec, "count": self.count},
        }

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        found = await asyncio.to_thread(self._unpacked, chunk_data.to_bytes())
        return chunk_spec.prototype.buffer.from_bytes(found)

    def _unpacked(self, data: bytes) -> bytes:
        more = {"header": True} if self.codec == "lz4" else {}
        # Room for one byte more, which shows that there are too many.
        found = getattr(imagecodecs, f"{self.codec}_decode")(data, out=self.count + 1, **more)
        if len(found) != self.count:
            raise ValueError(f"a chunk of other than {self.count} bytes")
        return bytes(found)

    async def _encode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer | None:
        raise NotImplementedError("segkit only reads")

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        raise NotImplementedError("what is packed may have any size")
