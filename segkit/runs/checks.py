"""What a training may be configured with, before anything slow is imported; and given to learn."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from segkit.config.checks import Config, check_values
from segkit.config.keys import key_of
from segkit.core.errors import SegkitError
from segkit.tasks.named import check_task

if TYPE_CHECKING:
    from segkit.data.datamodule import SegmentationData


def check_training(config: Config) -> None:
    """Refuse values that no training takes, before anything slow is imported.

    Raises:
        SegkitError: with the key and what it may be.
    """
    lists = [key_of(each) for each in config.get("overrides") or () if "=[" in each]
    for group, option in config["choices"].items():
        # A list of options leaves nothing but a mixture of their keys.
        if option is None and group in lists:
            raise SegkitError(
                f"one option of {group} is needed, and one alone",
                where=f"{group}=",
                remedy=f"name it: {group}=NAME; add -m for a run with each of several",
            )
    check_values(config)
    check_task(config)
    if config.get("compile"):
        _check_compiler(config["trainer"].get("accelerator", "auto"))


def _check_compiler(accelerator: str) -> None:
    """Refuse to compile where there is nothing that torch, or on a GPU Triton, calls for it."""
    called = [os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")]
    if accelerator != "cpu":
        called += [os.environ.get("CC") or "gcc", "clang"]
    if not any(shutil.which(name.split()[0]) for name in called if name.strip()):
        raise SegkitError(
            f"compiling the network needs a C++ compiler, and there is none: {called[0]}",
            where="compile=true",
            remedy="install one (Debian: apt install g++), or name yours: export CXX=PATH; "
            "compile=false trains without",
        )


def check_inference(config: Config) -> None:
    """Refuse images to be predicted each epoch that are not there.

    Raises:
        SegkitError: with the key and what lies there.
    """
    given = ((config.get("callbacks") or {}).get("inference") or {}).get("input")
    if given is not None:
        # It imports NumPy and OpenCV, for which --help does not wait.
        from segkit.inference.inputs import find_inputs

        find_inputs(given, key="callbacks.inference.input")


def check_training_part(data: SegmentationData) -> None:
    """Refuse a split, read from a file, that leaves nothing to train on.

    Raises:
        SegkitError: with how to draw another.
    """
    if not data.indices("train"):
        from segkit.data.splits import clean_split

        raise SegkitError(
            "no image is in the training split",
            where=f"dataset.split.file={data.split.file}",
            remedy=clean_split(data.split),
        )
