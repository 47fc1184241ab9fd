"""What the keys of each command may be: a table a command, and what several of them share."""

import math
import re
from collections.abc import Mapping
from typing import Any

from segkit.config.pixel_rules import INTENSITY
from segkit.config.plane_rules import AXES, Z
from segkit.core.errors import did_you_mean
from segkit.core.limits import MEGAPIXELS
from segkit.core.values import PROBABILITY, SWITCH, Rule, choice, number, whole
from segkit.core.view import DEVICES, PRECISIONS, TTA

PARTS = ("training", "changes", "input", "inference", "start", "memory", "growth")

GROUP = Rule(
    lambda value: isinstance(value, Mapping),
    "set its keys, as {key}.KEY=VALUE; --cfg job shows them",
    "{key} holds keys of its own and cannot be a single value",
    required=True,
)
SEED = whole(0, 2**32 - 1)
# A text would be taken letter by letter, and nearly every name begins with one of them.
PREFIXES = Rule(
    lambda value: (
        isinstance(value, list | tuple) and all(each and isinstance(each, str) for each in value)
    ),
    "give a list of prefixes: 'allow_targets=[your_package.]'",
)


def own_prefixes(allowed: Any) -> tuple[str, ...]:
    """What a ``_target_`` may start with besides segkit's own, as ``allow_targets`` gave it.

    Whoever reads that key reads it by this: no way into segkit can leave out the check.

    Raises:
        SegkitError: not a list of prefixes.
    """
    PREFIXES.check("allow_targets", allowed)
    return tuple(allowed)


OVERFIT = Rule(
    lambda value: type(value) in (int, float) and value >= 0 and (type(value) is int or value <= 1),
    "give a whole number, or a share with a point, such as 0.1",
    "{value} is neither a number of batches nor a share of them",
)
DATA_NAME = Rule(
    lambda name: (
        name is None
        or (isinstance(name, str) and not (set(name) & {"/", "\\", "\0"} or name in (".", "..")))
    ),
    "write a plain name",
    "the name of a data set is part of file names, and holds no slash",
)


def _is_size(value: Any) -> bool:
    pair = value if isinstance(value, list | tuple) else [value, value]
    return len(pair) == 2 and all(type(n) is int and 8 <= n <= 1 << 15 for n in pair)


SIZE = Rule(
    lambda value: value is None or _is_size(value),
    "write one whole number of at least 8 ({key}=256) or two ('{key}=[256,320]')",
    "{value} is not a size in pixels",
)
CROP = Rule(
    lambda value: value in ("auto", None) or _is_size(value),
    "write one whole number of at least 8 ({key}=256), two ('{key}=[256,320]') or auto",
    "{value} is not a size in pixels",
)


def _are_channels(value: Any) -> bool:
    if isinstance(value, list | tuple):
        places = all(type(n) is int and n >= 0 for n in value)
        return bool(value) and places and len(set(value)) == len(value)
    return value == "auto" or (type(value) is int and value >= 1)


CHANNELS = Rule(
    _are_channels,
    "give their number ({key}=3), the places of those to take, from 0 ('{key}=[0,2]'), or auto",
    "{value} is not a choice of channels",
)


def _is_length(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf


PIXEL_SIZE = Rule(
    lambda value: (
        value is None
        or _is_length(value)
        or (isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_length, value)))
    ),
    "give the side of a pixel in µm ({key}=0.325), or its height and width ('{key}=[0.5,0.325]')",
    "{value} is not the size of a pixel",
)
# Whatever reads a data set. Keys that a composition does not have are passed over.
DATA = {
    **dict.fromkeys(("dataset", "dataset.split", "augment"), GROUP),
    "allow_targets": PREFIXES,
    "compile": SWITCH,
    "large": number(0),
    "max_megapixels": MEGAPIXELS,
    "mode": choice("min", "max"),
    "optim.lr": number(0),
    "overlap": whole(0),
    "seed": SEED,
    "tile": whole(32, 1 << 14),
    "freeze_encoder": whole(-1),
    "callbacks.inference.every_n_epochs": whole(1),
    "callbacks.inference.most": whole(1, 64),
    "callbacks.panels.every_n_epochs": whole(1),
    "dataset.axes": AXES,
    "dataset.batch_size": whole(1, also=("auto",)),
    "dataset.channels": CHANNELS,
    "dataset.crop": CROP,
    "dataset.device_cache": SWITCH,
    "dataset.intensity": INTENSITY,
    "dataset.name": DATA_NAME,
    "dataset.num_workers": whole(0, also=("auto",)),
    "dataset.on_bad_record": choice("error", "skip"),
    "dataset.panel_count": whole(1, 64),
    "dataset.score_at": choice("native", "network"),
    "dataset.score_by": choice("image", "group"),
    "dataset.size": SIZE,
    "dataset.split.fold": whole(0),
    "dataset.split.folds": whole(3, also=(None, "each")),
    "dataset.split.published": SWITCH,
    "dataset.split.seed": SEED,
    "dataset.split.stratify": SWITCH,
    **dict.fromkeys(("dataset.split.test", "dataset.split.val"), PROBABILITY),
    "dataset.z": Z,
    "trainer.accelerator": choice("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
    "callbacks.average.decay": number(0, 0.999999, also=(None,)),
    **dict.fromkeys(("steps", "trainer.accumulate_grad_batches"), whole(1)),
    "trainer.check_val_every_n_epoch": whole(1),
    "trainer.enable_progress_bar": SWITCH,
    "trainer.max_epochs": whole(-1, also=(None, "auto")),
    "trainer.max_steps": whole(-1),
    "trainer.min_epochs": whole(0, also=(None,)),
    "trainer.min_steps": whole(0, also=(None,)),
    "trainer.num_nodes": whole(1),
    # Of the data (segkit.data.overfit): the Trainer is not told of it.
    "trainer.overfit_batches": OVERFIT,
    "trainer.precision": choice(
        *("auto", "32-true", "32", "16-mixed", "bf16-mixed", "bf16-true", "16-true"),
        *("64-true", "64", 32, 64),
    ),
}
TRAIN = {**dict.fromkeys(("model", "loss", "optim", "schedule", "trainer"), GROUP), **DATA}
CHECK = {**DATA, "augment_preview": SWITCH}
EVALUATE = {
    "split": choice("train", "val", "test", "all"),
    "surface": SWITCH,
    "surface_tolerance": number(0, remedy="give a number of pixels, 0 or more"),
    "seed": SEED,
    "dataset.batch_size": whole(1, also=(None,), remedy="give a number; null is the run's own"),
}
PREDICT = {
    **dict.fromkeys(("overlay", "colour", "probability", "rle", "overwrite"), SWITCH),
    **dict.fromkeys(("rois", "geojson", "coco", "dicom_seg"), SWITCH),
    "axes": AXES,
    "z": Z,
    "pixel_size": PIXEL_SIZE,
    "device": choice(*DEVICES, remedy="choose auto, cpu, or cuda for a GPU"),
    "precision": choice(*PRECISIONS),
    "tta": choice(*TTA),
    "format": choice("png", "tiff"),
    "large": number(0, remedy="give a number of megapixels: large=64"),
    "max_megapixels": MEGAPIXELS,
    "output": Rule(lambda name: isinstance(name, str | int | float), "name one folder: output=DIR"),
    "input": Rule(lambda name: name not in (None, []), "name a file, a folder or a quoted pattern"),
}
EXPORT = {"opset": whole(18), "count": whole(1), "bound": number(0)}
COMPARE = {
    "common": SWITCH,
    "pictures": whole(0, remedy="give a number of images, 0 or more"),
    "seed": SEED,
}
_NEW = Rule(
    lambda value: value is None,
    "leave {key} out; the same study= resumes a study",
    "each trial is a new run",
)
SWEEP = {
    "resume": _NEW,
    "run_dir": _NEW,
    "sampler": choice("tpe", "random"),
    "pruner": choice("median", "none"),
    "n_trials": whole(1),
    "pruner_trials": whole(0),
    "pruner_epochs": whole(0),
    "timeout": number(0, also=(None,)),
    "study": Rule(
        lambda name: re.fullmatch(r"\w[\w.+-]*", str(name)) is not None,
        "use letters, digits, and . _ + - after the first",
        "the name of a study is the name of its folder, too",
    ),
    "storage": Rule(
        lambda value: value is None or (isinstance(value, str) and "://" in value),
        "storage=sqlite:///FILE, journal:///FILE, postgresql://USER@HOST/NAME, or leave it out",
        "a storage is the address of a database",
    ),
}


def _alike(*options: object) -> Rule:
    """What the rivals can do too; with anything else, unlike would be compared with unlike."""
    what = "the loops that segkit is held against have no such thing"
    return choice(*options, what=what, remedy="leave {key} out")


def _no(word: str | None) -> Rule:
    what = "images of one size and a batch of one size are compared"
    return Rule(lambda value: value != word, "give {key} as a number", what)


BENCHMARK = {
    "parts": Rule(
        lambda parts: isinstance(parts, list) and bool(parts) and all(p in PARTS for p in parts),
        lambda parts: (
            did_you_mean(next(each for each in parts if each not in PARTS), PARTS)
            if isinstance(parts, list) and parts
            else f"write parts=[training], or several of {', '.join(PARTS)}"
        ),
        "parts is a list, of one at least, of what is measured",
    ),
    "rounds": whole(1),
    "dataset.batch_size": _no("auto"),
    "dataset.crop": _alike(None),
    "dataset.size": _no(None),
    "freeze_encoder": _alike(0),
    "trainer.accumulate_grad_batches": _alike(1),
    "trainer.devices": _alike(1, "1"),
    "trainer.fast_dev_run": _alike(False),
    "trainer.gradient_clip_val": _alike(None),
    "trainer.limit_train_batches": _alike(None),
    "trainer.limit_val_batches": _alike(None),
    "trainer.max_steps": _alike(-1),
    "trainer.max_time": _alike(None),
    "trainer.num_nodes": _alike(1),
    "trainer.precision": _alike("auto", "bf16-mixed", "32-true", "32", 32),
}
