"""A run folder on disk: claimed by one run alone, complete as the README lists it."""

import fcntl
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from segkit.errors import SegkitError
from segkit.files import write_text

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


class RunFolder:
    """Names of what lies in a run folder.

    Args:
        path: of the folder; ``~`` is the home folder.

    Raises:
        SegkitError: not one path.
    """

    def __init__(self, path: str | Path | float) -> None:
        # A folder called 2018 comes as a number from the command line.
        if not isinstance(path, str | Path | int | float):
            raise SegkitError(
                "one run folder is needed here", where=f"run={path}", remedy="name one: run=DIR"
            )
        self.path = Path(str(path)).expanduser().absolute()
        self.config = self.path / "config.yaml"
        self.split = self.path / "split.csv"
        self.images = self.path / "evaluation_per_image.csv"
        self.summary = self.path / "summary.json"
        self.log = self.path / "train.log"
        self.best = self.path / "checkpoints" / "best.ckpt"
        self.last = self.path / "checkpoints" / "last.ckpt"

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the resolved configuration as plain YAML."""
        write_text(self.config, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def read_config(self) -> dict[str, Any]:
        """Read it back; only plain YAML is accepted.

        Raises:
            SegkitError: this is not a run folder, or its configuration is damaged.
        """
        try:
            config = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: not UTF-8
            raise SegkitError(
                f"not a run folder: its configuration cannot be read ({type(error).__name__})",
                where=str(self.config),
                remedy="name a folder that segkit.train wrote, with config.yaml in it",
            ) from error
        if not isinstance(config, dict):
            raise SegkitError(
                "not a run folder: its configuration holds no keys",
                where=str(self.config),
                remedy="name a folder that segkit.train wrote, with config.yaml in it",
            )
        return config

    def write_split(self, table: str) -> None:
        """Write ``split.csv``."""
        write_text(self.split, table)

    def write_images(self, table: str) -> None:
        """Write the test's counts of each image, as ``segkit.evaluate`` does too."""
        write_text(self.images, table)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``; numbers that are not finite become null."""
        write_text(self.summary, json.dumps(_finite(summary), indent=2) + "\n")

    def read_summary(self) -> dict[str, Any]:
        """Read it back; empty where it is missing, damaged or no mapping."""
        try:
            summary = json.loads(self.summary.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # a training that was cut off has none
        return summary if isinstance(summary, dict) else {}


def claim(path: Path, *, chosen_by_user: bool, anew: bool = False) -> RunFolder:
    """Take a folder for a new run. Its log, created exclusively, is the mark of who was first.

    Args:
        path: where the run is to lie.
        chosen_by_user: a folder that the user named is refused when it is taken; one named by
            the clock gets a number after it.
        anew: take the folder of a run that was killed before it wrote its configuration, too.

    Raises:
        SegkitError: the folder holds a run already, or cannot be written to.
    """
    for number in range(1, 1000):
        folder = RunFolder(path if number == 1 else path.with_name(f"{path.name}-{number}"))
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            with folder.log.open("x", encoding="utf-8"):
                return folder
        except FileExistsError as error:
            if anew and folder.log.is_file() and not folder.config.exists():
                return folder
            if chosen_by_user:
                raise SegkitError(
                    "there is a run in this folder already",
                    where=str(folder.path),
                    remedy=f"choose another hydra.run.dir=, or go on with it: resume={folder.path}",
                ) from error
        except OSError as error:
            raise SegkitError(
                f"the run folder cannot be written: {error.strerror}",
                where=str(folder.path),
                remedy="name a folder that you may write to: hydra.run.dir=PATH",
            ) from error
    raise RuntimeError(f"a thousand runs in one second at {path}")


@contextmanager
def held(folder: RunFolder) -> Iterator[None]:
    """Keep other processes out of a run folder, for as long as this one lives.

    The kernel lets go of such a lock when its process ends, however it ends; loader workers
    that outlive it for a moment do not inherit it.

    Raises:
        SegkitError: another process trains this run.
    """
    path = folder.path / ".lock"
    with path.open("w", encoding="utf-8") as handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SegkitError(
                "another process trains this run",
                where=str(folder.path),
                remedy="wait for it, or stop it first",
            ) from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def is_first_process() -> bool:
    """Whether this is the process that writes files, as the launchers tell it.

    The Trainer knows only once it has started; the run folder is claimed before.
    """
    if "RANK" in os.environ:
        return os.environ["RANK"] == "0"  # torchrun's, which may number machines as it likes
    ranks = ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
    return all(os.environ.get(name, "0") == "0" for name in ranks)


def remove_if_empty(path: Path) -> None:
    """Remove the folder of a run that never began, and what was made for it below outputs/."""
    if path.resolve() == Path.cwd():
        return  # the user's own folder, in which evaluate runs
    outputs = Path.cwd() / "outputs"
    log = path / "train.log"
    with suppress(OSError):
        if list(path.iterdir()) == [log] and not log.stat().st_size:
            log.unlink()  # claimed, and then nothing came of it
        path.rmdir()
        for folder in path.parents:
            if folder == outputs or not folder.is_relative_to(outputs):
                return
            folder.rmdir()


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
    folder = Path(__file__).resolve().parents[1]
    if not (folder / ".git").exists():
        return None
    command = ("git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12")
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603
        return done.stdout.strip()
    return None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value not in (float("inf"), float("-inf")) and value == value:  # noqa: PLR0124
        return value
    return None if isinstance(value, float) else value
