"""``segkit.open_data`` by itself, and a package that is empty until it is asked."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import segkit
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
