"""What processes that train one network must agree on, beyond what the Trainer sees to."""

from collections.abc import Mapping

import lightning.pytorch as pl
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from segkit.core.checksums import content_hash
from segkit.core.contracts import SPLITS
from segkit.core.distributed import all_gather
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.data.datamodule import SegmentationData


def share_buffers(network: nn.Module) -> None:
    """Give every process the first one's buffers: averages of batch norm differ between steps."""
    if distributed.is_available() and distributed.is_initialized():
        for buffer in network.buffers():
            distributed.broadcast(buffer, 0)


def sync_each_batch(wrapped: nn.Module | None, wanted: bool) -> None:
    """Choose whether a wrapped network evens buffers out before each batch.

    In validation it must not: a process with one batch fewer would be waited for.
    """
    if isinstance(wrapped, DistributedDataParallel):
        wrapped.require_forward_param_sync = wanted


def check_together(trainer: pl.Trainer, freeze_encoder: int, data: SegmentationData) -> None:
    """Refuse what several processes cannot do. Every process must call it.

    Args:
        trainer: which has started its processes.
        freeze_encoder: epochs for which the encoder is not trained.
        data: of this process.

    Raises:
        SegkitError: with the remedy.
    """
    check_folder(trainer)
    check_data(data)
    check_freezing(freeze_encoder, trainer)
    check_records({split: len(data.indices(split)) for split in SPLITS}, trainer.world_size)


def check_freezing(epochs: int, trainer: pl.Trainer) -> None:
    """Refuse an encoder that is frozen for some epochs where each process waits for gradients.

    Raises:
        SegkitError: with the strategy that does not wait.
    """
    tolerant = "find_unused_parameters" in getattr(trainer.strategy, "_ddp_kwargs", {})
    if epochs > 0 and trainer.world_size > 1 and not tolerant:
        raise SegkitError(
            "several processes would wait for the gradients of the frozen encoder",
            where=f"freeze_encoder={epochs}",
            remedy="set trainer.strategy=ddp_find_unused_parameters_true, or freeze_encoder=-1",
        )


def check_records(records: Mapping[str, int], world_size: int) -> None:
    """Refuse a split that has a record for some processes only: the others would be waited for.

    Args:
        records: in each split.
        world_size: processes.

    Raises:
        SegkitError: with the split.
    """
    for split in SPLITS:
        count = records.get(split, 0)
        if 0 < count < world_size:
            raise SegkitError(
                f"{count} {split} records are not enough for {world_size} processes",
                where="trainer.devices, trainer.num_nodes",
                remedy=f"train with {count} processes at most, or give the split more records",
            )


def check_folder(trainer: pl.Trainer) -> None:
    """Refuse processes that do not see the first one's run folder: it holds the best checkpoint.

    Every process must call it.

    Args:
        trainer: which has started its processes.

    Raises:
        SegkitError: in all of them.
    """
    if trainer.world_size == 1:
        return
    # Processes of one machine may name it otherwise: one that was taken gets a number.
    folders = all_gather((trainer.node_rank, trainer.default_root_dir))
    machines = dict(reversed(folders))
    first = folders[0][1]
    if len(set(machines.values())) > 1:
        raise SegkitError(
            "the processes have run folders of their own",
            where=", ".join(machines[node] for node in sorted(machines)),
            remedy="give all machines the same one, on a disk that they share: hydra.run.dir=PATH",
        )
    # The log was written by the first process alone.
    missing = [i for i, seen in enumerate(all_gather(RunFolder(first).log.is_file())) if not seen]
    if missing:
        raise SegkitError(
            f"processes {', '.join(map(str, missing))} do not see the run folder",
            where=first,
            remedy="name one on a disk that all machines share: hydra.run.dir=PATH",
        )


def check_data(data: SegmentationData) -> None:
    """Refuse processes that were given other records, pixels or splits than the first.

    Machines with disks of their own may hold two states of one data set: a group that is trained
    on by one would be tested on by the other. Every process must call it.

    Args:
        data: of this process.

    Raises:
        SegkitError: in all of them.
    """
    contents = all_gather(content_hash(data.cache.checksums, data.split_csv()))
    others = [i for i, content in enumerate(contents) if content != contents[0]]
    if others:
        raise SegkitError(
            f"the data of processes {', '.join(map(str, others))} is not that of the first",
            where=f"dataset.root={data.reader.root}",
            remedy="name files on a disk that all machines share, or copy them anew to each",
        )
