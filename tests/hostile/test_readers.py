"""Every reader on hostile files: pixels, or a message with what, where and what to do.

More of them, or others: ``attempts(pictures(seed=7, count=20000), tmp_path)`` and so on.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from segkit.core.limits import limit_images
from tests.hostile.archives import SPRUNG, archives
from tests.hostile.cases import Case
from tests.hostile.folders import folders
from tests.hostile.outlines import outlines
from tests.hostile.pictures import picture_bombs, pictures
from tests.hostile.reading import MEGAPIXELS, READ, TooLongError, attempt
from tests.hostile.tables import tables
from tests.hostile.tars import tar_bombs, tars
from tests.hostile.volumes import volume_bombs, volumes

ROOT = Path(__file__).parents[2]
# Above what the largest allowed image takes: 32 MB as stored, its copies as 8 and 64 bits.
MOST_GROWTH_MB = 300


def written(cases: Iterable[Case], folder: Path) -> list[tuple[Case, Path]]:
    """Each case in a folder of its own."""
    found = []
    for number, case in enumerate(cases):
        place = folder / f"{number:05d}"
        place.mkdir()
        found.append((case, case.write(place)))
    return found


def attempts(cases: Iterable[Case], folder: Path) -> Counter[str]:
    """Read them all; how many could be, and how many were refused."""
    limit_images(MEGAPIXELS)
    found, wrong = Counter[str](), []
    for case, path in written(cases, folder):
        try:
            said = attempt(case.kind, path)
        except (Exception, TooLongError) as error:
            wrong.append(f"{case.kind}, {case.name}: {type(error).__name__}: {error} ({path})")
            continue
        found["read" if said == READ else "refused"] += 1
    assert not wrong, "\n".join(wrong)
    return found


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    several = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        seed = 1 if name == "three" else 0
        cases = [*tables(seed, 20), *pictures(seed, 60)]
        several.append([(c.name, p.read_bytes()) for c, p in written(cases, tmp_path / name)])
    assert several[0] == several[1] != several[2]


def test_damaged_and_odd_pictures(tmp_path: Path) -> None:
    found = attempts(pictures(), tmp_path)
    assert found.total() > 440
    assert found["read"] > 20, "damage to a comment does no harm"
    assert found["refused"] > 200


def test_damaged_and_odd_volumes(tmp_path: Path) -> None:
    found = attempts(volumes(), tmp_path)
    assert found.total() > 250
    assert found["read"] > 20
    assert found["refused"] > 100


def test_tables(tmp_path: Path) -> None:
    found = attempts(tables(), tmp_path)
    assert found.total() > 140
    assert found["read"] > 5
    assert found["refused"] > 60


def test_folders(tmp_path: Path) -> None:
    found = attempts(folders(), tmp_path)
    assert found.total() > 80
    assert found["read"] > 20
    assert found["refused"] > 30


def test_tars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    found = attempts(tars(), tmp_path)
    assert found.total() > 60
    assert found["read"] > 1, "a tar has no checksums of its contents"
    assert found["refused"] > 40
    left = [
        path for path in (tmp_path / "caches").rglob("*") if path.suffix not in (".tar", ".lock")
    ]
    assert [path for path in left if path.is_file()] == []


def test_outlines(tmp_path: Path) -> None:
    found = attempts(outlines(), tmp_path)
    assert found.total() > 80
    assert found["read"] > 10
    assert found["refused"] > 40


@pytest.mark.slow
def test_archives(tmp_path: Path) -> None:
    found = attempts(archives(), tmp_path)
    assert found.total() > 150
    assert found["read"] > 5
    assert found["refused"] > 60
    assert not SPRUNG, "a pickle was opened"


@pytest.mark.slow
def test_nothing_grows_beyond_the_limit(tmp_path: Path) -> None:
    """In a process of its own, whose peak of memory is its own, too."""
    cases = [
        *picture_bombs(),
        *volume_bombs(),
        *pictures(count=0),
        *archives(count=0),
        *tar_bombs(),
        *tars(count=0),
        *outlines(count=0),
    ]
    named = [(c.name, c.kind, str(path)) for c, path in written(cases, tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.reading"],
        input=json.dumps(named),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "caches")},
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(named) > 100
    assert [row for row in rows if row[1].startswith("CRASH")] == []
    assert [row for row in rows if row[2] > MOST_GROWTH_MB] == []
    refused = {name for name, said, *_ in rows if said != READ}
    assert {"header.png", "header.jpg", "header.bmp", "header.tif", "largest.tif"} <= refused
    limited = [row for row in rows if "max_megapixels" in row[1]]
    assert len(limited) > 10
