"""Two hosts with networks of their own train one network (torchrun, gloo, CPU)."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from segkit.core.tables import parse_table
from segkit.data.readers.phantom import write_phantoms
from tests.cluster.two_hosts import NAMES, ROOT, TORCHRUN, Together, hosts, two_hosts

pytestmark = pytest.mark.cluster

TRAIN = ["-m", "segkit.train"]
PAIR = ["trainer=ddp_cpu", "trainer.num_nodes=2", "trainer.devices=1"]
# In the middle of the second epoch the first process says so, once, and waits to be cut off.
SPY = """
import time
from pathlib import Path
from lightning.pytorch import Callback

class Spy(Callback):
    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        here = (trainer.current_epoch, batch_idx, trainer.global_rank) == (1, 1, 0)
        if here and Path("wait").exists():
            Path("wait").unlink()
            time.sleep(5)
"""


def arguments(home: Path) -> list[str]:
    """A training of seconds: two epochs of five steps, and a small network."""
    return [
        *(
            "dataset=dsb2018",
            f"dataset.root={home / 'data'}",
            f"dataset.cache_dir={home / 'cache'}",
        ),
        *("dataset.size=32", "dataset.batch_size=2", "dataset.panel_count=2"),
        *("model=unet_classic", "model.batch_norm=false", "model.n_filters=4"),
        *("trainer.precision=32-true", "trainer.max_epochs=2", "trainer.enable_progress_bar=false"),
        *("allow_targets=[spy.]", "+callbacks.spy._target_=spy.Spy"),
    ]


def alone(*command: str, cwd: Path) -> None:
    """A command on this machine, which must do well."""
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": f"{ROOT}:{cwd}", "OMP_NUM_THREADS": "1", "HOME": str(cwd)},
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", autouse=True)
def cable() -> Iterator[None]:
    with two_hosts():
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk that both hosts see, with 26 images: 20 or so to train on."""
    folder = tmp_path_factory.mktemp("home")
    write_phantoms(folder / "data", count=26, image_size=64, seed=0)
    (folder / "spy.py").write_text(SPY, "utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(home: Path) -> Path:
    """A run of both hosts, that nothing disturbed."""
    command = [*TORCHRUN, *TRAIN, *arguments(home), *PAIR, "hydra.run.dir=run"]
    both = Together(home, command)
    assert both.ends() == [0, 0], [both.said(name) for name in NAMES]
    return home / "run"


def table(path: Path, *without: str) -> list[dict[str, str]]:
    rows = parse_table(path.read_bytes())
    return [{k: v for k, v in row.items() if k not in without} for row in rows]


TIMES = ("seconds", "images_per_second")


def test_tables_are_those_of_one_machine(trained: Path, home: Path) -> None:
    """Of two processes on it, epoch by epoch; and of one, that scores the same weights."""
    one = ["trainer=ddp_cpu", "trainer.devices=2", "hydra.run.dir=one"]
    alone(*TRAIN, *arguments(home), *one, cwd=home)
    for name in ("metrics.csv", "split.csv", "evaluation_per_image.csv"):
        assert table(trained / name, *TIMES) == table(home / "one" / name, *TIMES), name
    scored = shutil.copytree(trained, home / "scored")
    alone("-m", "segkit.evaluate", f"run={scored}", "trainer=cpu", cwd=home)
    assert table(scored / "evaluation_per_image.csv") == table(trained / "evaluation_per_image.csv")


def weights(run: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return dict(saved["state_dict"])


def test_a_cut_cable_ends_both_hosts_and_the_run_is_resumed(trained: Path, home: Path) -> None:
    (home / "wait").touch()
    timeout = "trainer.strategy.timeout.minutes=0.25"
    given = [*arguments(home), *PAIR, timeout, "hydra.run.dir=cut"]
    both = Together(home, [*TORCHRUN, *TRAIN, *given])
    both.wait_for(lambda: (home / "cut" / "metrics.csv").exists() and not (home / "wait").exists())
    hosts("cut")
    try:
        codes = both.ends()
    finally:
        hosts("mend")
    assert codes == [1, 1]
    for name in NAMES:
        said = both.said(name)
        assert "another of the processes that train together has not answered in time" in said
        assert "resume=DIR resumes from the last whole epoch" in said
        assert "segkit/runs/cli.py" not in said, "a traceback"
    assert len(table(home / "cut" / "metrics.csv")) == 1
    again = Together(home, [*TORCHRUN, *TRAIN, "resume=cut", "allow_targets=[spy.]"])
    assert again.ends() == [0, 0], [again.said(name) for name in NAMES]
    assert table(home / "cut" / "metrics.csv", *TIMES) == table(trained / "metrics.csv", *TIMES)
    before = weights(trained)
    assert all(torch.equal(before[key], value) for key, value in weights(home / "cut").items())
    assert json.loads((home / "cut" / "summary.json").read_text("utf-8"))["epochs"] == 2


@pytest.mark.parametrize(
    ("own", "run", "said"),
    [
        ("disk", "disk/run", "processes 1 do not see the run folder"),
        ("data", "run", "the data of processes 1 is not that of the first"),
    ],
)
def test_disks_that_are_not_shared_are_noticed_before_the_first_step(
    home: Path, tmp_path: Path, own: str, run: str, said: str
) -> None:
    """The second host has another folder of the same name: an empty one, or older data."""
    for name in ("disk", "other disk"):
        (tmp_path / name).mkdir()
    shutil.copytree(home / "data", tmp_path / "data")
    other = Path(shutil.copytree(home / "data", tmp_path / "other data"))
    mask = sorted(other.rglob("masks/*.png"))[0]
    mask.unlink()
    shutil.copy(home / "spy.py", tmp_path)
    command = [*TORCHRUN, *TRAIN, *arguments(tmp_path), *PAIR, f"hydra.run.dir={run}"]
    mount = f"mount --bind '{tmp_path}/other {own}' '{tmp_path}/{own}'"
    both = Together(tmp_path, command, {NAMES[1]: mount})
    assert 0 not in both.ends()
    assert said in both.said(NAMES[0])
    assert said in both.said(NAMES[1])
    assert not (tmp_path / run / "metrics.csv").exists()
    assert not list(tmp_path.rglob("*.ckpt"))
