"""What ``make gpu-check`` looks at: commands as a user types them, and what must come of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from segkit.core.files import write_bytes
from segkit.core.run_folder import RunFolder
from segkit.core.tables import read_table
from segkit.drawing.overlay import encode_png

_SMALL = ("dataset.count=24", "dataset.image_size=64", "dataset.size=64", "dataset.batch_size=4")
_SMALL_NETWORK = ("model=unet_classic", "model.n_filters=4", "model.dropout=0")
_LARGE = ("dataset.count=480", "dataset.image_size=256", "dataset.size=256")
_LARGE_NETWORK = ("dataset.batch_size=32", "model.encoder_weights=null")
# Of the device's memory, for a process that is to run out of it.
_SHORT = "import torch; torch.cuda.set_per_process_memory_fraction(0.01); "


class CheckError(Exception):
    """A check failed; the message says how."""


class Machine:
    """Runs commands on what there is.

    Args:
        folder: for their runs.
        gpu: whether there is one.
    """

    def __init__(self, folder: Path, *, gpu: bool) -> None:
        self.folder, self.gpu = folder, gpu
        data = (*_LARGE, *_LARGE_NETWORK) if gpu else (*_SMALL, *_SMALL_NETWORK)
        quiet = ("trainer.enable_progress_bar=false", "logger=none", "trainer.devices=1")
        self.common = (*data, *quiet, f"dataset.cache_dir={folder / 'cache'}", "seed=0")

    def begin(self, module: str, *given: str, before: str = "") -> subprocess.Popen[str]:
        """Start a command."""
        code = f"{before}from segkit.{module} import main; main()"
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", code, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, module: str, *given: str, expect: int = 0, before: str = "") -> str:
        """What a command printed.

        Raises:
            CheckError: it ended otherwise than expected.
        """
        process = self.begin(module, *given, before=before)
        said, _ = process.communicate()
        if process.returncode != expect:
            raise CheckError(f"{module} ended with {process.returncode}: {said[-1500:].strip()}")
        return said

    def training(self, name: str, *given: str, epochs: int = 4) -> list[str]:
        """The arguments of a training into a folder of its own."""
        folder = f"hydra.run.dir={self.folder / name}"
        return [*self.common, f"trainer.max_epochs={epochs}", *given, folder]

    def train(self, name: str, *given: str) -> RunFolder:
        """Train to the end."""
        self.run("train", *self.training(name, *given))
        return RunFolder(self.folder / name)


def pace(run: RunFolder) -> str:
    """Images a second after the first epoch, and the precision."""
    rates = [float(row["images_per_second"]) for row in read_table(run.metrics)]
    summary = run.read_summary()
    return f"{median(rates[1:]):.0f} images/s, {summary['precision']}"


def trains(*given: str) -> Callable[[Machine], str]:
    """A training with these settings."""
    return lambda machine: pace(machine.train("-".join(("train", *given)), *given))


def finds_a_batch(machine: Machine) -> str:
    """``dataset.batch_size=auto`` fills the memory, and trains."""
    run = machine.train("batch", "dataset.batch_size=auto")
    return f"batch {run.read_config()['dataset']['batch_size']}, {pace(run)}"


def resumes(*given: str, exactly: bool) -> Callable[[Machine], str]:
    """A killed training, resumed, beside one that was not."""

    def check(machine: Machine) -> str:
        name = "exact" if exactly else "killed"
        whole = machine.train(f"{name}-whole", *given)
        process = machine.begin("train", *machine.training(name, *given))
        run = RunFolder(machine.folder / name)
        while process.poll() is None and not (run.metrics.is_file() and len(_losses(run)) >= 2):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            raise CheckError(f"it ended by {process.returncode}, before it was killed")
        machine.run("train", f"resume={run.path}")
        worst = max(abs(a - b) / abs(a) for a, b in zip(_losses(whole), _losses(run), strict=True))
        if worst > (0.0 if exactly else 0.1):
            raise CheckError(f"losses differ by {worst:.2g} of their values")
        return "the same losses" if not worst else f"losses within {worst:.1e} of their values"

    return check


def _losses(run: RunFolder) -> list[float]:
    return [float(row["train/loss"]) for row in read_table(run.metrics)]


def shares_the_device(machine: Machine) -> str:
    """Two trainings at once."""
    names = ("together-1", "together-2")
    both = [machine.begin("train", *machine.training(name)) for name in names]
    said = [process.communicate()[0] for process in both]
    if codes := [process.returncode for process in both if process.returncode]:
        raise CheckError(f"ended with {codes}: {said[0][-700:]} {said[1][-700:]}")
    return "; ".join(pace(RunFolder(machine.folder / name)) for name in names)


def measures(machine: Machine) -> str:
    """Training beside a bare loop, MONAI and plain Lightning; tiles beside MONAI's inferer."""
    folder = machine.folder / "benchmark"
    rounds = ["parts=[training,inference]", "rounds=3", f"hydra.run.dir={folder}"]
    machine.run("benchmark", *machine.common, *rounds)
    found = json.loads((folder / "benchmark.json").read_text("utf-8"))["figures"]
    rivals = [one for one in found if one["ratio"] and "onnx" not in one["against"]]
    told = [f"{one['against']} {one['ratio']['median']:.2f}" for one in rivals]
    waits = [f"{one['what']} {one['value']:.2f}" for one in found if "waits" in one["what"]]
    return "; ".join((*told, *waits))


def says_that_memory_ran_out(machine: Machine) -> str:
    """In training: exit code 2, and what to do."""
    given = machine.training("short", "dataset.batch_size=256", epochs=1)
    said = machine.run("train", *given, expect=2, before=_SHORT)
    if "dataset.batch_size" not in said:
        raise CheckError(f"no remedy: {said[-700:]}")
    return said.partition("error: ")[2].partition("\n")[0]


def predicts_with_little_memory(machine: Machine) -> str:
    """Tiles of a large image, beside the answer of a process with all the memory."""
    rows = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    large = np.kron(rows, np.ones((64, 64, 1), np.uint8))
    write_bytes(machine.folder / "large.png", encode_png(large))
    given = [f"run={machine.folder / 'train'}", f"input={machine.folder / 'large.png'}"]
    for name, before in (("much", ""), ("little", _SHORT)):
        folder = f"output={machine.folder / name}"
        machine.run("predict", *given, folder, "tile=256", before=before)
    masks = [(machine.folder / name / "large.png").read_bytes() for name in ("much", "little")]
    if masks[0] != masks[1]:
        raise CheckError("the masks differ")
    return "the same mask"


_ON_DEVICE = ("dataset.device_cache=true", "augment=device_light")
# Each by its name, and whether it needs a GPU.
CHECKS: tuple[tuple[str, Callable[[Machine], str], bool], ...] = (
    ("train", trains(), False),
    ("train, images on the device", trains(*_ON_DEVICE), False),
    ("train, compiled", trains("compile=true"), True),
    ("batch_size=auto", finds_a_batch, False),
    ("killed and resumed", resumes(exactly=False), False),
    ("the same, deterministic", resumes("trainer.deterministic=true", exactly=True), False),
    ("two trainings at once", shares_the_device, False),
    ("memory runs out in training", says_that_memory_ran_out, True),
    ("memory is short in predict", predicts_with_little_memory, True),
    ("beside rivals", measures, False),
)
