"""The datamodule: reader, cache, split and loaders as one thing the Trainer takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, Sampler

from segkit.core.channels import Channels, channel_count
from segkit.core.contracts import CLASSES, SPLITS, Problem, Record, Stage, TruthKind, bad_records
from segkit.core.view import Large
from segkit.data.augment import Augmenter
from segkit.data.cache import Cache, open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.dataset import CachedDataset, Item, Key, OrderedSampler, ShuffledSampler
from segkit.data.loaders import device_loader, fitting_crop, make_loader
from segkit.data.overfit import drawn, trained, wanted_images
from segkit.data.panel_choice import chosen
from segkit.data.readers.base import Reader
from segkit.data.samples import Samples, known_split
from segkit.data.split_file import regrouped, split_hash, split_table
from segkit.data.splits import SplitSpec, assign_splits


class SegmentationData(pl.LightningDataModule):
    """Images and masks of one data set, split and ready to train on.

    Args:
        reader: lists and decodes the data set.
        name: first part of the cache's name.
        split: how records are divided.
        augmentation: of training images; nothing else is ever augmented.
        size: rows and columns the network is given, or None for each image's own.
        crop: rows and columns of a random crop in training, ``auto`` or None.
        channels: that the network is given: their number, or their places.
        batch_size: images a step and process; 0 until the largest has been found.
        device_cache: hold the training images on the device, and augment them there.
        num_workers: loader processes; ``auto``: :func:`~segkit.data.loaders.worker_count`.
        score_by: ``image`` or ``group``: what is scored, before scores are averaged.
        score_at: ``native`` scores the test split at each image's own size.
        on_bad_record: ``error`` or ``skip``.
        cache_dir: folder of the caches.
        panel_ids: records to draw each epoch, or None to take some of each stratum.
        panel_count: how many to take.
        seed: of shuffling and augmentation.
        large: which images of their own sizes are scored in tiles, and in which.
        scored_split: train, val, test or all: what the test loader serves.
        overfit_batches: that are all of training and validation, or a share (float); 0: no limit.
        truth: what the task asks of the ground truth.
    """

    def __init__(
        self,
        *,
        reader: Reader,
        name: str,
        split: SplitSpec,
        augmentation: Augmenter,
        size: tuple[int, int] | None,
        crop: tuple[int, int] | Literal["auto"] | None,
        channels: Channels,
        batch_size: int,
        device_cache: bool = False,
        num_workers: int | Literal["auto"],
        score_by: Literal["image", "group"],
        score_at: Literal["native", "network"],
        on_bad_record: Literal["error", "skip"],
        cache_dir: Path,
        panel_ids: Sequence[str] | None,
        panel_count: int,
        seed: int,
        large: Large | None = None,
        scored_split: str = "test",
        overfit_batches: float = 0,
        truth: TruthKind = CLASSES,
    ) -> None:
        super().__init__()
        self.reader, self.dataset_name = reader, name
        self.split, self.augmentation = split, augmentation
        self.size, self._asked = size, crop
        self.crop = None if crop == "auto" else crop
        self.taken, self.channels = channels, channel_count(channels)
        self.batch_size, self.num_workers = batch_size, num_workers
        self.device_cache = device_cache
        self.score_by, self.score_at = score_by, score_at
        self.on_bad_record, self.cache_dir = on_bad_record, cache_dir
        self.panel_ids, self.panel_count, self.seed = panel_ids, panel_count, seed
        self.large, self.truth = large or Large(), truth
        self.scored_split, self.overfit_batches = scored_split, overfit_batches
        self.problems, self.cautions = list[Problem](), list[Problem]()
        self.records: list[Record] = []
        self.splits: dict[str, str] = {}
        self.first_epoch, self.first_batch = 0, 0  # trained next
        self._cache: Cache | None = None
        self._panel: list[int] | None = None
        self._few: list[int] = []

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, background first."""
        return self.reader.classes

    @property
    def cache(self) -> Cache:
        """The decoded pixels; :meth:`prepare_data` opens it."""
        self.prepare_data()
        assert self._cache is not None
        return self._cache

    def prepare_data(self) -> None:
        """List, decode into the cache, split. Runs once; in every process, behind a lock."""
        if self._cache is not None:
            return
        listing = self.reader.listing()
        total, skip = len(listing.records) + len(listing.problems), self.on_bad_record == "skip"
        if listing.problems and not skip:
            raise bad_records(listing.problems, total, skip=skip)
        cache = open_cache(
            self.reader,
            [record for record in listing.records if record.labelled],
            spec=CacheSpec(self.size, self.taken, self.truth.labels),
            folder=self.cache_dir,
            name=self.dataset_name,
        )
        self.problems = listing.problems + cache.problems
        if self.problems and not (skip and cache.entries):
            raise bad_records(self.problems, total, skip=skip)
        self.records = cache.known(listing.records)
        self.splits = assign_splits(self.records, self.split)
        self.records = regrouped(self.records, self.split.file)
        self.crop = fitting_crop(cache, self._asked)
        self.cautions = self.reader.cautions()
        self._cache = cache

    def setup(self, stage: str) -> None:  # noqa: ARG002  # the Trainer's signature
        """Make the split known to processes that did not prepare it."""
        self.prepare_data()

    def indices(self, stage: str) -> list[int]:
        """Positions in :attr:`records` of one split, in their order."""
        few = bool(self.overfit_batches) and stage in ("train", "val")
        wanted = SPLITS if stage == "all" else ("train",) if few else (stage,)
        found = [i for i, one in enumerate(self.records) if self.splits[one.id] in wanted]
        return self._few_of(found) if few else found

    def _few_of(self, training: list[int]) -> list[int]:
        if not self._few:
            count = wanted_images(self.overfit_batches, self.batch_size, len(training))
            self._few = drawn(self.records, training, count, self.cache, self.seed)
        return self._few[: trained(len(self._few), self.batch_size, self._rank()[1])]

    def groups(self, indices: Sequence[int]) -> list[str]:
        """The unit each record is scored in: its image, or its group."""
        unit = "group" if self.score_by == "group" else "id"
        return [getattr(self.records[i], unit) for i in indices]

    def split_csv(self) -> str:
        """The text of ``split.csv``."""
        return split_table(self.records, self.splits)

    def split_digest(self) -> str:
        """The hash that every result carries."""
        return split_hash(self.split_csv())

    def panel_indices(self) -> list[int]:
        """Positions of the validation images that are drawn each epoch.

        Unless named, they have something to find, and come from all strata and groups.
        """
        if self._panel is None:
            where = self.records, self.indices("val"), self.cache
            self._panel = chosen(*where, self.panel_ids, self.panel_count)
        return self._panel

    def dataset(self, stage: Stage | Literal["all"]) -> CachedDataset:
        """The samples of one stage; only ``train`` is augmented."""
        training = stage == "train"
        return CachedDataset(
            self.cache,
            [record.id for record in self.records],
            augmentation=self.augmentation if training else None,
            crop=self.crop if training else None,
            seed=self.seed,
            native=stage == "test" and self.score_at == "native",
            largest=None if training or self.size else self.large.pixels,
            encode=self.truth.encode,
        )

    def as_dataset(self, stage: Stage | Literal["all"]) -> Samples:
        """One split as a PyTorch dataset, for any loop: train (augmented), val, test or all."""
        chosen = [self.records[i].id for i in self.indices(known_split(stage))]
        return Samples(self.dataset(stage), chosen)

    def train_dataloader(self) -> DataLoader[Any]:
        """Shuffled and augmented. A last batch that is not full is left out, unless it is all."""
        (rank, world), indices = self._rank(), self.indices("train")
        sampler = ShuffledSampler(indices, seed=self.seed, rank=rank, world_size=world)
        sampler.shuffle = not self.overfit_batches
        # The Trainer names the epoch when the first one's workers have been given their keys.
        sampler.set_epoch(self.first_epoch)
        sampler.skip(self.first_epoch, self.first_batch * self._at_once("train"))
        drop_last = len(sampler) > self.batch_size
        if not self.device_cache:
            return self._loader("train", sampler, drop_last=drop_last)
        return device_loader(
            self.cache,
            [record.id for record in self.records],
            sampler,
            self.augmentation,
            batch_size=self.batch_size,
            drop_last=drop_last,
            device=self.trainer.strategy.root_device if self.trainer else torch.device("cpu"),
            seed=self.seed,
        )

    def val_dataloader(self) -> DataLoader[Item]:
        """In order, as stored, at the network's size."""
        return self._loader("val", self._ordered("val", "val"))

    def test_dataloader(self) -> DataLoader[Item]:
        """In order, with the truth at its own size unless ``score_at`` is ``network``."""
        return self._loader("test", self._ordered(self.scored_split, "test"))

    def _ordered(self, split: str, stage: Stage) -> OrderedSampler:
        (rank, world), size = self._rank(), self._at_once(stage)
        return OrderedSampler(self.indices(split), rank=rank, world_size=world, batch_size=size)

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _at_once(self, stage: Stage) -> int:
        stacked = self.size is not None or (stage == "train" and self.crop is not None)
        return self.batch_size if stacked else 1  # images of several sizes cannot be stacked

    def _loader(
        self, stage: Stage, sampler: Sampler[Key], *, drop_last: bool = False
    ) -> DataLoader[Item]:
        return make_loader(
            self.dataset(stage),
            sampler,
            batch_size=self._at_once(stage),
            drop_last=drop_last,
            workers=self.num_workers,
            on_gpu=self.trainer is not None and self.trainer.strategy.root_device.type == "cuda",
            seed=self.seed,
            processes=self.trainer.num_devices if self.trainer else 1,
        )
