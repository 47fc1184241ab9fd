"""``python -m segkit.benchmark``: how fast segkit is on this machine, beside other ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from segkit import cli
from segkit.assembly import build_reader
from segkit.config_check import check_values
from segkit.errors import SegkitError, did_you_mean
from segkit.files import write_text
from segkit.run_folder import environment

if TYPE_CHECKING:
    from segkit.benchmarks.timing import Figure

PARTS = ("training", "changes", "input", "inference", "start", "memory", "growth")


def benchmark(composed: DictConfig) -> None:
    """Measure as configured; write ``benchmark.json`` and print the table.

    Raises:
        SegkitError: the configuration or the data are wrong.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    composed.run_dir = str(folder / "run")
    config = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    assert isinstance(config, dict)
    settings = {str(key): value for key, value in config.items()}
    check_values(settings)
    _check(settings)
    build_reader(settings).listing()

    from segkit.benchmarks.parts import measure
    from segkit.benchmarks.table import as_json, show
    from segkit.console import hush_lightning

    hush_lightning()
    figures: list[Figure] = []
    for part in settings["parts"]:
        print(f"measuring {part} …", flush=True)
        figures += measure(part, settings, folder, figures)
    facts = {
        "settings": {key: settings[key] for key in ("parts", "rounds", "choices", "overrides")},
        **environment(),
    }
    text = json.dumps(as_json(figures, facts), indent=2, ensure_ascii=False)
    write_text(folder / "benchmark.json", text + "\n")
    chosen = settings["choices"]
    hardware = facts["hardware"]
    device = ", ".join(hardware["gpus"]) or f"{hardware['processor']}, {hardware['cores']} cores"
    show(figures, f"{chosen['dataset']}, {chosen['model']}, {device}")
    print(f"{folder}/benchmark.json")


def _check(settings: dict[str, Any]) -> None:
    parts, rounds = settings["parts"], settings["rounds"]
    if not isinstance(parts, list) or not parts:
        raise SegkitError(
            f"{parts!r} names no part", where="parts", remedy=f"choose from {', '.join(PARTS)}"
        )
    for part in parts:
        if part not in PARTS:
            remedy = did_you_mean(part, PARTS)
            raise SegkitError(f"unknown part {part!r}", where=f"parts={parts}", remedy=remedy)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise SegkitError(
            f"{rounds!r} rounds cannot be counted",
            where=f"rounds={rounds}",
            remedy="give a whole number of 1 or more",
        )


def main() -> None:
    """Entry point of ``segkit-benchmark``."""
    cli.run(benchmark, "benchmark")


if __name__ == "__main__":
    main()
