"""OME-Zarrs that are damaged, odd, or larger than they look: pixels or a message, in few bytes."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.hostile.cases import Case
from tests.hostile.reading import READ
from tests.hostile.test_fuzz import changed as with_changes
from tests.hostile.test_fuzz import changes, search, st
from tests.hostile.test_readers import MOST_GROWTH_MB, ROOT, attempts, written
from tests.hostile.zarrs import SAMPLES, bombs, image, zarrs


def test_the_samples_are_in_order(tmp_path: Path) -> None:
    cases = [image(name, files) for name, files in SAMPLES.items()]
    assert attempts(cases, tmp_path) == {"read": len(SAMPLES)}


@pytest.mark.sampled
@pytest.mark.parametrize("part", range(20))
def test_damaged_folders(part: int, tmp_path: Path) -> None:
    found = attempts(islice(zarrs(), part, None, 20), tmp_path)
    assert found["read"] > 0, "much is of no matter to pixels"
    assert found["refused"] > 8


@pytest.mark.slow
def test_changed_files() -> None:
    names = [(kind, name) for kind, files in SAMPLES.items() for name in files]

    def make(value: tuple[tuple[str, str], list[tuple[int, bytes, bool]]]) -> Case:
        (kind, name), several = value
        files = SAMPLES[kind]
        return image("changed", files | {name: with_changes(files[name], several)})

    search(st.tuples(st.sampled_from(names), changes(500)), make)


@pytest.mark.slow
def test_nothing_grows_beyond_the_limit(tmp_path: Path) -> None:
    cases = [image(name, files) for name, files in bombs()]
    named = [(c.name, c.kind, str(path)) for c, path in written(cases, tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.reading"],
        input=json.dumps(named),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(named)
    assert [row for row in rows if row[1].startswith("CRASH")] == []
    assert [row for row in rows if row[2] > MOST_GROWTH_MB] == []
    assert [row[0] for row in rows if row[1] == READ] == []
