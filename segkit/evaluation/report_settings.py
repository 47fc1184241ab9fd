"""What the report says of how a run was set up: its configuration, its machine, its command."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from segkit.config.keys import OF_A_MACHINE, OF_THE_CALL, key_of, within
from segkit.drawing.html import Table
from segkit.runs.loggers import flat_parameters

_TEXT = 100_000


def configuration_of(config: Mapping[str, Any], summary: Mapping[str, Any]) -> Table:
    """The keys that runs are compared by, what was set for this one, and what training found."""
    values = flat_parameters({"choices": {}} | dict(config), _given(config))
    rows = [(key, str(value)) for key, value in values.items()]
    fitted = summary.get("decoder") or {}
    rows += [(key, f"{value}, fitted to the validation split") for key, value in fitted.items()]
    return Table(("key", "value"), rows)


def config_text_of(config: Mapping[str, Any]) -> str:
    """``config.yaml``, or its beginning."""
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}\n… the rest is in config.yaml"


def _given(config: Mapping[str, Any]) -> list[str]:
    """What was set for this run, in a sweep what it varies: of a report that is renewed, too."""
    given = config.get("overrides")
    keys = [key_of(str(each)) for each in given] if isinstance(given, list) else []
    return [key for key in keys if not within(key, (*OF_A_MACHINE, *OF_THE_CALL))]


def environment_of(summary: Mapping[str, Any]) -> Table:
    """The machine and the versions that it was trained with."""
    hardware = summary.get("hardware") or {}
    gpus: Sequence[str] = hardware.get("gpus") or ()
    rows = [
        ("processor", f"{hardware.get('processor', 'unknown')}, {hardware.get('cores')} cores"),
        ("GPU", ", ".join(f"{n} × {name}" for name, n in Counter(gpus).items()) or "none"),
        ("system", hardware.get("system", "unknown")),
        ("precision", summary.get("precision", "unknown")),
        ("parameters", f"{summary.get('parameters') or 0:,}".replace(",", "\N{THIN SPACE}")),
        ("commit", summary.get("commit") or "not a checkout"),
        ("Python", summary.get("python", "unknown")),
        *((name, number or "unknown") for name, number in (summary.get("versions") or {}).items()),
    ]
    return Table(("", "at training"), rows)


def command_of(config: Mapping[str, Any]) -> str:
    """As it was given; of older runs, which did not keep it, their choices."""
    overrides = config.get("overrides")
    choices = config.get("choices") or {}
    given = overrides if isinstance(overrides, list) else [f"{k}={v}" for k, v in choices.items()]
    return shlex.join(["python", "-m", "segkit.train", *map(str, given)])
