"""``python -m segkit.benchmark``: how fast segkit is on this machine, beside other ways."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from segkit.benchmarks.beside import check_beside
from segkit.config.checks import check_values
from segkit.config.plain import resolved
from segkit.config.sizes import AUTO
from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.files import write_text
from segkit.core.quoting import escaped
from segkit.core.run_folder import environment
from segkit.core.sources import data_name
from segkit.runs import cli
from segkit.runs.build import build_reader
from segkit.runs.call import Call

if TYPE_CHECKING:
    from segkit.benchmarks.timing import Figure

log = logging.getLogger(__name__)

PARTS = ("training", "changes", "input", "inference", "start", "memory", "growth")


# What the rivals cannot do too; with it, unlike would be compared with unlike.
ALIKE: dict[str, tuple[Any, ...]] = {
    "freeze_encoder": (0,),
    "dataset.crop": (None,),
    "trainer.accumulate_grad_batches": (1,),
    "trainer.devices": (1, "1"),
    "trainer.fast_dev_run": (False,),
    "trainer.gradient_clip_val": (None,),
    "trainer.limit_train_batches": (None,),
    "trainer.limit_val_batches": (None,),
    "trainer.max_steps": (-1,),
    "trainer.max_time": (None,),
    "trainer.num_nodes": (1,),
    "trainer.precision": ("auto", "bf16-mixed", "32-true", "32", 32),
}


def benchmark(composed: DictConfig, call: Call) -> bool:
    """Measure as configured, write ``benchmark.json`` and print the table; whether all went well.

    Raises:
        SegkitError: the configuration or the data are wrong.
    """
    folder = call.output
    composed.run_dir = escaped(str(folder / "run"))
    settings = resolved(composed)
    settings["overrides"] = list(call.overrides)
    check_values(settings)
    _check(settings)
    build_reader(settings).listing()

    from segkit.benchmarks.parts import measure
    from segkit.benchmarks.table import as_json, show
    from segkit.training.console import hushed_lightning

    figures: list[Figure] = []
    failed = []
    for part in settings["parts"]:
        print(f"measuring {part} …", flush=True)
        try:
            with hushed_lightning():
                figures += measure(part, settings, folder, figures)
        except Exception as error:
            # What the other parts have found is not lost for it.
            log.warning("%s could not be measured: %s", part, error, exc_info=error)
            failed.append(part)
        facts = {"settings": _settings(settings), "failed": failed, **environment()}
        text = json.dumps(as_json(figures, facts), indent=2, ensure_ascii=False)
        write_text(folder / "benchmark.json", text + "\n")
    show(figures, _title(facts))
    print(f"{folder}/benchmark.json")
    return not failed


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


def _check(settings: dict[str, Any]) -> None:
    parts, rounds = settings["parts"], settings["rounds"]
    if not isinstance(parts, list) or not parts:
        raise SegkitError(
            "parts is a list, of one at least",
            where=f"parts={parts}",
            remedy=f"write parts=[training], or several of {', '.join(PARTS)}",
        )
    for part in parts:
        if part not in PARTS:
            remedy = did_you_mean(part, PARTS)
            raise SegkitError(
                f"unknown part {part!r}",
                where=f"parts=[{','.join(map(str, parts))}]",
                remedy=remedy,
            )
        check_beside(part)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise SegkitError(
            f"{rounds!r} rounds cannot be counted",
            where=f"rounds={rounds}",
            remedy="give a whole number of 1 or more",
        )
    for key, possible in ALIKE.items():
        node, _, name = key.rpartition(".")
        value = (settings[node] if node else settings)[name]
        if value not in possible:
            raise SegkitError(
                "the loops that segkit is held against have no such thing",
                where=f"{key}={value}",
                remedy=f"leave {key} out",
            )
    _check_batch(settings["dataset"])


def _check_batch(dataset: dict[str, Any]) -> None:
    if dataset["size"] is None or dataset["batch_size"] == AUTO:
        raise SegkitError(
            "images of one size and a batch of one size are compared",
            where=f"dataset.size={dataset['size']}, dataset.batch_size={dataset['batch_size']}",
            remedy="give both as numbers",
        )


def main() -> None:
    """Entry point of ``segkit-benchmark``: exit code 1 where a part could not be measured."""
    verdicts: list[bool] = []
    cli.run(lambda composed, call: verdicts.append(benchmark(composed, call)), "benchmark")
    if not all(verdicts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
