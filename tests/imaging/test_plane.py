"""A slice as bytes, and back."""

import ast

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.imaging.formats.base import Picture
from segkit.imaging.formats.plane import packed
from segkit.imaging.pixels import decode

KINDS = ("?", "u1", "<i2", ">u2", "i4", "f2", "f4", ">f8")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(4, 7), (4, 7, 3), (1, 1)])
def test_any_real_type_comes_back(kind: str, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 200, shape).astype(kind)
    found = decode(packed(Picture(pixels[::-1])), "a")
    np.testing.assert_array_equal(found, pixels[::-1])
    assert found.dtype == pixels.dtype


def test_threads_share_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11's counts its depth for all threads at once, and now and then fails in one."""

    def fails(*_: object) -> None:
        raise SystemError("AST constructor recursion depth mismatch")

    monkeypatch.setattr(ast, "literal_eval", fails)
    assert decode(packed(Picture(np.ones((2, 3)))), "a").shape == (2, 3)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{",
        b"[null, null, null]",
        b'[["<i2", [1, 3]]]',
        b'[["O", [2]], null, null]',
        b'[["<i2", [9, 9]], null, null]',
    ],
)
def test_damage_is_refused(head: bytes) -> None:
    mark = packed(Picture(np.ones((2, 3)))).split(b"[", maxsplit=1)[0]
    with pytest.raises(SegkitError, match="cannot be read"):
        decode(mark + head + b"\n" + bytes(6), "a")
