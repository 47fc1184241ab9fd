"""The configuration as text and as a flat table, for loggers."""

from collections.abc import Mapping
from typing import Any

import yaml

# What a run is compared by. The rest is in config.yaml and in TensorBoard's text tab.
_PARAMETERS = (
    "seed",
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


def yaml_text(config: Mapping[str, Any]) -> str:
    """The configuration as YAML, in its own order."""
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def flat_parameters(config: Mapping[str, Any]) -> dict[str, str | float]:
    """Hyper-parameters for a logger: the choices by group, and the keys that matter most."""
    flat: dict[str, str | float] = {str(k): str(v) for k, v in config["choices"].items()}
    for key in _PARAMETERS:
        value: Any = config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            flat[key] = value if isinstance(value, int | float) else str(value)
    return flat
