"""Which keys count for what: each list once, with its reason; and reading dotted keys."""

from collections.abc import Iterable, Mapping
from typing import Any

from segkit.core.intensity import STORED
from segkit.core.view import LARGE, OVERLAP, TILE

# What belongs to a call, not to what is trained.
OF_THE_CALL = ("allow_targets", "overrides", "resume", "run_dir")
# Where and how fast a machine trains: nothing that decides what is learnt from what.
OF_A_MACHINE = (
    "dataset.cache_dir",
    "dataset.num_workers",
    "dataset.root",
    "logger",
    "trainer.accelerator",
    "trainer.enable_progress_bar",
    "trainer.strategy.timeout",
)
# What the number of steps follows from.
LENGTH = ("trainer.max_epochs", "trainer.devices", "trainer.num_nodes")
# On resume. Another number of processes is another batch, and other hardware rounds otherwise:
# exact is what keeps to both.
MAY_CHANGE = tuple(
    sorted(
        (
            *OF_A_MACHINE,
            *LENGTH,
            "callbacks.inference.input",
            "callbacks.interrupts.every_n_steps",
            "max_megapixels",
            "trainer.max_time",
        )
    )
)
# What training finds out and writes into its configuration, and what stands there before.
FOUND = {
    "dataset.batch_size": "auto",
    "dataset.channels": "auto",
    "dataset.classes": None,
    "dataset.reader.classes": None,
    "dataset.intensity": "auto",
    "loss.weight": "auto",
    "model.encoder_weights": "auto",
    "model.in_channels": "auto",
    "model.mean": None,
    "model.std": None,
    "trainer.max_epochs": "auto",
}
# Keys that runs of earlier versions lack, and what they were trained by.
_OF_FOLDERS = {"axes": None, "axis": "axial", "images": None, "masks": None, "z": None}
ADDED = {
    **{f"dataset.{key}": value for key, value in _OF_FOLDERS.items()},
    **{f"dataset.reader.{key}": value for key, value in _OF_FOLDERS.items()},
    "callbacks.average._target_": "segkit.training.callbacks.average.AverageWeights",
    "callbacks.average.decay": None,
    "dataset.device_cache": False,
    "dataset.intensity": STORED,
    "large": LARGE,
    "overlap": OVERLAP,
    "steps": 1500,
    "tile": TILE,
}
# Of these, what names of folders leave out where it says no more than that: they are older.
NOT_NAMED = ("callbacks.average", "steps")
# What was the default of earlier versions, where it is another today.
ONCE_DEFAULT = {"dataset.intensity": STORED}
# How trainer=ddp is written since it has a time-out of its own.
_DDP = {
    "_target_": "lightning.pytorch.strategies.DDPStrategy",
    "timeout": {"_target_": "datetime.timedelta", "minutes": 30},
}
# Never compared with the run's own on resume: their choices are compared key by key.
NOT_RESUMED = (*OF_THE_CALL, "choices", "experiment", "monitor_asked")
# Of the trials of one study these may differ.
OF_A_TRIAL = (*OF_A_MACHINE, "callbacks.progress")
# Where a run lies, what it was given, where it was trained and what was drawn or written of it say
# nothing about what it is. Epochs, time and processes do, though they may change on resume.
NOT_COMPARED = (
    *OF_THE_CALL,
    *OF_A_MACHINE,
    "callbacks.inference",
    "callbacks.interrupts",
    "callbacks.panels",
    "callbacks.progress",
    "callbacks.pruning",
    "dataset.reader.root",  # which follows dataset.root
    "dataset.panel_count",
    "dataset.panel_ids",
    "max_megapixels",
    "steps",  # trainer.max_epochs says what came of them
    "monitor_asked",  # monitor says what was gone by
)
# They make several runs of one configuration.
REPEATED = ("seed", "dataset.split.fold")
# Of segkit.sweep alone; segkit.train knows nothing of them.
OF_A_STUDY = (
    "study",
    "storage",
    "n_trials",
    "timeout",
    "sampler",
    "pruner",
    "pruner_trials",
    "pruner_epochs",
    "space",
    "sweep",
)
# What loggers compare runs by. The rest is in config.yaml and in TensorBoard's text tab.
HYPER_PARAMETERS = (
    "seed",
    "dataset.root",
    "dataset.size",
    "dataset.crop",
    "dataset.batch_size",
    "dataset.split.fold",
    "model.encoder",
    "model.encoder_weights",
    "freeze_encoder",
    "optim.lr",
    "optim.weight_decay",
    "trainer.max_epochs",
    "trainer.precision",
)
# Arguments that name where something is written.
PLACES = (".dirpath", ".save_dir")


def key_of(override: str) -> str:
    """The key or group that an override is about.

    >>> key_of("+callbacks@extra=early"), key_of("~schedule"), key_of("a.b=c=d")
    ('callbacks', 'schedule', 'a.b')
    """
    return override.split("=", 1)[0].lstrip("+~").split("@")[0]


def within(key: str, keys: Iterable[str]) -> bool:
    """Whether a key is one of these, or below one."""
    return any(key == each or key.startswith(f"{each}.") for each in keys)


def flatten(value: Any, key: str = "") -> dict[str, Any]:
    """The values of a nested mapping by dotted key; lists and empty mappings are values.

    >>> flatten({"a": {"b": [1, 2], "c": {}}, "d": None})
    {'a.b': [1, 2], 'a.c': {}, 'd': None}
    """
    if isinstance(value, Mapping) and value:
        inner = [flatten(v, f"{key}.{k}" if key else str(k)) for k, v in value.items()]
        return {k: v for part in inner for k, v in part.items()}
    return {key: value}


def in_earlier_words(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what earlier versions lack, as far as it says what they did."""
    flat = flatten(config)

    def idle(name: str) -> bool:
        own = [key for key in flat if within(key, (name,))]
        return name in NOT_NAMED and all(flat[key] == ADDED[key] for key in own)

    found = {key: value for key, value in config.items() if not idle(key)}
    given = config.get("callbacks") or {}
    callbacks = {key: value for key, value in given.items() if not idle(f"callbacks.{key}")}
    trainer = dict(config.get("trainer") or {})
    if trainer.get("strategy") == _DDP:
        trainer["strategy"] = "ddp"
    return {**found, **({"callbacks": callbacks} if callbacks else {}), "trainer": trainer}


def in_todays_words(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with what earlier versions wrote otherwise and trained by the same."""
    trainer = config.get("trainer") or {}
    if trainer.get("strategy") != "ddp":
        return config
    return {**config, "trainer": {**trainer, "strategy": _DDP}}
