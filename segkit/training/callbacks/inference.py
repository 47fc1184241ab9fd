"""Each epoch the same images of a folder, which need no truth: what the network makes of them."""

import sys

import lightning.pytorch as pl
import numpy as np
import torch

from segkit.core.errors import SegkitError
from segkit.core.run_folder import INFERENCE
from segkit.data.readers.base import Reader
from segkit.drawing.overlay import Picture
from segkit.drawing.panel import PanelRow, panel
from segkit.imaging.pixels import network_input
from segkit.inference.inputs import find_inputs
from segkit.inference.names import Input
from segkit.training.callbacks.pictures import EpochPictures
from segkit.training.module import SegmentationModule

KEY = "callbacks.inference.input"
_LARGEST = 1024  # pixels a side, where the network takes images of any size


class EpochInference(pl.Callback):
    """Draws ``inference/epoch_NNN.png``, and the same to TensorBoard.

    The first process predicts by itself, which a strategy that shards the network cannot do.

    Args:
        input: a file, a folder or a pattern, as ``segkit.predict`` takes it; None draws nothing.
        most: images, the first by name.
        every_n_epochs: 1 draws each epoch.
        tensorboard_megabytes: budget for the event file; sheets beyond it are files only.

    Raises:
        SegkitError: there is no image, or a volume.
    """

    def __init__(
        self, *, input: str | None, most: int, every_n_epochs: int, tensorboard_megabytes: float
    ) -> None:
        self.inputs = find_inputs(input, key=KEY)[0][:most] if input else []
        self.images: dict[str, Picture] = {}
        if volume := next((one for one in self.inputs if one.mask), None):
            what = "a volume, where planes are drawn"
            raise SegkitError(what, where=f"{KEY}: {volume}", remedy="name images of planes")
        self.pictures = EpochPictures(
            INFERENCE,
            every_n_epochs=every_n_epochs,
            tensorboard_megabytes=tensorboard_megabytes,
        )

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the images as those of the data set are read."""
        del trainer
        assert isinstance(pl_module, SegmentationModule)
        self.images = {one.name: _read(one, pl_module.data.reader) for one in self.inputs}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Predict and draw, in the first process only."""
        if not self.images or not self.pictures.due(trainer):
            return
        assert isinstance(pl_module, SegmentationModule)
        rows = [_row(pl_module, name, image) for name, image in self.images.items()]
        self.pictures.write(trainer, panel(rows, pl_module.task.painter))


def _row(module: SegmentationModule, name: str, image: Picture) -> PanelRow:
    """What the network makes of it, at the size that it is trained at."""
    largest = max(image.shape[:2])
    scale = min(1.0, _LARGEST / largest)
    own = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    planes = network_input(image, module.data.taken, module.data.size or own, name)
    image_BCHW = torch.from_numpy(np.stack([planes])).permute(0, 3, 1, 2)
    precision = module.trainer.precision_plugin
    with precision.val_step_context():
        outputs_BKHW = module(precision.convert_input(image_BCHW.to(module.device)))
    found_BHW = module.task.decoder.decode(outputs_BKHW)
    return PanelRow(name, image, None, found_BHW[0].cpu().numpy())


def _read(one: Input, reader: Reader) -> Picture:
    try:
        image = one.open(sys.maxsize, reader.intensity, planes=reader.planes)
        return image.rows(0, image.size[0])
    except SegkitError as error:
        raise SegkitError(
            f"an image to predict each epoch cannot be read: {error.what}",
            where=f"{KEY}: {one}",
            remedy=f"take it out of the folder, or leave {KEY} out",
        ) from error
