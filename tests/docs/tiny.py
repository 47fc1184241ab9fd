"""A document's command made a matter of seconds: the same keys, with smaller numbers."""

import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser

from tests.commands.small import small

# In place of the number that is given.
_CAPPED = {
    "dataset.batch_size": "4",
    "dataset.count": "12",
    "dataset.crop": "32",
    "dataset.size": "64",
    "n_trials": "1",
    "rounds": "1",
    "trainer.check_val_every_n_epoch": "1",
    "trainer.max_epochs": "1",
    "trainer.max_steps": "2",
}
_ADDED = ("dataset.batch_size", "trainer.max_epochs")
_OBJECTS = {"task=instance", "experiment=dsb2018_objects"}
_PART = "parts=[training]"  # of a benchmark that measures them all; of several the first
_PHANTOMS = ("dataset.count=12", "dataset.image_size=64")
# Data that segkit fetches are in the folder.
_FETCHED = re.compile(r"(dataset|experiment)=(dsb2018\w*|cell_nuclei|capstone4_nuclei)")
# Of what a sweep is over, so many keys keep so many of their values.
_KEYS = _VALUES = 2


def tiny(name: str, words: Sequence[str]) -> list[str]:
    """What follows ``segkit.NAME``, for a short run on phantoms without the network."""
    words = [_capped(word) for word in words]
    if name not in ("train", "sweep", "benchmark") or "--help" in words:
        drawn = name == "check" and _is_drawn(words)
        return [*_root(words), *(_PHANTOMS if drawn else ()), *words]
    if any(word.startswith("resume=") and word != "resume=true" for word in words):
        return [word.replace("max_epochs=1", "max_epochs=2") for word in words]
    if "-m" in words:
        words = _few_jobs(words)
    given = {word.split("=")[0] for word in words}
    added = [*_ADDED, "dataset.crop" if _OBJECTS & {*words} else "dataset.size"]
    if name == "benchmark":
        added.append("rounds")
        words = [re.sub(r"^(parts=\[\w+).*", r"\1]", word) for word in words]
        words += [] if "parts" in given else [_PART]
    return [
        *_root(words),
        *(_PHANTOMS if _is_drawn(words) else ()),
        *(f"{key}={_CAPPED[key]}" for key in added if key not in given),
        *(() if _chooses_a_network(words) else small(*words)),
        *("dataset.num_workers=0", "trainer.enable_progress_bar=false"),
        *words,  # last, since flags that take a value may stand at the end alone
    ]


def _capped(word: str) -> str:
    """Numbers alone: ``auto`` and ``null`` stay."""
    key, _, value = word.partition("=")
    number = re.fullmatch(r"-?\d+|\[\d+, ?\d+\]", value)
    if key == "model.encoder_weights" and value == "imagenet":
        return f"{key}=null"
    return f"{key}={_CAPPED[key]}" if number and key in _CAPPED else word


def _chooses_a_network(words: Sequence[str]) -> bool:
    return any(word.startswith(("experiment=", "space=", "sweep=")) for word in words)


def _is_drawn(words: Sequence[str]) -> bool:
    named = ("dataset=", "dataset.root=", "experiment=")
    return not any(word.startswith(named) and word != "dataset=phantom" for word in words)


def _root(words: Sequence[str]) -> list[str]:
    """Where data are that the command would fetch."""
    if any(word.startswith("dataset.root=") for word in words):
        return []
    fetched = any(map(_FETCHED.fullmatch, words))
    return ["dataset.root=stage1_train.zip"] if fetched else []


def _few_jobs(words: Sequence[str]) -> list[str]:
    parser, taken, keys = OverridesParser.create(), [], 0
    for word in words:
        override = None if word.startswith("-") else parser.parse_override(word)
        if override and override.is_sweep_override():
            values = list(override.sweep_string_iterator())[: _VALUES if keys < _KEYS else 1]
            word, keys = f"{override.get_key_element()}={','.join(values)}", keys + 1  # noqa: PLW2901
        taken.append(word)
    if {"cv=5fold", "cv=10fold"} & {*words} and "dataset.split.fold=" not in " ".join(words):
        taken.append("dataset.split.fold=0,1")
    return taken
