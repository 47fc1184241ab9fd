"""What a JPEG says of its size, read without decoding it."""

import struct

Size = tuple[int, int, int]
# Start of scan: no frame header comes later.
_SCAN = 0xDA


def jpeg_size(data: bytes) -> Size:
    """Rows, columns and samples by the frame header of JPEG (T.81, B.2.2) or JPEG-LS (T.87).

    Raises:
        ValueError: there is none.
    """
    place = 2
    while (place := data.find(b"\xff", place)) >= 0 and place + 10 <= len(data):
        kind = data[place + 1]
        if kind == 0xFF:
            place += 1
        elif kind in (0x00, 0x01) or 0xD0 <= kind <= 0xD8:
            place += 2
        elif kind == 0xF7 or (0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC)):
            rows, columns, samples = struct.unpack_from(">HHB", data, place + 5)
            return rows, columns, samples
        elif kind == _SCAN:
            break
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    raise ValueError("a JPEG without a frame header")


def jpeg2000_size(data: bytes) -> Size:
    """The same by the SIZ marker (T.800, A.5.1), which stands first.

    Raises:
        ValueError: there is none.
    """
    place = data.find(b"\xff\x4f\xff\x51")
    if place < 0:
        raise ValueError("a JPEG 2000 without a header")
    right, bottom, left, top = struct.unpack_from(">IIII", data, place + 8)
    (samples,) = struct.unpack_from(">H", data, place + 40)
    return bottom - top, right - left, samples
