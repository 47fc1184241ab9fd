"""TensorBoard as a run folder keeps it: events only, on an axis of epochs."""

import struct
from collections.abc import Mapping, Sequence

from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard.summary import hparams

from segkit.training.trackers.base import RunLogger


class RunTensorBoard(TensorBoardLogger, RunLogger):
    """Writes ``events.out.tfevents.*`` straight into the run folder.

    Args:
        save_dir: the run folder.
    """

    def __init__(self, save_dir: str) -> None:
        super().__init__(save_dir=save_dir, name="", version="", default_hp_metric=False)

    @property
    def log_dir(self) -> str:
        """The run folder, whose name the parent would expand ``$HOME`` in."""
        return str(self.save_dir)

    def save(self) -> None:
        """Flush the events. The parent would also write hparams.yaml; config.yaml says it all."""
        self.experiment.flush()

    def log_configuration(
        self, text: str, parameters: Mapping[str, str | float], metrics: Sequence[str]
    ) -> None:
        """Show the configuration as text, and fill the HParams tab.

        Args:
            text: the configuration as YAML.
            parameters: hyper-parameters, flat.
            metrics: scalars of this run that the HParams tab compares runs by.
        """
        indented = "\n".join(f"    {line}" for line in text.splitlines())
        self.experiment.add_text("configuration", indented, 0)
        writer = self.experiment.file_writer
        assert writer is not None
        parts = hparams(dict(parameters), dict.fromkeys(metrics, 0.0))  # type: ignore[no-untyped-call]
        for part in parts:
            writer.add_summary(part)

    def log_picture(self, name: str, png: bytes, epoch: int) -> None:
        """Show an RGB picture at its epoch, from the bytes of its file: encoding costs time."""
        width, height = struct.unpack_from(">II", png, 16)  # after the signature, first in IHDR
        shown = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
        writer = self.experiment.file_writer
        assert writer is not None
        writer.add_summary(Summary(value=[Summary.Value(tag=name, image=shown)]), epoch)
