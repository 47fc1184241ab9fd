"""Freed memory: kept while it is taken again and again, handed back after."""

import sys

import pytest

from segkit.core import heap, memory
from segkit.core.heap import freed_is_kept, kept
from segkit.core.memory import resident

BYTES = 2**27

pytestmark = pytest.mark.skipif(heap._glibc() is None, reason="another system's memory")


def take_and_free() -> None:
    bytearray(b"x") * BYTES


def swept() -> int:
    """What the process holds, without what other tests left free in it."""
    with freed_is_kept():
        pass
    return resident()


def test_freed_memory_is_kept_and_handed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = swept()
    with freed_is_kept():
        take_and_free()
        assert resident() - before > 0.9 * BYTES
        assert kept() > 0.9 * BYTES
        take_and_free()
        assert resident() - before < 1.5 * BYTES  # the same once more
        # Whoever asks how much may be taken is told of it.
        with monkeypatch.context() as at:
            at.setattr(memory, "_groups", lambda: ())
            at.setattr(memory, "_figure", lambda *_: 1024)
            assert memory.available() == 2**20 + kept()
    assert kept() == 0
    assert resident() - before < 0.1 * BYTES
    take_and_free()
    assert resident() - before < 0.1 * BYTES


def fail() -> None:
    take_and_free()
    raise ValueError("on the way")


def test_it_is_handed_back_whatever_happens() -> None:
    before = swept()
    with pytest.raises(ValueError, match="on the way"), freed_is_kept():
        fail()
    assert kept() == 0
    assert resident() - before < 0.1 * BYTES


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    heap._glibc.cache_clear()
    try:
        with freed_is_kept():
            assert kept() == 0
    finally:
        heap._glibc.cache_clear()
