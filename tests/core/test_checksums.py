"""``checksums.csv``: written, read back, and what differs said in words."""

from pathlib import Path

import pytest

from segkit.core.checksums import Checksums, content_hash, differing
from segkit.core.run_folder import RunFolder

KNOWN = {name: Checksums(f"{name}1", f"{name}2") for name in ("b,ä", "a", "c", "d", "e")}


def test_it_is_read_back(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_checksums() is None
    folder.write_checksums(KNOWN)
    assert folder.read_checksums() == KNOWN
    assert folder.checksums.read_text("utf-8").splitlines()[:2] == ["id,image,mask", "a,a1,a2"]


@pytest.mark.parametrize("content", [b"", b"id,image\na,1\n", b"\xff\xfe", b"id,image,mask\n"])
def test_a_damaged_one_tells_nothing(tmp_path: Path, content: bytes) -> None:
    folder = RunFolder(tmp_path)
    folder.checksums.write_bytes(content)
    assert folder.read_checksums() is None


def test_the_hash_stands_on_all_that_is_held_and_on_no_order() -> None:
    turned = dict(reversed(KNOWN.items()))
    assert content_hash(turned) == content_hash(KNOWN)
    other = [
        KNOWN | {"a": Checksums("a1", "other")},
        KNOWN | {"a": Checksums("other", "a2")},
        {name: each for name, each in KNOWN.items() if name != "a"},
    ]
    hashes = {content_hash(each) for each in (KNOWN, *other)}
    assert len(hashes | {content_hash(KNOWN, "id,split")}) == 5


def test_what_differs_is_named() -> None:
    assert differing(KNOWN, dict(KNOWN)) == ""
    changed = KNOWN | {"a": Checksums("a1", "other")}
    assert differing(KNOWN, changed) == "1 of 5 records (a)"
    assert differing(KNOWN, {"f": Checksums("", "")}) == "6 of 6 records (a, b,ä, c, …)"
