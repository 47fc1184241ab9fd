"""The lines with which the README uses an exported model run, whatever was exported."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segkit import export
from segkit.core.run_folder import RunFolder
from segkit.inference.predictor import Member, Predictor
from segkit.models.network import SegmentationNetwork
from segkit.runs.saved import SavedRun
from segkit.tasks.semantic.objective import difference
from tests.commands.in_process import call_main
from tests.commands.predicting import picture
from tests.documents import README, blocks
from tests.inference.test_onnx_model import network

# torch takes seconds to trace the first graph.
pytestmark = pytest.mark.slow


def lines() -> str:
    """The indented block of the README that imports onnxruntime."""
    (found,) = (block for block in blocks(README) if "onnxruntime" in block)
    return found


def trained(folder: Path, built: SegmentationNetwork, classes: int, size: object) -> SavedRun:
    names = ["background", "cell", "nucleus"][:classes]
    root = str(folder / "away")
    reader = {"_target_": "segkit.data.readers.folder.Folder", "root": root, "classes": names}
    config = {
        "dataset": {"size": size, "channels": len(built.mean[0]), "reader": reader},
        "threshold": 0.5,
        "choices": {},
        "allow_targets": [],
    }
    (folder / "summary.json").write_text("{}", "utf-8")
    run = SavedRun(RunFolder(folder), config)
    vars(run)["network"] = built  # as if it had been loaded
    return run


@pytest.mark.parametrize(
    ("kind", "channels", "size"),
    [
        ("binary", 3, 32),
        ("two_logits", 1, [24, 40]),
        ("binary", 1, None),
        ("classes", 3, [96, 104]),
        ("classes", 1, 32),
        ("classes", 3, None),
    ],
)
def test_the_lines_find_what_predict_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, channels: int, size: Any
) -> None:
    built = network(channels, {"binary": 1, "two_logits": 2, "classes": 3}[kind])
    built.reduce = difference if kind == "two_logits" else None
    run = trained(tmp_path, built, 3 if kind == "classes" else 2, size)
    pixels = picture(1, (60, 76, channels) if channels > 1 else (60, 76))
    pair = (size, size) if isinstance(size, int) else size and tuple(size)
    made = Predictor(
        [Member(built, pair, channels)], task=run.task, device="cpu", precision="32-true"
    )
    if kind != "classes":  # both classes are to be found
        run.config["threshold"] = float(np.median(made(pixels).probability))
        del vars(run)["task"]  # which had been made with the other
        made.task = run.task
    monkeypatch.setattr(export, "open_run", lambda *_: run)
    assert call_main(monkeypatch, "run=any", f"output={tmp_path}", "count=2", module=export) == 0
    cv2.imwrite(str(tmp_path / "image.png"), pixels[..., ::-1] if channels > 1 else pixels)
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(lines(), found)  # the README's own
    expected = made(pixels).mask
    assert found["mask"].shape == expected.shape == (60, 76)
    assert len(np.unique(expected)) > 1
    # Probabilities are resized, not logits.
    assert (found["mask"] == expected).mean() > (0.98 if pair else 0.9999)
