"""One source of each kind that a user can name, and how to tell that they are as they were."""

import shutil
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import torch

from tests.commands.mistakes import write

Tree = dict[str, tuple[int, bytes]]


def changed(before: Tree, after: Tree) -> set[str]:
    """Names directly in a folder, at or below which something is not as it was."""
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    (home, *_) = before
    return {Path(name).relative_to(home).parts[0] for name in names if name != home}


def tree(*folders: Path) -> Tree:
    """Every file and folder with its time and bytes."""
    found = [path for folder in folders for path in (folder, *sorted(folder.rglob("*")))]
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in found}


class Sources:
    """Each in a folder of its own, in which nothing else belongs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data, self.zip = home / "data" / "kidney", home / "zipped" / "kidney.zip"
        self.manifest = home / "tables" / "manifest.csv"
        self.split = home / "splits" / "split.csv"
        self.weights = home / "weights" / "encoder.pth"
        self.images = home / "unseen"
        rng = np.random.default_rng(0)
        for number in range(8):
            image = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
            mask = np.zeros((40, 40), np.uint8)
            mask[5:20, 5 : 20 + number] = 255
            write(self.data / "images" / f"{number}.png", image)
            write(self.data / "masks" / f"{number}.png", mask)
            write(self.images / f"{number}.png", image)
        for path in (self.zip, self.manifest, self.split, self.weights):
            path.parent.mkdir()
        shutil.make_archive(str(self.zip.with_suffix("")), "zip", self.data)
        rows = [f"images/{n}.png,masks/{n}.png,{n}" for n in range(8)]
        self.manifest.write_text("\n".join(["image,mask,id", *rows, ""]), "utf-8")
        splits = ["train"] * 4 + ["val"] * 2 + ["test"] * 2
        rows = [f"{n},{split}" for n, split in enumerate(splits)]
        self.split.write_text("\n".join(["id,split", *rows, ""]), "utf-8")
        encoder = smp.encoders.get_encoder("mobilenet_v2", weights=None)
        torch.save(encoder.state_dict(), self.weights)

    def of(self, root: Path, work: Path) -> list[str]:
        return [
            "dataset=folder",
            f"dataset.root={root}",
            f"dataset.manifest={self.manifest}",
            f"dataset.split.file={self.split}",
            f"dataset.cache_dir={work / 'cache'}",
        ]
