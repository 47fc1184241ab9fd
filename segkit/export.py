"""``python -m segkit.export run=DIR``: an ONNX model of raw pixels, checked against torch."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.plain import resolved
from segkit.config.sizes import image_size
from segkit.config.values import EXPORT
from segkit.core.channels import channel_count, channels_of
from segkit.core.errors import SegkitError, require_packages
from segkit.core.files import atomic_path, write_text
from segkit.core.home import at_home
from segkit.core.intensity import FIXED, HOW
from segkit.core.run_folder import RunFolder, environment
from segkit.core.sources import check_apart
from segkit.core.values import check
from segkit.runs import cli
from segkit.runs.build import build_reader
from segkit.runs.keep_apart import named_sources
from segkit.runs.saved import SavedRun, open_run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from segkit.core.contracts import Record
    from segkit.data.readers.base import Reader
    from segkit.inference.onnx_model import Parity

_LARGEST = 1024  # pixels a side
_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def export(config: dict[str, Any]) -> float:
    """Export as configured; gives the largest difference from torch.

    Raises:
        SegkitError: not a run, a package that is missing, a network that ONNX cannot express, or
            a graph that computes something else.
    """
    require_packages(*_PACKAGES, extra="onnx")
    check(config, EXPORT)
    run = open_run(config["run"], config["allow_targets"])
    folder = at_home(config["output"], "output") if config["output"] else run.folder.path
    _check_output(folder, run.folder, run.config)

    cli.say("loading PyTorch …")
    from segkit.inference.onnx_model import compare, write_onnx
    from segkit.training.console import hushed_lightning

    cli.say("exporting …")
    network, decoder = run.network, run.task.decoder
    channels = channel_count(run.config["dataset"]["channels"])
    with hushed_lightning(), atomic_path(folder / "model.onnx") as temporary:
        size = _bound_size(run)
        write_onnx(network, decoder, channels, temporary, opset=config["opset"], size=size)
        images, source = _images(run, config["count"])
        cli.say(f"comparing with torch on {source} …")
        parity = compare(network, decoder, temporary, images)
        _require(parity, config["bound"])
    facts = _facts(run, folder / "model.onnx", config, parity, source)
    write_text(folder / "model.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    _show(facts, folder)
    return parity.difference


def _check_output(folder: Path, run: RunFolder, config: dict[str, Any]) -> None:
    """Refuse a folder of the run's data, and that of another run, whose model it would pass for."""
    check_apart(folder / "model.onnx", named_sources(config), key="output")
    if RunFolder(folder).log.is_file() and folder.resolve() != run.path.resolve():
        what, remedy = "this is the folder of another run", "name one of its own: output=PATH"
        raise SegkitError(what, where=f"output={folder}", remedy=remedy)


def _bound_size(run: SavedRun) -> tuple[int, int] | None:
    """Rows and columns of a network whose graph cannot leave them free, or None."""
    if run.network.any_size_exports:
        return None
    size = image_size(run.config["dataset"]["size"], "dataset.size")
    if size is None:
        raise SegkitError(
            "this network can be exported for one size only, and was trained at many",
            where=f"{run.folder.path}, dataset.size=null",
            remedy="train it at one: dataset.size=256",
        )
    return size


def _images(run: SavedRun, count: int) -> tuple[Iterator[NDArray[np.uint8]], str]:
    """Images of the run's own data as it saw them, or noise where the data are not at hand."""
    channels = channel_count(run.config["dataset"]["channels"])
    reader = build_reader(_without_download(run.config))
    try:
        records = [record for record in reader.listing().records if record.labelled]
    except SegkitError:
        return _noise(
            count, channels, _bound_size(run)
        ), f"images of noise: the data are not at {reader.root}"
    chosen = records[:: max(1, len(records) // count)][:count]
    return _read(run, reader, chosen), f"images of {reader.root.name}"


def _without_download(config: dict[str, Any]) -> dict[str, Any]:
    """Nothing is fetched for a comparison."""
    reader = {key: each for key, each in config["dataset"]["reader"].items() if key != "download"}
    return {**config, "dataset": {**config["dataset"], "reader": reader}}


def _read(run: SavedRun, reader: Reader, records: Sequence[Record]) -> Iterator[NDArray[np.uint8]]:
    from segkit.imaging.pixels import network_input

    dataset = run.config["dataset"]
    size = image_size(dataset["size"], "dataset.size")
    for load in reader.loaders(records):
        with suppress(SegkitError):  # one that the run has left out too
            image = load().image
            # Of an image of its own size a part will do: both graphs hold it at once.
            part = image if size else image[:_LARGEST, :_LARGEST]
            yield network_input(part, channels_of(dataset["channels"]), size)


def _noise(count: int, channels: int, size: tuple[int, int] | None) -> Iterator[NDArray[np.uint8]]:
    import numpy as np

    rng = np.random.default_rng(0)
    for _ in range(count):
        rows, columns = size or rng.integers(40, 400, 2)
        yield rng.integers(0, 256, (rows, columns, channels), dtype=np.uint8)


def _require(parity: Parity, bound: float) -> None:
    if not parity.images:
        raise SegkitError(
            "there was no image to compare the two on",
            where="the run's dataset.root",
            remedy="restore the data, or move them away: then noise is compared",
        )
    if not parity.difference <= bound:
        raise SegkitError(
            f"the exported model differs from torch by {parity.difference:.2g}, and may by {bound}",
            where=f"bound={bound}",
            remedy="nothing was kept; try another opset=, or accept it with a larger bound=",
        )


def _facts(
    run: SavedRun, path: Path, config: dict[str, Any], parity: Parity, source: str
) -> dict[str, Any]:
    """What ``model.json`` says: how to call the model, and where it comes from."""
    dataset, summary, intensity = run.config["dataset"], run.folder.read_summary(), run.intensity
    size = image_size(dataset["size"], "dataset.size")
    return {
        "model": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "task": run.task.name,
        "classes": list(run.classes),
        **run.task.settings,
        "input": {
            "name": "image",
            "type": "uint8",
            "axes": ["batch", "height", "width", "channel"],
            "channels": channel_count(dataset["channels"]),
            "taken": dataset["channels"] if isinstance(dataset["channels"], list) else None,
            "range": [0, 255],
            "intensity": intensity if isinstance(intensity, str) else list(intensity),
            "intensity_note": HOW[intensity if isinstance(intensity, str) else FIXED],
            "trained_at": dataset["size"],
            "resize_to": size and list(size),
            "any_size": run.network.any_size_exports,
            "note": "any height and width, or resize_to alone where any_size is false; where "
            "resize_to (rows, columns) is not null, resize to it first, by area averages where the "
            "image shrinks and bilinearly where it grows, and the probabilities back. evaluate and "
            "predict resize logits, which differs in the last digits at edges",
        },
        "output": {
            "name": "probability",
            "type": "float32",
            "axes": ["batch", "class", "height", "width"],
            "of": list(run.task.decoder.planes),
            "activation": run.task.decoder.activation,
        },
        "opset": config["opset"],
        "parity": {**asdict(parity), "bound": config["bound"], "on": source},
        "provenance": {
            "run": run.folder.path.name,
            "choices": run.config["choices"],
            **{key: summary.get(key) for key in ("best_epoch", "test", "split_hash", "commit")},
            "exported_with": environment()["versions"],
        },
    }


def _show(facts: dict[str, Any], folder: Path) -> None:
    from segkit.core.shell import program
    from segkit.core.terminal import console, show_facts, show_line

    parity, path = facts["parity"], folder / "model.onnx"
    channels = facts["input"]["channels"]
    decided = f"{parity['decided_otherwise']} of {parity['pixels']} pixels decided otherwise"
    told = [
        ("model", f"{path} ({path.stat().st_size / 2**20:.1f} MiB)"),
        ("input", f"image (batch, height, width, {channels}) uint8"),
        ("output", f"probability of {', '.join(facts['output']['of'])}"),
        ("against torch", f"{parity['difference']:.2g} at most; {decided}"),
        ("compared on", f"{parity['images']} {parity['on']}"),
    ]
    show_facts(console(), told)
    rows, columns = image_size(facts["input"]["trained_at"], "dataset.size") or (256, 256)
    lines = (
        "import numpy, onnxruntime",
        f"model = onnxruntime.InferenceSession({str(path)!r})",
        f"image = numpy.zeros((1, {rows}, {columns}, {channels}), numpy.uint8)",
        'print(model.run(None, {"image": image})[0].shape)',
    )
    show_line(console(), f"try it: {shlex.join([program(), '-c', '; '.join(lines)])}")


def main() -> None:
    """Entry point of ``segkit-export``."""
    cli.run(lambda composed, _: export(resolved(composed)), "export")


if __name__ == "__main__":
    main()
