"""The LightningModule: one step for training, validation and test."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from segkit.core.contracts import Batch, Stage
from segkit.core.distributed import all_gather
from segkit.data.augment import sample_seed
from segkit.data.datamodule import SegmentationData
from segkit.models.freezing import check_encoder, freeze
from segkit.models.network import SegmentationNetwork
from segkit.tasks.base import Task
from segkit.tasks.examining import Watcher
from segkit.tasks.parts import Scores
from segkit.tasks.tally import Counted, Tally
from segkit.training.distributed import check_data, check_together, share_buffers, sync_each_batch
from segkit.training.epoch import FiniteLosses, Throughput, explain_batch_norm, pack, unpack
from segkit.training.schedules import Schedule, tells
from segkit.training.terms import log_terms
from segkit.training.tile_scores import TileScorer


class SegmentationModule(pl.LightningModule):
    """Trains a network and scores it.

    Args:
        task: what is learnt, and how it is judged.
        network: raw pixels (B, C, H, W) 0…255 to outputs (B, K, H, W).
        loss: outputs and the task's target to a scalar.
        optimizer: takes the parameters.
        schedule: takes the optimiser and ``total_steps``, gives the Trainer's scheduler entry.
        freeze_encoder: epochs for which the encoder is not trained; -1 is all of them.
        watchers: are shown all that is scored.
    """

    def __init__(
        self,
        *,
        task: Task,
        network: SegmentationNetwork,
        loss: nn.Module,
        optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
        schedule: Callable[..., Schedule],
        freeze_encoder: int,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        super().__init__()
        check_encoder(network.encoder, freeze_encoder)
        self.task = task
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule
        self.freeze_encoder = freeze_encoder
        self.counted: dict[Stage, Counted] = {}
        self.scores: dict[Stage, Scores] = {}
        self.throughput = Throughput()
        self.watchers = tuple(watchers)
        self._tally = Tally()
        self._tiles: TileScorer | None = None
        self._training_losses: list[Tensor] = []
        self._finite = FiniteLosses(lambda indices: [self.data.records[i].id for i in indices])
        self._validated = False
        self._so_far: dict[str, Any] = {}

    @property
    def data(self) -> SegmentationData:
        """The datamodule of the run."""
        data = getattr(self.trainer, "datamodule", None)
        assert isinstance(data, SegmentationData)
        return data

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """Raw pixels to outputs."""
        outputs: Tensor = self.network(image_BCHW)
        return outputs

    def configure_optimizers(self) -> Any:
        """Hand the Trainer the optimiser and its schedule."""
        optimizer = self.optimizer(self.network.parameters())
        total = self.trainer.estimated_stepping_batches
        steps = int(total) if math.isfinite(total) else None
        schedule = self.schedule(optimizer, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def _step(self, batch: Batch, stage: Stage) -> Tensor:
        if not batch["image_BCHW"].numel():
            own = (self.task, self.network, self.loss)
            self._tiles = self._tiles or TileScorer(*own, self.data, self.trainer)
            found = self._tiles.score_batch(batch, self.watchers)
            self._keep(batch, *found)
            return found[-1]
        outputs_BKHW = self(batch["image_BCHW"])
        loss: Tensor = self.loss(outputs_BKHW, self.task.objective.target(batch))
        if stage == "train":
            self._finite.add(loss, batch["index_B"])
            self._training_losses.append(loss.detach())
            self.throughput.images += len(batch["index_B"])
            return loss
        if stage == "val":
            log_terms(self, outputs_BKHW, self.task.objective.target(batch))
        large = self.data.large.pixels
        counted = self.task.scorer.count(outputs_BKHW, batch, self.watchers, large=large)
        self._keep(batch, *counted, loss)
        return loss

    def training_step(self, batch: Batch) -> Tensor:
        """One optimisation step.

        Raises:
            SegkitError: a batch too small for batch norm's statistics.
        """
        with explain_batch_norm():
            return self._step(batch, "train")

    def validation_step(self, batch: Batch) -> None:
        """Score a batch at the network's size."""
        self._step(batch, "val")

    def test_step(self, batch: Batch) -> None:
        """Score a batch, at each image's own size where the batch has the truth at it."""
        self._step(batch, "test")

    def _keep(self, batch: Batch, counts: Tensor, answers: Sequence[Tensor], loss: Tensor) -> None:
        self._tally.add(batch["index_B"], counts, loss)
        self._tally.keep_answers(batch["index_B"], answers)

    def on_fit_start(self) -> None:
        """Refuse what several processes cannot do."""
        check_together(self.trainer, self.freeze_encoder, self.data)

    def on_test_start(self) -> None:
        """Refuse to make one table of several data sets."""
        check_data(self.data)

    def on_train_start(self) -> None:
        """The Trainer does not begin an epoch anew that it resumes within."""
        freeze(self.network.encoder, self.freeze_encoder, self.current_epoch)
        so_far, self._so_far = self._so_far, {}
        if so_far and self.trainer.fit_loop.restarted_mid_epoch:
            losses, self.throughput = unpack(so_far, self.global_rank)
            self._training_losses = [loss.to(self.device) for loss in losses]

    def on_train_epoch_start(self) -> None:
        """Freeze or thaw the encoder, count anew."""
        freeze(self.network.encoder, self.freeze_encoder, self.current_epoch)
        self.throughput = Throughput()
        self._validated = False
        self._training_losses = []

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Draw anew; start the clock where it stands."""
        del batch
        # Dropout then draws the same after a resume as in a run that was never stopped.
        drawn_by = f"process {self.global_rank} step {batch_idx}"
        torch.manual_seed(sample_seed(self.data.seed, self.current_epoch, drawn_by))
        self.throughput.start()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the state of the epoch, for a run that is resumed within it."""
        losses = self._training_losses
        # In every process alike: the processes bring theirs together.
        if losses and not self.trainer.fit_loop.epoch_loop._num_ready_batches_reached():
            losses_WN = torch.stack(all_gather(torch.stack(losses).float().cpu()))
            checkpoint["epoch_so_far"] = pack(losses_WN, self.throughput)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember it until the training starts."""
        self._so_far = checkpoint.get("epoch_so_far") or {}

    def on_train_epoch_end(self) -> None:
        """Check the last step's loss too, and step a plateau schedule."""
        self._stop_clock()
        for config in self.trainer.lr_scheduler_configs:
            score = self.trainer.callback_metrics.get(config.monitor or "")
            scheduler, late = config.scheduler, self.task.labels
            plateau = isinstance(scheduler, ReduceLROnPlateau) and self._validated
            if plateau and tells(scheduler, score, late=late):  # type: ignore[arg-type]
                scheduler.step(score)  # type: ignore[arg-type]

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step any schedule but a plateau.

        The Trainer would step that one after the epoch's checkpoint has been written, and a
        resumed run would lack the step; :meth:`on_train_epoch_end` comes before.
        """
        if not isinstance(scheduler, ReduceLROnPlateau):
            super().lr_scheduler_step(scheduler, metric)

    def training_loss(self) -> float:
        """Mean loss of the epoch's steps, over all processes; waits for the device."""
        losses = self._training_losses
        mean = torch.stack(losses).mean() if losses else torch.tensor(math.nan)
        return float(self.trainer.strategy.reduce(mean.to(self.device), reduce_op="mean"))

    def _stop_clock(self) -> None:
        """Validation and what comes after the last step are not training time."""
        self._finite.check()  # which waits for the device
        self.throughput.stop()

    def last_loss(self) -> float | None:
        """Of the last step, or None before the first; waits for the device."""
        return float(self._training_losses[-1]) if self._training_losses else None

    def images_per_second(self) -> float:
        """Training images over training seconds, of all processes, so far in this epoch."""
        return self.throughput.images_per_second() * self.trainer.world_size

    def on_validation_epoch_start(self) -> None:
        """Score anew; keep the answers that are drawn."""
        self._stop_clock()
        share_buffers(self.network)
        sync_each_batch(self.trainer.strategy.model, False)
        self._tally = Tally(keep=frozenset(self.data.panel_indices()))
        self._tiles = None  # it holds the weights of the last epoch

    def on_test_epoch_start(self) -> None:
        """Score anew."""
        share_buffers(self.network)
        sync_each_batch(self.trainer.strategy.model, False)
        self._tally, self._tiles = Tally(), None

    def on_validation_epoch_end(self) -> None:
        """Scores of the whole split, the same in every process."""
        self._finish("val")
        self._validated = True
        sync_each_batch(self.trainer.strategy.model, True)

    def on_test_epoch_end(self) -> None:
        """Scores of the whole split, the same in every process."""
        self._finish("test")
        sync_each_batch(self.trainer.strategy.model, True)

    def _finish(self, stage: Stage) -> None:
        counted = self._tally.finish(self.task.scorer.none())
        self._tiles = None
        scores = self.task.scorer.scores(counted.counts, self.data.groups(counted.indices))
        self.counted[stage], self.scores[stage] = counted, scores
        self.log(f"{stage}/loss", counted.loss, logger=False, rank_zero_only=False)
        for name in self.task.monitors:
            shown = name == self.task.headline[0]
            self.log(f"{stage}/{name}", scores["all"][name], logger=False, prog_bar=shown)
