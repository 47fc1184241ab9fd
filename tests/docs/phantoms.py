"""What the documents' commands name, written small: images, masks, volumes, archives, weights."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import tifffile
import torch
from PIL import Image

from segkit.data.readers.phantom import write_phantoms
from segkit.inference.objects.roi import write_rois
from tests.data.readers.chest_xray_files import write_films
from tests.data.readers.deepcell_files import _jpeg_files
from tests.data.readers.dicom_sets import write_patients
from tests.data.readers.lgg_mri_files import as_published
from tests.data.readers.nifti_files import volumes, write_task
from tests.data.trees import placed
from tests.docs.own import SIDE, nuclei, write_image


def _pictures(path: Path) -> None:
    for number in range(20, 23):
        write_image(path / f"{number}.tif", number)


def _new(path: Path) -> None:
    """Of the kind that the page is about."""
    stacks = path.with_name("stacks") / "images"
    if stacks.is_dir():
        shutil.copytree(stacks, path)
    else:
        _pictures(path)


def _corrected(path: Path) -> None:
    """Whatever was found in ``new`` was set right, in Fiji."""
    path.mkdir()
    for number in range(20, 23):
        write_rois(path / f"{number}_rois.zip", nuclei(number)[1])


def _slide(path: Path) -> None:
    Image.fromarray(np.tile(nuclei(30)[0], (9, 10, 1))).save(path)


def _dsb2018(path: Path) -> None:
    folder = path.with_suffix("") / "files"
    write_phantoms(folder, count=12, image_size=SIDE, seed=0)
    shutil.make_archive(str(path.with_suffix("")), "zip", folder)
    shutil.rmtree(folder.parent)


def _lgg_mri(path: Path) -> None:
    places = ("CS", "DU", "FG", "HT")
    names = (f"TCGA_{places[n % 4]}_{4940 + n}_19960909" for n in range(8))
    as_published(path.with_suffix(""), dict.fromkeys(names, 3))


def _deepcell(path: Path) -> None:
    home = path.with_suffix("")
    home.mkdir()
    placed(home, _jpeg_files(), "stored zip").rename(path)
    home.rmdir()


def write_planes(path: Path) -> None:
    """``wells``, ``stacks`` or ``new``: fields of two channels with labels; stacks, a mask each."""
    rng = np.random.default_rng(0)
    for number in range(8):
        labels = np.zeros((SIDE, SIDE), np.uint16)
        for n in range(36):
            top, left = 2 + 10 * (n // 6), 2 + 10 * (n % 6)
            labels[top : top + 6 + number % 3, left : left + 7] = n + 1
        lit = np.where(labels, 3000, 300) + rng.integers(0, 200, (4, SIDE, SIDE))
        image = lit.astype(np.uint16)
        for kind in ("images", "masks"):
            (path / kind).mkdir(parents=True, exist_ok=True)
        if path.name == "wells":
            names = {"axes": "CYX", "Channel": {"Name": ["Actin", "DAPI"]}}
            tifffile.imwrite(path / f"images/{number}.ome.tif", image[:2], metadata=names)
            tifffile.imwrite(path / f"masks/{number}.tif", labels)
        else:
            stack = {"axes": "ZYX"}
            tifffile.imwrite(path / f"images/{number}.tif", image, imagej=True, metadata=stack)
            tifffile.imwrite(path / f"masks/{number}.tif", (labels > 0).astype(np.uint8))


def _patients(path: Path) -> None:
    write_patients(path, patients=8, slices=2)


def write_weights(path: Path) -> None:
    """Of MobileNetV2, as if they had been learnt."""
    torch.manual_seed(0)
    torch.save(smp.encoders.get_encoder("mobilenet_v2", weights=None).state_dict(), path)


# By the name in a command; a user's own data, and what else a command says of them, are Own.
WRITERS: dict[str, Callable[[Path], object]] = {
    "images": _pictures,
    "new": _new,
    "corrected": _corrected,
    "mini_test": _pictures,
    "image.png": lambda path: Image.fromarray(nuclei(40)[0]).save(path),
    "slide.tif": _slide,
    "stage1_train.zip": _dsb2018,
    "lgg_mri/archive.zip": _lgg_mri,
    "chest_xray/archive.zip": write_films,
    "DeepCell-ImageMask-Dataset.zip": _deepcell,
    "volumes": lambda path: volumes(path, "abcdefgh"),
    "Task01": write_task,
    "wells": write_planes,
    "stacks": write_planes,
    "films": _patients,
    "ct": _patients,
}
