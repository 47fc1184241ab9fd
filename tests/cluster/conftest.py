"""Parts of a real cluster, started for the tests that ask for them; see start.sh."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.slurm import Slurm

HERE = Path(__file__).parent
MISSING = 69  # what a part's script ends with where its packages are not installed


def environment() -> dict[str, str]:
    """Of a fresh process: this checkout, one thread, nothing of a job or of a launcher."""
    other = ("PL_", "HYDRA_", "SLURM_", "MASTER_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(other)}
    root = str(HERE.parents[1])
    return {**kept, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """Two nodes; what is still in the queue at the end is cancelled."""
    # The path of a socket is short; and munge insists on folders that anyone may enter.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    script = [str(HERE / "slurm.sh"), str(folder)]
    try:
        done = subprocess.run([*script, "start"], capture_output=True, text=True, check=False)
        if done.returncode == MISSING:
            pytest.skip(done.stderr.strip())
        assert done.returncode == 0, done.stderr
        exported = dict(re.findall(r"export (\w+)=(.*)", done.stdout))
        yield Slurm({**environment(), **exported})
    finally:
        subprocess.run([*script, "stop"], check=True)
        shutil.rmtree(folder)
