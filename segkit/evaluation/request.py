"""What is scored: the run's own records, or other data prepared as the run's were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.checks import Config
from segkit.config.keys import key_of
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.core.tables import read_table
from segkit.runs.saved import split_as_saved

if TYPE_CHECKING:
    from segkit.core.contracts import Record

# What may be set for an evaluation, and what the network was trained with.
_SETTABLE = ("batch_size", "cache_dir", "num_workers", "on_bad_record", "score_at", "score_by")
_PIXELS = ("axis", "channels", "crop", "intensity", "size")
_FIXED = (*_PIXELS, "name", "panel_count", "panel_ids", "split")


def with_settings(saved: Config, config: Config, overrides: Sequence[str]) -> dict[str, Any]:
    """The run's configuration with what this evaluation may set, and its trainer.

    Args:
        saved: of the run.
        config: of the command.
        overrides: as given on the command line, ``key=value``.

    Raises:
        SegkitError: a key was given that the network was trained with, or that nothing reads.
    """
    keys = [key_of(each) for each in overrides]
    given = {key.split(".")[1] for key in keys if key.startswith("dataset.")}
    known = ("root", *_SETTABLE)
    remedy = "leave it out; dataset has " + ", ".join(known)
    if fixed := sorted(given & set(_FIXED)):
        raise SegkitError(
            "this is as the run was trained, and cannot be set for its evaluation",
            where=", ".join(f"dataset.{key}" for key in fixed),
            remedy=remedy,
        )
    if others := [key for key in keys if key.split(".")[0] == "augment"]:
        # A data set may choose one: the command knows the group for its sake alone.
        raise SegkitError(
            "images are scored as they are", where=", ".join(others), remedy="leave it out"
        )
    # A data set that is named has a reader, with keys of its own.
    unknown = set() if "reader" in config["dataset"] else given - set(known)
    removed = {key for key in given if key not in config["dataset"]}
    if unread := sorted(unknown | removed):
        raise SegkitError(
            "this has no effect on the run's own data",
            where=", ".join(f"dataset.{key}" for key in unread),
            remedy=f"{remedy}; keys of a reader go with dataset=NAME",
        )
    chosen = {key: config["dataset"][key] for key in _SETTABLE if key in given}
    trainer = {"trainer": config["trainer"], "callbacks": {}, "logger": {}}
    if config["trainer"]["enable_progress_bar"]:
        bar = {"_target_": "segkit.training.callbacks.progress.RunProgressBar"}
        trainer["callbacks"] = {"progress": bar}
    return {**saved, **trainer, "dataset": {**saved["dataset"], **chosen}}


def with_source(own: Config, node: Mapping[str, Any]) -> dict[str, Any] | None:
    """The configuration with another data set's reader; None where the run's own is meant.

    Args:
        own: the run's configuration.
        node: ``dataset`` of the command: its reader where a data set was named, or a root.
    """
    dataset = dict(own["dataset"])
    if "reader" in node:
        reader = dict(node["reader"])
        if "axis" in reader:  # as predict cuts volumes
            reader["axis"] = dataset.get("axis", "axial")
        dataset |= {"name": node["name"], "root": node["root"], "reader": reader}
    elif node["root"] is not None:
        reader = {**dataset["reader"], "root": node["root"]}
        dataset |= {"root": node["root"], "reader": reader}
    else:
        return None
    return {**own, "dataset": dataset}


def with_split(config: Config, file: Path) -> dict[str, Any]:
    """The configuration with records divided as a saved ``split.csv`` says."""
    divided = split_as_saved(config, file)
    # A crop is of training alone; images of other data may be smaller than it.
    return {**divided, "dataset": {**divided["dataset"], "crop": None}}


def check_classes(found: Sequence[str], run: Sequence[str]) -> None:
    """Refuse other data whose classes are not the run's.

    Raises:
        SegkitError: naming both.
    """
    if tuple(found) != tuple(run):
        raise SegkitError(
            f"the data's classes are {', '.join(found)}; the run's are {', '.join(run)}",
            where="dataset",
            remedy="score data of the same classes; dataset=folder takes their names from "
            f"'dataset.classes=[{','.join(run)}]'",
        )


def split_of_others(
    records: Sequence[Record],
    split: str,
    folder: RunFolder,
    scratch: Path,
    *,
    same_reader: bool = True,
) -> tuple[Path, bool]:
    """How other data are divided: as the run's, whose copy they may be, or not at all.

    Args:
        records: of the other data.
        split: the one that is asked for.
        folder: of the run.
        scratch: a folder that a table may be written to.
        same_reader: whether the run's own lists them: then their groups are those of the run,
            whatever it has learnt of them since.

    Returns:
        A ``split.csv``, and whether it is the run's.

    Raises:
        SegkitError: a split is asked for that these records do not have.
    """
    labelled = [record for record in records if record.labelled]
    # Other data may call some of its images alike; a copy has all of them.
    if _named(labelled, same_reader) == _named_in(folder, same_reader):
        return folder.split, True
    if split != "all":
        raise SegkitError(
            f"these are other records than the run's, and have no {split} split",
            where=f"split={split}",
            remedy="score every labelled one of them: split=all",
        )
    return undivided(labelled, scratch), False


def undivided(records: Sequence[Record], scratch: Path) -> Path:
    """Write a ``split.csv`` with every labelled record in test."""
    from segkit.data.split_file import split_table  # it imports NumPy

    labelled = [record for record in records if record.labelled]
    table = split_table(labelled, {record.id: "test" for record in labelled})
    (scratch / "split.csv").write_text(table, encoding="utf-8")
    return scratch / "split.csv"


def may_be_copy(records: Sequence[Record], folder: RunFolder, *, same_reader: bool = True) -> bool:
    """Whether data have all records of the run and more: those that could not be read, maybe."""
    own = _named_in(folder, same_reader)
    return _named((r for r in records if r.labelled), same_reader) > own > set()


def _named(records: Iterable[Record], same_reader: bool) -> set[tuple[str, str]]:
    return {(record.id, "" if same_reader else record.group) for record in records}


def _named_in(folder: RunFolder, same_reader: bool) -> set[tuple[str, str]]:
    """The labelled records that a run was made with; none without its table."""
    from segkit.core.contracts import UNLABELLED

    with suppress(OSError, ValueError):
        rows = read_table(folder.split)
        return {
            (row.get("id", ""), "" if same_reader else row.get("group", ""))
            for row in rows
            if row.get("split") != UNLABELLED
        }
    return set()
