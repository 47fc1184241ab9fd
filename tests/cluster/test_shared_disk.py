"""A disk that two hosts share, which are processes with names and mounts of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from segkit.data.readers.phantom import write_phantoms

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
UNSHARE = ["unshare", "--uts", "--mount", "sh", "-ec"]
READ_ONLY = "mount --bind shared shared && mount -o remount,bind,ro shared"


@pytest.fixture(scope="module", autouse=True)
def allowed() -> None:
    """Skip where this machine does not let one have names and mounts of one's own."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux)")
    done = subprocess.run([*UNSHARE, "hostname x"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs root: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder with ``shared/data``, from which the commands are started."""
    write_phantoms(tmp_path / "shared" / "data", count=12, image_size=64, seed=0)
    return tmp_path


def train(disk: Path, host: str, run: str, before: str = "true") -> "subprocess.Popen[str]":
    """A training of seconds on a host, after a command of the shell."""
    given = [
        *("dataset=dsb2018", "dataset.root=shared/data", "dataset.cache_dir=shared/cache"),
        *("dataset.size=32", "dataset.batch_size=4", "dataset.panel_count=2", "trainer=cpu"),
        *("model=unet_classic", "model.n_filters=4", "trainer.precision=32-true"),
        *("trainer.max_epochs=1", "trainer.enable_progress_bar=false", f"hydra.run.dir={run}"),
    ]
    script = f'hostname {host} && {before} && exec "$@"'
    return subprocess.Popen(
        [*UNSHARE, script, "sh", sys.executable, "-m", "segkit.train", *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=disk,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def outcome(process: "subprocess.Popen[str]") -> tuple[int, str]:
    out, _ = process.communicate(timeout=300)
    return process.returncode, out


def test_two_hosts_prepare_one_cache_and_a_third_may_only_read_it(disk: Path) -> None:
    both = [train(disk, host, host) for host in ("one", "two")]
    ends = [outcome(process) for process in both]
    assert [code for code, _ in ends] == [0, 0], ends
    assert sum("decoding Dsb2018" in out for _, out in ends) == 1
    (cache,) = (path for path in (disk / "shared" / "cache").iterdir() if path.is_dir())
    assert len(list(cache.glob("pixels-*.bin"))) == 1
    code, out = outcome(train(disk, "three", "three", READ_ONLY))
    assert code == 0, out
    assert "decoding" not in out
    tables = [(disk / name / "evaluation_per_image.csv").read_text() for name in ("one", "three")]
    assert tables[0] == tables[1]


def test_a_cache_that_cannot_be_built_where_it_may_only_be_read(disk: Path) -> None:
    (disk / "shared" / "cache").mkdir()
    code, out = outcome(train(disk, "one", "run", READ_ONLY))
    assert code == 2
    assert "the cache cannot be written: Read-only file system" in out
    assert "dataset.cache_dir=PATH" in out
    assert not (disk / "run").exists()
