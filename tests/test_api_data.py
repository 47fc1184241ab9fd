"""``segkit.open_data`` by itself, and a package that is empty until it is asked."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import segkit
from segkit.core.errors import SegkitError
from tests.cells import write_cells
from tests.process_state import changed, process_state

ROOT = Path(__file__).parents[1]


def test_data_at_their_own_sizes(tmp_path: Path) -> None:
    write_cells(tmp_path / "it's ${x}, [2]", {"a": (40, 44), "b": (52, 48), "c": (40, 40)})
    before = process_state()
    data = segkit.open_data(
        "folder",
        ["augment=none", "dataset.split.seed=3"],
        root=tmp_path / "it's ${x}, [2]",
        size=None,
        crop=32,
        classes=["background", "a cell"],
        mask_values={0: 0, 255: 1},
        cache_dir=tmp_path / "cache",
    )
    assert not changed(before)
    assert data.classes == ("background", "a cell")
    assert data.as_dataset("train")[0]["image"].shape == (3, 32, 32)
    data.large = type(data.large)(pixels=10)  # for scoring: a sample is whole
    test = data.as_dataset("test")[0]
    assert test["image"].shape[1:] == test["mask"].shape
    assert test["image"].shape[1] >= 40


def test_masks_of_colours(tmp_path: Path) -> None:
    write_cells(tmp_path / "own", {"a": (40, 44), "b": (52, 48), "c": (40, 40)})
    for path in (tmp_path / "own" / "masks").iterdir():
        mask = np.asarray(Image.open(path)) > 0
        Image.fromarray(np.array([[0, 0, 0], [255, 0, 0]], np.uint8)[mask.astype(int)]).save(path)
    data = segkit.open_data(
        "folder",
        root=tmp_path / "own",
        size=32,
        mask_values={"0x000000": 0, "0xff0000": 1},
        cache_dir=tmp_path / "cache",
    )
    assert set(np.unique(data.as_dataset("train")[0]["mask"])) == {0, 1}


def test_the_module_is_empty_until_it_is_asked() -> None:
    code = (
        "import sys, segkit\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'torch', 'numpy', 'hydra', 'omegaconf', 'PIL', 'cv2'}, loaded\n"
        "assert [n for n in sys.modules if n.startswith('segkit')] == ['segkit']\n"
        "assert {'fit', 'load_run', 'open_data', 'score', 'compare_runs'} <= set(dir(segkit))\n"
        "print(segkit.__version__)\n"
        "segkit.fit, segkit.score, segkit.open_data, segkit.compare_runs, segkit.load_run\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+\.\d+.*\n", done.stdout)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(segkit, "nothing")  # noqa: B009


@pytest.mark.parametrize("name", ["training", "tset", ""])
def test_a_split_that_is_none_is_refused(phantom_root: Path, name: Any) -> None:
    data = segkit.open_data("dsb2018", root=phantom_root, size=32)
    with pytest.raises(segkit.SegkitError, match="unknown split"):
        data.as_dataset(name)


def test_labels_of_objects(tmp_path: Path) -> None:
    labels = np.zeros((40, 40), np.uint16)
    labels[4:12, 4:12], labels[12:20, 4:12], labels[20:32, 20:32] = 7, 300, 65_000
    for kind, pixels in (("images", np.minimum(labels, 200).astype(np.uint8)), ("masks", labels)):
        (tmp_path / "cells" / kind).mkdir(parents=True)
        for name in "abc":
            Image.fromarray(pixels).save(tmp_path / "cells" / kind / f"{name}.png")
    keys: dict[str, Any] = {"size": None, "crop": 32, "cache_dir": tmp_path / "cache"}
    keys |= {"labels": "objects"}
    each: list[dict[str, Any]] = [{"task": "instance"}, {"overrides": ["task=instance"]}]
    for given in each:
        data = segkit.open_data("folder", root=tmp_path / "cells", **given, **keys)
        mask = data.as_dataset("test")[0]["mask"]
        assert mask.dtype == torch.int32
        assert len(np.unique(mask)) == 4
    with pytest.raises(SegkitError, match="task"):
        segkit.open_data("folder", task="instances", root=tmp_path / "cells", **keys)
