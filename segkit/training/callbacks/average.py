"""An exponential moving average of the weights, which is validated and kept in their place."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from segkit.training.module import SegmentationModule

Tensors = list[Tensor] | tuple[Tensor, ...]


def decay_at(step: int, decay: float) -> float:
    """What a step keeps of the average: little at first, when the weights are still far off.

    The formula is that of TensorFlow's ``ExponentialMovingAverage`` with ``num_updates``.

    Args:
        step: of the optimiser.
        decay: what is kept in the end, 0…1.
    """
    return min(decay, (1 + step) / (10 + step))


class AverageWeights(pl.Callback):
    """Validates, and keeps in ``best.ckpt``, a moving average of the network's weights.

    The network has the average from a validation or the end of an epoch until the next step; the
    steps go on with the weights themselves. ``last.ckpt`` has both, so that a resumed run comes to
    the same end. What batch norm averages is averaged as well.

    Args:
        decay: share of the average that each step keeps, below 1; None averages nothing.
    """

    # Lightning's WeightAveraging takes its average out before best.ckpt is written, and puts it
    # into full checkpoints only.
    def __init__(self, *, decay: float | None) -> None:
        self.decay = decay
        self._network = nn.Module()
        self._average: AveragedModel | None = None
        self._swapped = False  # each has the other's values
        self._step = 0
        self._loaded: dict[str, Any] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin with the weights as they are, or go on with the average of the checkpoint."""
        del trainer
        if self.decay is None:
            return
        assert isinstance(pl_module, SegmentationModule)
        self._network = pl_module.network
        self._average = AveragedModel(self._network, multi_avg_fn=self._blend, use_buffers=True)
        if self._loaded:
            self._average.load_state_dict(self._loaded)

    @torch.no_grad()
    def _blend(self, average: Tensors, weights: Tensors, _: Tensor | int) -> None:
        assert self.decay is not None
        if average[0].is_floating_point():
            # The count of steps is the host's: to ask the average's own would wait for the device.
            torch._foreach_lerp_(average, weights, 1.0 - decay_at(self._step, self.decay))
        else:
            torch._foreach_copy_(average, weights)  # counts of batches

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Train the weights themselves."""
        del trainer, pl_module, batch, batch_idx
        self._swap(False)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Take a step into the average, once all its batches are in."""
        del pl_module, outputs, batch, batch_idx
        if self._average is None or trainer.fit_loop.epoch_loop._should_accumulate():
            return
        self._step = trainer.global_step
        self._average.update_parameters(self._network)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate the average."""
        del trainer, pl_module
        self._swap(True)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the average, of an epoch that is not validated, too."""
        del trainer, pl_module
        self._swap(True)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The network keeps the average; the weights themselves are in last.ckpt."""
        del trainer, pl_module
        self._average = None

    def _swap(self, wanted: bool) -> None:
        if self._average is None or self._swapped == wanted:
            return
        self._swapped = wanted
        pairs = zip(_tensors(self._network), _tensors(self._average.module), strict=True)
        for one, other in pairs:
            kept = one.detach().clone()
            one.data.copy_(other.data)
            other.data.copy_(kept)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """A full checkpoint, from which a run is resumed, has the weights themselves."""
        del trainer, pl_module
        if self._average is not None and self._swapped:
            weights = self._average.module.state_dict(prefix="network.")
            checkpoint["state_dict"] = checkpoint["state_dict"] | weights

    def state_dict(self) -> dict[str, Any]:
        """Of the average, for full checkpoints."""
        if self._average is None:
            return {}
        network = self._network if self._swapped else self._average.module
        count = self._average.n_averaged
        return {"n_averaged": count, **network.state_dict(prefix="module.")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Of the run to resume, before its network is at hand."""
        self._loaded = state_dict


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
