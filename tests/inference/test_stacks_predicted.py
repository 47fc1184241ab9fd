"""A trained run reads files of many planes as it was trained to, and names their channels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from torch import nn

from segkit.core.errors import SegkitError
from segkit.core.planes import Planes
from segkit.imaging.bands import open_rows
from segkit.inference.names import Input
from segkit.inference.objects.of_image import _Stored
from segkit.inference.predictor import Member, Predictor
from segkit.models.network import wrap
from segkit.runs.load import agreed_planes
from segkit.tasks.semantic.task import SemanticTask
from tests.runs.test_agree import FOUND, a_run

STACK = np.random.default_rng(0).integers(0, 256, (4, 2, 32, 40)).astype(np.uint8)


def written(path: Path, pixels: Any, axes: str, **more: Any) -> Path:
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes, **more})
    return path


def test_a_stack_is_predicted_as_its_image(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", STACK, "ZCYX")
    network = wrap(nn.Conv2d(2, 1, 3, padding=1), 2).eval()
    task = SemanticTask(["background", "cell"])
    for z, flat in (("max", STACK.max(axis=0)), (2, STACK[2])):
        predictor = Predictor(
            [Member(network, None, 2, planes=Planes(None, z))], task=task, device="cpu"
        )
        expected = predictor(np.moveaxis(flat, 0, -1)).probability
        for tile in (None, 32):
            found = predictor(path, tile=tile, overlap=16).probability
            np.testing.assert_allclose(found, expected, atol=1e-6 if tile is None else 1)
        opened = Input(path).open(0, planes=predictor.planes)
        np.testing.assert_array_equal(opened.rows(0, 32), np.moveaxis(flat, 0, -1))


def test_runs_agree_on_planes(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / str(number), FOUND) for number in range(3)]
    assert agreed_planes(runs[:1]) == Planes(), "runs of earlier versions lack the keys"
    runs[1].config["dataset"] |= {"axes": "ZYX", "z": "max"}
    runs[2].config["dataset"] |= {"axes": "ZYX", "z": 0}
    assert agreed_planes(runs[1:2]) == Planes("ZYX", "max")
    assert agreed_planes(runs[2:], z="mean") == Planes("ZYX", "mean")
    with pytest.raises(SegkitError, match="in different ways") as caught:
        agreed_planes(runs[1:])
    assert "z=" in caught.value.remedy
    assert agreed_planes(runs[1:], z=0) == Planes("ZYX", 0)


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["DAPI", "CD3 (Cy5)"], ["DAPI", "CD3_Cy5"]),
        (["A/B", "A B"], ["channel_1", "channel_2"]),
        (["DAPI", "probability"], ["channel_1", "channel_2"]),
        ([], ["channel_1", "channel_2"]),
    ],
)
def test_objects_are_measured_by_the_names_of_channels(
    names: list[str], columns: list[str], tmp_path: Path
) -> None:
    path = written(tmp_path / "a.tif", STACK[0], "CYX", Labels=names)
    stored = _Stored(open_rows(path, 0))
    assert list(stored.channels) == columns
    np.testing.assert_array_equal(stored[3:5], np.moveaxis(STACK[0, :, 3:5], 0, -1))
