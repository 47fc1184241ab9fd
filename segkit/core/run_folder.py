"""A run folder on disk: claimed by one run alone, complete as the documentation lists it."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from segkit.core.checksums import Checksums, checksum_table, from_table
from segkit.core.errors import SegkitError
from segkit.core.files import write_text
from segkit.core.home import at_home
from segkit.core.moved_targets import rename_moved_targets
from segkit.core.quoting import escaped
from segkit.core.tables import read_table

_PACKAGES = (
    "segkit",
    "torch",
    "torchvision",
    "lightning",
    "segmentation-models-pytorch",
    "albumentations",
    "hydra-core",
    "numpy",
    "opencv-python-headless",
    "monai",
    "onnxruntime",
)


# Folders in a run folder.
CHECKPOINTS, EVALUATION, INFERENCE, PANELS = "checkpoints", "evaluation", "inference", "panels"
LAST, PREVIOUS = "last.ckpt", "previous.ckpt"


class RunFolder:
    """Names of what lies in a run folder.

    Args:
        path: of the folder; ``~`` is the home folder.

    Attributes:
        config: as it was run.
        split: id, group, split and stratum of every record.
        checksums: of the image and mask of every record.
        metrics: a row an epoch.
        curves: the same, drawn.
        panels: a picture an epoch of validation images.
        inference: a picture an epoch of images without ground truth.
        summary: scores, versions, hardware.
        log: of the training; what claims the folder.
        evaluation: scores of each class.
        images: scores of each image.
        pictures: folder of what ``segkit.evaluate`` draws, and of scores on other data.
        report: all of it as a page.
        checkpoints: folder of the next three.
        best: by the monitored score.
        last: where a resume starts.
        previous: the ``last`` before.
        error: why a job of a sweep failed.
        lock: held while a process trains.

    Raises:
        SegkitError: not one path.
    """

    def __init__(self, path: str | Path | float) -> None:
        # A folder called 2018 comes as a number from the command line.
        if not isinstance(path, str | Path | int | float):
            raise SegkitError(
                "one run folder is needed here", where=f"run={path}", remedy="name one: run=DIR"
            )
        self.path = at_home(path, "run").absolute()
        self.config = self.path / "config.yaml"
        self.split = self.path / "split.csv"
        self.checksums = self.path / "checksums.csv"
        self.metrics = self.path / "metrics.csv"
        self.curves = self.path / "curves.png"
        self.panels = self.path / PANELS
        self.inference = self.path / INFERENCE
        self.summary = self.path / "summary.json"
        self.log = self.path / "train.log"
        self.evaluation = self.path / "evaluation.csv"
        self.images = self.path / "evaluation_per_image.csv"
        self.pictures = self.path / EVALUATION
        self.report = self.path / "report.html"
        self.checkpoints = self.path / CHECKPOINTS
        self.best = self.checkpoints / "best.ckpt"
        self.last = self.checkpoints / LAST
        self.previous = self.checkpoints / PREVIOUS
        self.error = self.path / "error.txt"
        self.lock = self.path / ".lock"

    def events(self) -> list[Path]:
        """TensorBoard's files."""
        return list(self.path.glob("events.out.tfevents.*"))

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the resolved configuration as plain YAML."""
        text = yaml.safe_dump(escaped(config), sort_keys=False, allow_unicode=True)
        write_text(self.config, text)

    def read_config(self) -> dict[str, Any]:
        """Read it back, by today's names of classes; only plain YAML is accepted.

        Raises:
            SegkitError: this is not a run folder, or its configuration is damaged.
        """
        try:
            config = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: not UTF-8
            why = "its configuration cannot be read"
            if isinstance(error, FileNotFoundError):
                why = "it has no config.yaml" if self.path.is_dir() else "there is no such folder"
            raise SegkitError(
                f"not a run folder: {why}",
                where=str(self.config),
                remedy="name a folder that segkit.train wrote, with config.yaml in it",
            ) from error
        if not isinstance(config, dict):
            raise SegkitError(
                "not a run folder: its configuration holds no keys",
                where=str(self.config),
                remedy="name a folder that segkit.train wrote, with config.yaml in it",
            )
        rename_moved_targets(config)
        return config

    def write_split(self, table: str) -> None:
        """Write ``split.csv``."""
        write_text(self.split, table)

    def write_checksums(self, checksums: Mapping[str, Checksums]) -> None:
        """Write ``checksums.csv``."""
        write_text(self.checksums, checksum_table(checksums))

    def read_checksums(self) -> dict[str, Checksums] | None:
        """Read it back; None where it is damaged, or missing as in runs of earlier versions."""
        try:
            return from_table(self.checksums.read_bytes()) or None
        except (OSError, ValueError, KeyError):
            return None

    def judged(self, task: str) -> "RunFolder":
        """Where the tables of another task's scores lie."""
        return RunFolder(self.pictures / task)

    def write_images(self, table: str) -> None:
        """Write the test's counts of each image, as ``segkit.evaluate`` does too."""
        write_text(self.images, table)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``; numbers that are not finite become null."""
        write_text(self.summary, json.dumps(_finite(summary), indent=2) + "\n")

    def seconds_before(self, epoch: int) -> float:
        """How long the epochs before this one took, by ``metrics.csv``."""
        if not self.metrics.is_file():
            return 0.0
        rows = read_table(self.metrics)
        return sum(float(row["seconds"]) for row in rows if int(row["epoch"]) < epoch)

    def read_summary(self) -> dict[str, Any]:
        """Read it back; empty where it is missing, damaged or no mapping."""
        try:
            summary = json.loads(self.summary.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # a training that was cut off has none
        return summary if isinstance(summary, dict) else {}


def environment() -> dict[str, Any]:
    """Versions, commit and hardware, for ``summary.json``."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "commit": _commit(),
        "hardware": {
            "machine": platform.machine(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "gpus": gpus,
            "system": platform.platform(),
        },
    }


def _version(package: str) -> str | None:
    from importlib.metadata import version  # it takes its time to import

    with suppress(ModuleNotFoundError):
        return version(package)
    return None


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def _commit() -> str | None:
    """Commit of the checkout that segkit runs from; None outside one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    command = ("git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12")
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, timeout=5, check=True)  # noqa: S603
        return done.stdout.decode("utf-8", "replace").strip()
    return None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value not in (float("inf"), float("-inf")) and value == value:  # noqa: PLR0124
        return value
    return None if isinstance(value, float) else value
