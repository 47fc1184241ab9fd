"""The lines with which docs/predict_and_export.md uses an exported model, whatever it was."""

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
from tests.documents import ROOT, blocks
from tests.inference.test_onnx_model import network

# torch takes seconds to trace the first graph.
pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "predict_and_export.md"


def lines() -> str:
    """The block that imports onnxruntime."""
    (found,) = (block for block in blocks(PAGE) if "onnxruntime" in block)
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
    ("kind", "channels", "seen"),
    [
        ("binary", 3, (32, "image", np.uint8)),
        ("two_logits", 1, ([24, 40], "stored", np.uint16)),
        ("binary", 1, (None, "image", np.uint16)),
        ("classes", 3, ([96, 104], "stored", np.uint8)),
        ("classes", 1, (32, "image", np.uint8)),
        ("classes", 3, (None, "image", np.uint16)),
    ],
)
def test_the_lines_find_what_predict_finds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    channels: int,
    seen: tuple[Any, str, Any],
) -> None:
    size, intensity, depth = seen
    built = network(channels, {"binary": 1, "two_logits": 2, "classes": 3}[kind])
    built.reduce = difference if kind == "two_logits" else None
    run = trained(tmp_path, built, 3 if kind == "classes" else 2, size)
    run.config["dataset"]["intensity"] = intensity
    pixels = picture(1, (60, 76, channels) if channels > 1 else (60, 76)).astype(depth)
    # Neither depth is filled.
    pixels = pixels * 150 + 900 if depth == np.uint16 else pixels // 2 + 20
    pair = (size, size) if isinstance(size, int) else size and tuple(size)
    made = Predictor(
        [Member(built, pair, channels, intensity)], task=run.task, device="cpu", precision="32-true"
    )
    if kind != "classes":  # both classes are to be found
        run.config["threshold"] = float(np.median(made(pixels).probability))
        del vars(run)["task"]  # which had been made with the other
        made.task = run.task
    monkeypatch.setattr(export, "open_run", lambda *_: run)
    assert (
        call_main(monkeypatch, "run=any", f"output={tmp_path}/model", "count=2", module=export) == 0
    )
    cv2.imwrite(str(tmp_path / "image.png"), pixels[..., ::-1] if channels > 1 else pixels)
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(lines(), found)  # the page's own
    expected = made(pixels).mask
    assert found["mask"].shape == expected.shape == (60, 76)
    assert len(np.unique(expected)) > 1
    # Probabilities are resized, not logits.
    assert (found["mask"] == expected).mean() > (0.98 if pair else 0.9999)
