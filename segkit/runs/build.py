"""Configuration to objects: the only caller of ``hydra.utils.instantiate``.

torch and Lightning are imported where needed: a data set is found missing before they load.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from segkit.config.allow_list import ALLOWED, check_targets
from segkit.config.checks import Config
from segkit.config.sizes import AUTO, crop_size, image_size
from segkit.config.values import own_prefixes
from segkit.core.channels import channel_count, channels_of
from segkit.core.errors import SegkitError
from segkit.core.home import at_home
from segkit.core.intensity import IMAGE, intensity_of
from segkit.core.limits import DEFAULT_MEGAPIXELS, limit_images
from segkit.core.quoting import escaped
from segkit.core.sources import data_name
from segkit.tasks.named import task_kind

if TYPE_CHECKING:
    import lightning.pytorch as pl

    from segkit.core.view import Large
    from segkit.data.augment import Augmenter
    from segkit.data.datamodule import SegmentationData
    from segkit.data.readers.base import Reader
    from segkit.models.network import SegmentationNetwork
    from segkit.tasks.base import Task
    from segkit.training.module import SegmentationModule

_PROFILERS = {
    "simple": "lightning.pytorch.profilers.SimpleProfiler",
    "advanced": "lightning.pytorch.profilers.AdvancedProfiler",
}


def build_reader(config: Config) -> Reader:
    """The data set's reader; opens no file. Sets how large an image this process may read.

    Raises:
        SegkitError: what is configured is not a :class:`~segkit.data.readers.base.Reader`.
    """
    from segkit.data.readers.base import Reader

    # Runs of earlier versions lack the key.
    limit_images(config.get("max_megapixels", DEFAULT_MEGAPIXELS))
    reader = _build(config, config["dataset"]["reader"])
    if not isinstance(reader, Reader):
        raise SegkitError(
            f"a {type(reader).__name__} is not a reader of data sets",
            where="dataset.reader",
            remedy="name a subclass of segkit.data.readers.base.Reader by dataset.reader._target_",
        )
    # Until it is known what the data have, any rule that looks at the image will do.
    rule = intensity_of(config["dataset"])
    reader.intensity = IMAGE if rule == AUTO else rule
    if task_kind(config).labels:
        reader.require_objects()
    return reader


def build_augmentation(config: Config) -> Augmenter:
    """What training images are drawn with."""
    augmentation: Augmenter = _build(config, config["augment"])
    return augmentation


def build_data(config: Config, reader: Reader, *, scored_split: str = "test") -> SegmentationData:
    """The datamodule around a reader; a test is of ``scored_split``.

    ``trainer.overfit_batches`` is of the data here, and unknown to the Trainer.
    """
    from segkit.data.datamodule import SegmentationData
    from segkit.data.splits import SplitSpec

    node = config["dataset"]
    return SegmentationData(
        reader=reader,
        name=data_name(node),
        split=SplitSpec(**node["split"]),
        augmentation=build_augmentation(config),
        size=image_size(node["size"], "dataset.size"),
        crop=crop_size(node["crop"], "dataset.crop"),
        channels=channels_of(node["channels"]),
        batch_size=0 if node["batch_size"] == AUTO else node["batch_size"],
        device_cache=bool(node.get("device_cache", False)),  # runs of earlier versions lack it
        num_workers=node["num_workers"],
        score_by=node["score_by"],
        score_at=node["score_at"],
        on_bad_record=node["on_bad_record"],
        cache_dir=at_home(node["cache_dir"], "dataset.cache_dir"),
        panel_ids=node["panel_ids"],
        panel_count=node["panel_count"],
        seed=config["seed"],
        large=build_large(config),
        scored_split=scored_split,
        overfit_batches=config.get("trainer", {}).get("overfit_batches") or 0,
        truth=task_kind(config).truth(),
    )


def build_large(config: Config) -> Large:
    """Which images are scored in tiles; runs of earlier versions lack the keys."""
    from segkit.core.view import LARGE, OVERLAP, TILE, Large

    pixels = round(1e6 * config.get("large", LARGE))
    return Large(pixels, config.get("tile", TILE), config.get("overlap", OVERLAP))


def build_module(
    config: Config, task: Task, network: SegmentationNetwork | None = None
) -> SegmentationModule:
    """Network, loss, optimiser and schedule; the weights of a new network are drawn from the seed.

    Args:
        config: of a run.
        task: what is learnt.
        network: with weights, in place of a new one.
    """
    import lightning.pytorch as pl

    from segkit.training.dry_run import dry_run
    from segkit.training.module import SegmentationModule

    pl.seed_everything(config["seed"], workers=True, verbose=False)
    module = SegmentationModule(
        task=task,
        network=build_network(config, task) if network is None else network,
        loss=_build(config, config["loss"]),
        optimizer=_build(config, config["optim"]),
        schedule=_build(config, config["schedule"]),
        freeze_encoder=config["freeze_encoder"],
    )
    dry_run(module, config["trainer"])
    return module


def build_network(config: Config, task: Task) -> SegmentationNetwork:
    """The network alone; random weights are drawn from torch's own generator."""
    from segkit.models.network import wrap

    channels = channel_count(config["dataset"]["channels"])
    more = {"in_channels": channels} if "in_channels" in config["model"] else {}
    core = _build(config, config["model"], out_channels=task.objective.core_outputs, **more)
    network = wrap(core, channels)
    network.reduce = task.objective.reduce
    return network


def without_weights(config: Config) -> Config:
    """The same for a network whose weights are in a checkpoint: nothing is fetched for it."""
    if "encoder_weights" not in config["model"]:
        return config
    return {**config, "model": {**config["model"], "encoder_weights": None}}


def build_trainer(config: Config) -> pl.Trainer:
    """The Trainer with its callbacks and loggers, writing to ``run_dir``.

    Raises:
        SegkitError: this machine does not have what was asked for.
    """
    import lightning.pytorch as pl
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    from segkit.core.hardware import best_precision
    from segkit.runs.loggers import all_of
    from segkit.runs.processes import process_environment
    from segkit.training.checkpoints import RunCheckpoints

    node = dict(config["trainer"])
    node.pop("overfit_batches", None)  # see build_data
    if str(node.get("profiler")) in _PROFILERS:  # or a node of one's own
        # The Trainer would print its table into a log that nobody sees.
        table = {"dirpath": config["run_dir"], "filename": "profile"}
        node["profiler"] = {"_target_": _PROFILERS[node["profiler"]], **table}
    if node["precision"] == "auto":
        node["precision"] = best_precision(node["accelerator"])
    callbacks = [_build(config, callback) for callback in _nodes(config.get("callbacks"))]
    # Piped into a file, a bar is thousands of lines.
    node["enable_progress_bar"] = node["enable_progress_bar"] and sys.stdout.isatty()
    if not node["enable_progress_bar"]:
        callbacks = [c for c in callbacks if not isinstance(c, pl.callbacks.ProgressBar)]
    if not (loggers := _nodes(config.get("logger"))):
        callbacks = [c for c in callbacks if not isinstance(c, pl.callbacks.LearningRateMonitor)]
    checkpoints = RunCheckpoints(config["run_dir"])
    try:
        trainer: pl.Trainer = _build(
            config,
            node,
            callbacks=callbacks,
            logger=False,
            plugins=[checkpoints, process_environment()],
            default_root_dir=config["run_dir"],
        )
    except (MisconfigurationException, ValueError) as error:
        raise SegkitError(
            f"this machine cannot train so: {error}",
            where=f"trainer.accelerator={node['accelerator']}, devices={node['devices']}, "
            f"strategy={node['strategy']}, precision={node['precision']}",
            remedy="trainer=cpu runs everywhere; trainer.accelerator=auto takes what is there",
        ) from error
    # Last: a tracker that has been told of a run cannot be untold.
    trainer.loggers = all_of((_build(config, node) for node in loggers), config["run_dir"])
    checkpoints.loggers = trainer.loggers
    return trainer


def _nodes(group: Config | None) -> list[Any]:
    """Of a group that may have been left out as a whole (``~callbacks``)."""
    return list((group or {}).values())


def _build(config: Config, node: Any, **more: Any) -> Any:
    """Check every target of a node, then build it."""
    # What is left of ${ is the name of a file; instantiate would interpolate it, and does so twice.
    node, more = (escaped(escaped(each)) for each in (node, more))
    check_targets(node, (*ALLOWED, *own_prefixes(config["allow_targets"])))
    try:
        return instantiate(node, **more, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        while isinstance(cause, InstantiationException):
            cause = cause.__cause__
        target = str(node.get("_target_", node) if isinstance(node, Mapping) else node)
        if isinstance(cause, ModuleNotFoundError):
            raise SegkitError(
                f"a package is missing: {cause}",
                where=target,
                remedy="install it; pip install 'segkit[wandb]' or 'segkit[mlflow]' for a logger",
            ) from error
        if isinstance(cause, TypeError):
            raise SegkitError(
                f"an argument does not fit: {cause}",
                where=target,
                remedy="leave out what it does not take, or name another _target_",
            ) from error
        raise cause or error from error
