"""What is printed reaches terminals of every encoding."""

import io
import sys

import pytest

from segkit.core.streams import speak_plainly


def printed(monkeypatch: pytest.MonkeyPatch, text: str, encoding: str) -> bytes:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
    speak_plainly()
    print(text, end="", flush=True)
    return raw.getvalue()


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("3×4 … 0–1", "ascii", b"3x4 ... 0-1"),
        ("3×4 … 0–1", "latin-1", b"3\xd74 ... 0-1"),
        ("3×4 … 0–1", "utf-8", "3×4 … 0–1".encode()),
        ("±2² ≤ √3 → ÷", "ascii", b"+/-22 <= sqrt 3 -> /"),
        ("━━╸ 1/2 • 0:01", "ascii", b"--- 1/2 * 0:01"),
        ("数据/Müller.png", "ascii", b"\\u6570\\u636e/M\\xfcller.png"),
        ("数据/Müller.png", "latin-1", b"\\u6570\\u636e/M\xfcller.png"),
    ],
)
def test_a_sign_that_is_not_known_is_spelled(
    monkeypatch: pytest.MonkeyPatch, text: str, encoding: str, expected: bytes
) -> None:
    assert printed(monkeypatch, text, encoding) == expected


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_bytes_of_a_name_that_are_no_text_go_out_as_they_came(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    name = b"M\xfcller.png".decode("utf-8", "surrogateescape")
    assert printed(monkeypatch, name, encoding) == b"M\xfcller.png"


def test_a_stream_of_another_kind_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", None)
    speak_plainly()
    print("3×4")
    assert stream.getvalue() == "3×4\n"
