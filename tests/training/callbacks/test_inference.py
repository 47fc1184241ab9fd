"""Images without truth, predicted each epoch."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from segkit.core.errors import SegkitError
from segkit.core.planes import Planes
from segkit.drawing.overlay import CLASS_COLOURS, save_png
from segkit.imaging.pixels import decode, to_uint8
from segkit.imaging.tiff_volume import write_stack
from segkit.training.callbacks.inference import EpochInference
from segkit.training.module import SegmentationModule
from segkit.training.tensorboard import RunTensorBoard
from tests.data.readers.nifti_files import save, voxels
from tests.imaging.dicom_files import dicom, ramp

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*",
    "ignore:.*number of training batches.*",
    "ignore:.*LeafSpec.*is deprecated",
    "ignore:.*Checkpoint directory .* exists.*",
)


class Told(RunTensorBoard):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, int]] = []

    def log_picture(self, name: str, png: bytes, epoch: int) -> None:
        assert decode(png, name).shape[2] == 3
        self.shown.append((name, epoch))


class Bright(torch.nn.Module):
    """Foreground where the image is bright."""

    def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        assert image_BCHW.shape == (1, 3, 32, 32)
        return image_BCHW.float().mean(dim=1, keepdim=True) - 100


@pytest.fixture
def module(finished: Any) -> Iterator[SegmentationModule]:
    trained = finished.module.network
    finished.module.network = Bright()
    yield finished.module
    finished.module.network = trained


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "mini"
    images.mkdir()
    for number in range(3):
        picture = np.zeros((40, 60, 3), np.uint8)
        picture[:, 30:] = 200
        save_png(images / f"{number}.png", picture)
    return images


def callback(folder: Path | None, *, most: int = 6, every: int = 1) -> EpochInference:
    given = None if folder is None else str(folder)
    return EpochInference(input=given, most=most, every_n_epochs=every, tensorboard_megabytes=50)


def run(module: SegmentationModule, root: Path, drawing: EpochInference, epochs: int) -> Told:
    logger = Told()
    drawing.on_fit_start(None, module)  # type: ignore[arg-type]
    for epoch in range(epochs):
        trainer: Any = SimpleNamespace(
            default_root_dir=str(root),
            current_epoch=epoch,
            sanity_checking=False,
            is_global_zero=True,
            loggers=[logger],
        )
        drawing.on_validation_end(trainer, module)
    return logger


def test_each_epoch_has_its_sheet_and_every_image_its_row(
    module: SegmentationModule, folder: Path, tmp_path: Path
) -> None:
    drawing = callback(folder, most=2, every=2)
    logger = run(module, tmp_path, drawing, 5)
    assert logger.shown == [("inference", 0), ("inference", 2), ("inference", 4)]
    names = sorted(path.name for path in (tmp_path / "inference").iterdir())
    assert names == ["epoch_000.png", "epoch_002.png", "epoch_004.png"]
    sheet = decode((tmp_path / "inference" / names[0]).read_bytes(), names[0])
    # Two rows of 192 pixels, three columns of 288: no truth.
    assert sheet.shape == (2 * 16 + 2 * 24 + 2 * (24 + 192 + 12), 2 * 16 + 3 * 288 + 2 * 6, 3)
    prediction = sheet[16 + 24 + 24 + 96, 16 + 288 + 6 : 16 + 2 * 288 + 6]
    assert (prediction[:140] < 60).all()
    assert (prediction[150:] == 255).all()
    overlay = sheet[16 + 24 + 24 : 16 + 24 + 24 + 192, 16 + 2 * (288 + 6) :]
    assert (overlay == CLASS_COLOURS[1]).all(axis=2).any()


def test_nothing_is_drawn_unless_asked_for(module: SegmentationModule, tmp_path: Path) -> None:
    logger = run(
        module,
        tmp_path,
        callback(None),
        2,
    )
    assert logger.shown == []
    assert not (tmp_path / "inference").exists()


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SegkitError) as caught:
        EpochInference(
            input=str(tmp_path / "nowhere"), most=6, every_n_epochs=1, tensorboard_megabytes=50
        )
    assert "nowhere" in caught.value.where


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n broken"])
def test_an_image_that_cannot_be_read_is_refused_by_name(
    module: SegmentationModule, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(SegkitError) as caught:
        run(module, tmp_path, callback(tmp_path), 1)
    assert "a.png" in caught.value.where
    assert "callbacks.inference.input" in caught.value.remedy


def test_the_event_file_has_a_budget_and_the_folder_has_not(
    module: SegmentationModule, folder: Path, tmp_path: Path
) -> None:
    drawing = callback(folder)
    drawing.pictures.budget = 0
    assert run(module, tmp_path, drawing, 1).shown == []
    assert (tmp_path / "inference" / "epoch_000.png").is_file()


def test_images_are_read_as_the_data_are(
    module: SegmentationModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = np.random.default_rng(0).integers(0, 4000, (3, 20, 30)).astype(np.uint16)
    (tmp_path / "in").mkdir()
    write_stack(tmp_path / "in" / "a.tif", stack)  # type: ignore[arg-type]
    (tmp_path / "in" / "b.dcm").write_bytes(
        dicom(ramp(0, 4095), BitsStored=12, WindowCenter=100, WindowWidth=50)
    )
    monkeypatch.setattr(module.data.reader, "planes", Planes(z="max"))
    monkeypatch.setattr(module.data.reader, "intensity", (1000.0, 3000.0))
    drawing = callback(tmp_path / "in")
    run(module, tmp_path, drawing, 1)
    for name, stored in (("a", stack.max(axis=0)), ("b", ramp(0, 4095))):
        np.testing.assert_array_equal(drawing.images[name], to_uint8(stored, name, (1000, 3000)))
    save(tmp_path / "ct.nii.gz", voxels(0))
    with pytest.raises(SegkitError, match="a volume"):
        callback(tmp_path / "ct.nii.gz")
