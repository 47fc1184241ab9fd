"""``python -m segkit.benchmark``: how fast segkit is on this machine, beside other ways."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from segkit.benchmarks.beside import check_beside
from segkit.config.plain import resolved
from segkit.config.sizes import AUTO
from segkit.config.values import BENCHMARK
from segkit.core.files import write_text
from segkit.core.quoting import escaped
from segkit.core.run_folder import environment
from segkit.core.sources import data_name
from segkit.core.values import check
from segkit.runs import cli
from segkit.runs.build import build_reader, without_weights
from segkit.runs.call import Call
from segkit.runs.checks import check_training
from segkit.runs.settled import settled

if TYPE_CHECKING:
    from segkit.benchmarks.timing import Figure

log = logging.getLogger(__name__)


def benchmark(composed: DictConfig, call: Call) -> bool:
    """Measure as configured, write ``benchmark.json`` and print the table; whether all went well.

    Raises:
        SegkitError: the configuration or the data are wrong.
    """
    folder = call.output
    composed.run_dir = escaped(str(folder / "run"))
    settings = resolved(composed)
    settings["overrides"] = list(call.overrides)
    if settings["model"].get("encoder_weights") == AUTO:
        settings = dict(without_weights(settings))  # nothing is fetched for a measurement
    check_training(settings)
    check(settings, BENCHMARK)
    for part in settings["parts"]:
        check_beside(part)
    reader = build_reader(settings)
    reader.listing()
    settings = settled(settings, reader)

    from segkit.benchmarks.parts import measure
    from segkit.benchmarks.rounds import Rounds
    from segkit.benchmarks.table import as_json, show
    from segkit.training.console import hushed_lightning

    found: dict[str, list[Figure]] = {}
    unfinished, failed = list(settings["parts"]), list[str]()
    about = {"settings": _settings(settings), **environment()}

    def write(figures: list[Figure]) -> None:
        found[part] = figures
        facts = {**about, "failed": failed, "unfinished": unfinished}
        text = json.dumps(as_json(_all(found), facts), indent=2, ensure_ascii=False)
        write_text(folder / "benchmark.json", text + "\n")

    try:
        for part in settings["parts"]:
            shown = Rounds(part, write)
            try:
                with hushed_lightning():
                    measure(settings, folder, _all(found), shown)
            except Exception as error:
                # What the other parts have found is not lost for it.
                log.warning("%s could not be measured: %s", part, error, exc_info=error)
                failed.append(part)
            unfinished.remove(part)
            write(shown.figures)
    finally:
        # After a Ctrl-C too: whole rounds are worth their time.
        if _all(found) or not unfinished:
            show(_all(found), _title(about))
            print(f"{folder}/benchmark.json")
        if unfinished:
            print(f"not finished: {', '.join(unfinished)}")
    return not failed


def _all(found: Mapping[str, list[Figure]]) -> list[Figure]:
    return [figure for figures in found.values() for figure in figures]


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    """What the figures depend on."""
    kept = ("parts", "rounds", "choices", "overrides", "compile")
    dataset, trainer = settings["dataset"], settings["trainer"]
    return {
        **{key: settings[key] for key in kept},
        "dataset": {
            key: dataset[key]
            for key in (
                "name",
                "root",
                "size",
                "channels",
                "batch_size",
                "num_workers",
                "device_cache",
            )
        },
        "trainer": {key: trainer[key] for key in ("accelerator", "precision")},
    }


def _title(facts: dict[str, Any]) -> str:
    hardware, settings = facts["hardware"], facts["settings"]
    device = ", ".join(hardware["gpus"]) or f"{hardware['processor']}, {hardware['cores']} cores"
    versions = ", ".join(f"{name} {facts['versions'][name]}" for name in ("torch", "lightning"))
    dataset, chosen = settings["dataset"], settings["choices"]
    return (
        f"{device}; {versions}\n{data_name(dataset)}, {chosen['model']}, size {dataset['size']}, "
        f"batch {dataset['batch_size']}, augment={chosen['augment']}, {settings['rounds']} rounds"
    )


def main() -> None:
    """Entry point of ``segkit-benchmark``: exit code 1 where a part could not be measured."""
    cli.run(benchmark, "benchmark")


if __name__ == "__main__":
    main()
