"""The lines with which docs/predict_and_export.md makes objects of an exported model's maps."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segkit import export
from segkit.core.run_folder import RunFolder
from segkit.inference.predictor import Member, Predictor
from segkit.models.network import SegmentationNetwork
from segkit.runs.saved import SavedRun
from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.targets import encode
from segkit.tasks.instance.watershed import decode
from tests.commands.in_process import call_main
from tests.documents import blocks
from tests.test_export_page import PAGE, lines

# torch takes seconds to trace the first graph.
pytestmark = pytest.mark.slow


def lines_of_objects() -> str:
    """The block that imports scikit-image."""
    (found,) = (block for block in blocks(PAGE) if "skimage" in block)
    return found


class Planes(nn.Module):
    """A network that has learnt to read the planes off the three channels of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        torch.manual_seed(0)
        with torch.no_grad():
            self.mix.weight.mul_(0.3)
            self.mix.weight[range(3), range(3), 1, 1] += 8

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.mix(x)
        return found


def planes_of_phantoms(labels_HW: NDArray[np.int32]) -> NDArray[np.uint8]:
    """(H, W, 3): what the network above makes planes of, with noise."""
    planes = encode(labels_HW).transpose(1, 2, 0)
    noise = np.random.default_rng(0).normal(0, 0.08, planes.shape)
    return np.asarray((np.clip(planes + noise, 0, 1) * 255).round(), np.uint8)


def phantoms() -> NDArray[np.int32]:
    """Discs that touch, a ring, a disc within a ring, a speck, and some at the border."""
    labels = np.zeros((90, 120), np.int32)
    rows, columns = np.ogrid[:90, :120]
    discs = [(20, 18, 12), (20, 40, 11), (38, 30, 10), (62, 60, 20), (10, 100, 14), (85, 20, 15)]
    for number, (row, column, radius) in enumerate(discs, start=1):
        inside = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        labels[inside & (labels == 0)] = number
    labels[(rows - 62) ** 2 + (columns - 60) ** 2 <= 16] = 0  # a hole, which is filled
    labels[40:42, 100:102] = 9  # below min_area
    labels[60:80, 90:118] = 10
    labels[64:76, 95:112] = 0
    labels[67:73, 99:108] = 11  # within another, which is not filled
    return labels


def trained(folder: Path, size: object, fitted: dict[str, Any]) -> SavedRun:
    """A run folder of objects, as training leaves it, whose settings were fitted."""
    root = str(folder / "away")
    names = ["background", "cell"]
    reader = {"_target_": "segkit.data.readers.folder.Folder", "root": root, "classes": names}
    config = {
        "task": "instance",
        "dataset": {"size": size, "channels": 3, "reader": reader},
        **{"threshold": "auto", "seed_threshold": 0.5, "min_area": 10},
        "choices": {},
        "allow_targets": [],
    }
    (folder / "summary.json").write_text(json.dumps({"decoder": fitted}), "utf-8")
    run = SavedRun(RunFolder(folder), config)
    network = SegmentationNetwork(Planes(), stride=2, mean=(0.5,) * 3, std=(0.5,) * 3).eval()
    vars(run)["network"] = network  # as if it had been loaded
    return run


@pytest.mark.parametrize("size", [None, [80, 100]])
@pytest.mark.parametrize("seed_threshold", [0.3, 0.6])
def test_the_lines_find_the_labels_of_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: Any, seed_threshold: float
) -> None:
    fitted = {"threshold": 0.4, "seed_threshold": seed_threshold, "min_area": 9}
    run = trained(tmp_path, size, fitted)
    pair = size and tuple(size)
    member = Member(run.network, pair, 3)
    predictor = Predictor([member], task=run.task, device="cpu", precision="32-true")
    pixels = planes_of_phantoms(phantoms())
    expected = predictor(pixels).mask
    monkeypatch.setattr(export, "open_run", lambda *_: run)
    assert (
        call_main(monkeypatch, "run=any", f"output={tmp_path}/model", "count=2", module=export) == 0
    )
    facts = json.loads((tmp_path / "model" / "model.json").read_text("utf-8"))
    assert {key: facts[key] for key in fitted} == fitted
    assert (facts["task"], facts["output"]["of"]) == (
        "instance",
        ["foreground", "contact", "distance"],
    )
    cv2.imwrite(str(tmp_path / "image.png"), pixels[..., ::-1])
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(lines(), found)  # the page's own
    exec(lines_of_objects(), found)
    assert expected.max() >= 8  # those that touch are told apart
    if size is None:
        np.testing.assert_array_equal(found["objects"], expected)
    else:  # probabilities are resized, not logits
        assert found["objects"].max() == expected.max()
        assert (found["objects"] == expected).mean() > 0.98


@pytest.mark.parametrize("value", [0, 255])
def test_the_lines_of_an_image_without_an_object_and_of_one_that_is_one(value: int) -> None:
    planes = np.zeros((12, 17, 3), np.float32)
    planes[...] = value / 255
    planes[..., 1] = 0
    facts = {"threshold": 0.5, "seed_threshold": 0.5, "min_area": 10}
    found: dict[str, Any] = {"probability": planes, "facts": facts, "mask": planes[..., 0] > 0.5}
    exec(lines_of_objects(), found)
    np.testing.assert_array_equal(found["objects"], np.full((12, 17), value > 0))


def test_the_lines_do_as_decode_on_noise() -> None:
    """Holes in holes, specks, seeds that meet at corners: whatever there is."""
    rng = np.random.default_rng(3)
    for n in range(12):
        maps = cv2.GaussianBlur(rng.random((70, 83, 3), np.float32), (0, 0), 1 + n / 12)
        maps = (maps - maps.min((0, 1))) / np.ptp(maps, axis=(0, 1))
        facts: dict[str, Any] = {
            "threshold": 0.35 + n / 60,
            "seed_threshold": 0.3,
            "min_area": 5 + n,
        }
        mask = maps[..., 0] > facts["threshold"]
        found: dict[str, Any] = {"probability": maps, "facts": facts, "mask": mask}
        exec(lines_of_objects(), found)
        expected = decode(np.ascontiguousarray(maps.transpose(2, 0, 1)), Settings(**facts))
        assert expected.max() > 3
        np.testing.assert_array_equal(found["objects"], expected)
