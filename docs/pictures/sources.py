"""What the pictures are made from: run folders, and the commands that train them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

# As it is published, below DATA.
DSB2018 = "dsb2018/stage1_train.zip"

# By the name of the folder below RUNS. $DATA is what `make docs-pictures` is given; without
# model.encoder_weights= they fetch ImageNet weights.
COMMANDS = {
    "dsb2018": "train experiment=dsb2018_128 dataset.root=$DATA/dsb2018/stage1_train.zip",
    "lgg_mri": "train experiment=lgg_mri_128 dataset.root=$DATA/lgg_mri/archive.zip",
    "chest_xray": "train experiment=chest_xray_256 dataset.root=$DATA/chest_xray/archive.zip",
    "deepcell": "train experiment=deepcell_256 "
    "dataset.root=$DATA/deepcell/DeepCell-ImageMask-Dataset.zip",
    "objects": "train experiment=dsb2018_objects dataset.root=$DATA/dsb2018/stage1_train.zip",
    "sweep": "train -m dataset=dsb2018 dataset.root=$DATA/dsb2018/stage1_train.zip "
    "dataset.size=128 dataset.batch_size=8 trainer.max_epochs=15 loss.per_image=true "
    "trainer.check_val_every_n_epoch=3 schedule=cosine dataset.intensity=image "
    "callbacks.average.decay=0.99 augment=light,robust",
    "growth": "benchmark parts=[growth] dataset=dsb2018 "
    "dataset.root=$DATA/dsb2018/stage1_train.zip",
}
# The files without which a folder is not finished.
_DONE = {"sweep": "*/summary.json", "growth": "growth.png"}


class LackingError(Exception):
    """Something that a picture is made from is not there; the message says what brings it."""


@dataclass(frozen=True)
class Sources:
    """Where runs and data lie.

    Attributes:
        runs: a folder with those of :data:`COMMANDS` in it, or links to them.
        data: a folder with the published archives in it, as the commands name them.
        scratch: an empty folder for what is made on the way.
    """

    runs: Path
    data: Path
    scratch: Path

    def folder(self, name: str) -> Path:
        """One of :data:`COMMANDS`, finished.

        Raises:
            LackingError: with the command that makes it.
        """
        folder = self.runs / name
        if not any(folder.glob(_DONE.get(name, "summary.json"))):
            raise LackingError(self.command(name))
        return folder

    def evaluated(self, name: str, file: str) -> Path:
        """A file that ``segkit.evaluate`` leaves in a run folder.

        Raises:
            LackingError: with the command that makes it.
        """
        path = self.folder(name) / file
        if not path.is_file():
            raise LackingError(
                f"python -m segkit.evaluate run={shlex.quote(str(self.runs / name))}"
            )
        return path

    def command(self, name: str) -> str:
        """What makes this folder."""
        key = "hydra.sweep.dir" if name == "sweep" else "hydra.run.dir"
        given = [w.replace("$DATA", str(self.data)) for w in COMMANDS[name].split()]
        words = [f"segkit.{given[0]}", *given[1:], f"{key}={self.runs / name}"]
        return shlex.join(["python", "-m", *words])

    def archive(self, name: str) -> Path:
        """A published archive.

        Raises:
            LackingError: it is not there.
        """
        path = self.data / name
        if not path.exists():
            raise LackingError(f"{path} is missing: docs/data_sets.md says where it is published")
        return path
