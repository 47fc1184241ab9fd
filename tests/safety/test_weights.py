"""Checkpoints, weights and arrays that are pickles: nothing of them is ever run."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

READERS = ("evaluate", "predict", "export")


def zipped(path: Path, payload: bytes) -> None:
    """The payload in torch's own format: a real checkpoint with another pickle in it."""
    stream = io.BytesIO()
    torch.save({"state_dict": {"network.weight": torch.zeros(2)}}, stream)
    with zipfile.ZipFile(stream) as made, zipfile.ZipFile(path, "w") as spoilt:
        for entry in made.infolist():
            data = payload if entry.filename.endswith("data.pkl") else made.read(entry)
            spoilt.writestr(entry, data)


def bare(path: Path, payload: bytes) -> None:
    path.write_bytes(payload)


def legacy(path: Path, payload: bytes) -> None:
    """The format before the zip: pickles one after the other, of which any may be the payload."""
    parts: tuple[Any, ...] = (0x1950A86A20F9469CFC6C, 1001, {})
    head = [pickle.dumps(part, 2) for part in parts]
    path.write_bytes(b"".join((*head, payload)))


FORMATS = pytest.mark.parametrize("write", [zipped, bare, legacy])


def test_the_payload_runs_where_it_is_let(stranger: Any) -> None:
    """Without this, the tests below would prove nothing."""
    pickle.loads(stranger.pickled())
    assert stranger.mark.exists()
    stranger.mark.unlink()
    zipped(stranger.best, stranger.pickled())
    torch.load(stranger.best, weights_only=False)
    assert stranger.mark.exists()
    stranger.mark.unlink()


def test_the_folder_is_good_before_it_is_spoilt(stranger: Any) -> None:
    code, said = stranger.use("evaluate")
    assert code == 0, said
    assert (stranger.folder / "evaluation.csv").is_file()
    code, said = stranger.use("train")
    assert code == 0, said


@FORMATS
@pytest.mark.parametrize("name", READERS)
def test_a_best_checkpoint(stranger: Any, name: str, write: Any) -> None:
    write(stranger.best, stranger.pickled())
    said = stranger.refuses(name)
    assert "checkpoint cannot be read" in said
    assert "best.ckpt" in said


@FORMATS
def test_a_last_checkpoint(stranger: Any, write: Any) -> None:
    write(stranger.folder / "checkpoints" / "last.ckpt", stranger.pickled())
    assert "last.ckpt" in stranger.refuses("train")


@pytest.mark.parametrize(
    "state", [{"network.core.weight": "text"}, {1: torch.zeros(2)}, torch.zeros(2), None], ids=str
)
def test_a_checkpoint_of_other_things_than_named_tensors(stranger: Any, state: Any) -> None:
    torch.save({"state_dict": state}, stranger.best)
    assert "checkpoint cannot be read" in stranger.refuses("predict")


@FORMATS
@pytest.mark.parametrize("suffix", [".pth", ".ckpt", ".bin", ".safetensors"])
def test_encoder_weights(stranger: Any, write: Any, suffix: str) -> None:
    path = stranger.home.parent / f"weights{suffix}"
    write(path, stranger.pickled())
    data = ["dataset.count=4", "dataset.image_size=32", "dataset.size=32", "dataset.cache_dir=c"]
    said = stranger.refuses(
        "train", "resume=null", f"model.encoder_weights={path}", "trainer=cpu", *data
    )
    assert "weights cannot be read" in said
    assert str(path) in said


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("checkpoint_path", "{path}"),
        ("pretrained_cfg", {"file": "{path}"}),
        ("pretrained_cfg_overlay", {"file": "{path}"}),
    ],
)
def test_weights_that_timm_would_open(stranger: Any, key: str, value: Any) -> None:
    path = stranger.folder / "weights.pth"
    zipped(path, stranger.pickled())
    value = {k: str(path) for k in value} if isinstance(value, dict) else str(path)
    network = {"_target_": "segmentation_models_pytorch.Unet", "encoder_name": "tu-resnet18"}
    stranger.change("model", {**network, "encoder_weights": None, key: value})
    assert f"{key} is not taken here" in stranger.refuses("predict")


def test_arrays_of_objects(stranger: Any) -> None:
    """The arrays of a data set, as ``numpy.load(allow_pickle=True)`` would run them."""
    root = stranger.home.parent / "arrays"
    root.mkdir()
    payload = np.empty(1, dtype=object)
    payload[0] = stranger.payload()
    for part in ("train", "val", "test"):
        np.savez(root / f"{part}.npz", X=payload, y=payload)
    given = ["dataset=deepcell", f"dataset.root={root}", "dataset.cache_dir=c"]
    said = stranger.refuses("train", "resume=null", *given)
    assert "Python objects" in said
    assert ".npz" in said
    np.load(root / "train.npz", allow_pickle=True)["X"]
    assert stranger.mark.exists(), "the payload was none"
    stranger.mark.unlink()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pkl", ".png"])
def test_a_pickle_in_the_place_of_data_or_images(stranger: Any, suffix: str) -> None:
    path = stranger.home.parent / f"image{suffix}"
    path.write_bytes(stranger.pickled())
    data = ["dataset=folder", f"dataset.root={path}", "dataset.cache_dir=c"]
    assert str(path) in stranger.refuses("train", "resume=null", *data)
    code, said = stranger.use("predict", f"input={path}")
    assert code == 1, said  # as any image that cannot be read
    assert "Traceback" not in said
