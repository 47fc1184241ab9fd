"""Building a cache beside others, under a kill, and on a full disk: each in its own process."""

import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.data.cache import Cache, open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.dsb2018 import Dsb2018

# Its reader notes in a file that it reads, and then takes its time.
PROGRAM = """
import sys, time
from pathlib import Path
from segkit.data.cache import open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.dsb2018 import Dsb2018

class Slow(Dsb2018):
    def read(self, record):
        with open(sys.argv[3], "a") as log:
            log.write(record.id + chr(10))
        time.sleep(float(sys.argv[4]))
        return super().read(record)

reader = Slow(sys.argv[1])
cache = open_cache(reader, reader.listing().records, spec=CacheSpec((48, 40), 3),
                   folder=Path(sys.argv[2]), name="set", threads=1)
print(cache.folder.name, sum(int(cache.image(name).sum()) for name in cache.entries))
"""


def start(root: Path, cache_dir: Path, log: Path, seconds: float, **options: Any) -> Any:
    command = [sys.executable, "-c", PROGRAM, str(root), str(cache_dir), str(log), str(seconds)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def outcome(process: Any) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return str(out.splitlines()[-1])


def wait_for_lines(log: Path, count: int, process: Any) -> None:
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert process.poll() is None, process.stderr.read()


@pytest.mark.slow
def test_two_processes_that_start_together_build_once(
    phantom_root: Path, cache_dir: Path, tmp_path: Path
) -> None:
    log = tmp_path / "reads"
    both = [start(phantom_root, cache_dir, log, 0.02) for _ in range(2)]
    first, second = map(outcome, both)
    assert first == second
    assert sorted(log.read_text().split()) == [f"phantom_{n:04d}" for n in range(12)]
    reader = Dsb2018(phantom_root)
    records, spec = reader.listing().records, CacheSpec((48, 40), 3)
    cache = open_cache(reader, records, spec=spec, folder=cache_dir, name="set")
    total = sum(int(cache.image(name).sum(dtype=np.int64)) for name in cache.entries)
    assert first.split()[1] == str(total)


@pytest.mark.slow
def test_a_build_that_was_killed_is_never_used(
    phantom_root: Path, cache_dir: Path, tmp_path: Path
) -> None:
    log = tmp_path / "reads"
    killed = start(phantom_root, cache_dir, log, 0.2)
    # When the sixth begins five are done, one more than wait: the file has been begun.
    wait_for_lines(log, 6, killed)
    killed.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    left = {path.name for path in cache_dir.iterdir()}
    assert any(name.endswith(".building") for name in left), "it was killed in the middle"
    assert not any(cache_dir.glob("set-*/index.json"))

    log.unlink()
    assert outcome(start(phantom_root, cache_dir, log, 0)).startswith("set-")
    assert len(log.read_text().split()) == 12
    assert not any(path.name.endswith(".building") for path in cache_dir.iterdir())
    (index,) = cache_dir.glob("set-*/index.json")
    assert len(Cache(index.parent).entries) == 12


def test_a_full_disk_is_said_in_words(phantom_root: Path, cache_dir: Path, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))  # bytes

    process = start(phantom_root, cache_dir, tmp_path / "reads", 0, preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert "SegkitError: the cache cannot be written: File too large" in err
    assert f"dataset.cache_dir={cache_dir}" in err
    assert [path.suffix for path in cache_dir.iterdir()] == [".lock"], "half of it was left"
