"""Each epoch the same images of a folder, which need no truth: what the network makes of them."""

from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch

from segkit.drawing import Picture, save_png
from segkit.images import decode, resize_image, to_channels, to_uint8, without_alpha
from segkit.metrics import predicted_classes
from segkit.panel import PanelRow, panel
from segkit.prediction import logits_at
from segkit.prediction_inputs import find_inputs
from segkit.task import SegmentationTask
from segkit.tensorboard import RunTensorBoard


class EpochInference(pl.Callback):
    """Draws ``inference/epoch_NNN.png``, and the same to TensorBoard.

    Args:
        input: a file, a folder or a pattern, as ``segkit.predict`` takes it; None draws nothing.
        most: images, the first by name.
        every_n_epochs: 1 draws each epoch.

    Raises:
        SegkitError: there is no image, or one that cannot be read.
    """

    def __init__(self, *, input: str | None, most: int, every_n_epochs: int) -> None:
        paths = find_inputs(input)[:most] if input else []
        self.images = {path.stem: _read(path) for path in paths}
        self.every_n_epochs = every_n_epochs

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Predict and draw, in the first process only."""
        epoch = trainer.current_epoch
        if not self.images or trainer.sanity_checking or epoch % self.every_n_epochs:
            return
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, SegmentationTask)
        picture = self._draw(pl_module)
        save_png(Path(trainer.default_root_dir) / "inference" / f"epoch_{epoch:03d}.png", picture)
        for logger in trainer.loggers:
            if isinstance(logger, RunTensorBoard):
                logger.log_panel(picture, epoch, name="inference")

    def _draw(self, task: SegmentationTask) -> Picture:
        rows = [
            PanelRow(name, image, None, _predict(task, image), None)
            for name, image in self.images.items()
        ]
        return panel(rows, classes=task.classes)


@torch.inference_mode()
def _predict(task: SegmentationTask, image: Picture) -> Picture:
    """Classes (H, W) uint8 at the image's own size, as a validation step finds them."""
    size = (image.shape[0], image.shape[1])
    planes = resize_image(to_channels(image, task.data.channels), task.data.size or size)
    image_BCHW = torch.from_numpy(np.stack([planes])).permute(0, 3, 1, 2)
    precision = task.trainer.precision_plugin
    with precision.val_step_context():
        logits_BKHW = task(precision.convert_input(image_BCHW.to(task.device)))
    found_BHW = predicted_classes(logits_at(logits_BKHW[0], size)[None], task.threshold)
    return np.asarray(found_BHW[0].cpu().numpy(), np.uint8)


def _read(path: Path) -> Picture:
    return to_uint8(without_alpha(decode(path.read_bytes(), str(path))), str(path))
