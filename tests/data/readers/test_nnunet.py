"""Names of classes in nnU-Net's dataset.json."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from segkit.config.plain import resolved
from segkit.data.readers.folder import Folder
from segkit.runs.settled import settle
from tests.data.readers.nifti_files import SHAPE, save, voxels

TWO = ("background", "foreground")


def described(root: Path, content: Any) -> Path:
    """A data set of one case, and what its dataset.json holds."""
    save(root / "imagesTr" / "a_0000.nii.gz", voxels(0))
    save(
        root / "labelsTr" / "a.nii.gz", (np.arange(np.prod(SHAPE)) % 3).reshape(SHAPE).astype("u1")
    )
    text = content if isinstance(content, str) else json.dumps(content)
    (root / "dataset.json").write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "labels",
    [
        {"background": 0, "tumour": 2, "liver": 1},
        {"0": "background", "1": "liver", "2": "tumour"},
    ],
)
def test_classes_are_called_as_it_says(tmp_path: Path, labels: dict[str, Any]) -> None:
    root = described(tmp_path, {"labels": labels, "file_ending": ".nii.gz"})
    reader = Folder(root, classes=None)
    assert reader.classes == ("background", "liver", "tumour")
    sample = reader.read(reader.listing().records[0])
    assert sample.mask is not None
    assert sample.mask.max() == 2
    assert reader.passed_over() == ""
    # Whatever the user says counts more.
    assert Folder(root, classes=TWO).classes == TWO


@pytest.mark.parametrize(
    "content",
    [
        {"labels": {"background": 0, "whole": [1, 2], "core": 2}},
        {"labels": {"background": 0, "liver": 2}},
        {"labels": {"background": 0}},
        {"labels": ["background", "liver"]},
        [1],
        "no json",
        "[" * 99_999,
        {"labels": {"background": None, "liver": "x"}},
    ],
)
def test_what_tells_no_classes_is_passed_over(tmp_path: Path, content: Any) -> None:
    assert Folder(described(tmp_path, content), classes=None).classes == TWO


def test_config_yaml_has_the_names(tmp_path: Path) -> None:
    """A run is predicted with where its data are not."""
    root = described(tmp_path, {"labels": {"background": 0, "liver": 1, "tumour": 2}})
    reader = Folder(root, classes=None)
    composed = OmegaConf.create({"dataset": {"channels": "auto", "classes": None}})
    settled = settle(composed, resolved(composed), reader)
    assert settled["dataset"] == {"channels": 3, "classes": ["background", "liver", "tumour"]}
    assert composed.dataset.classes == settled["dataset"]["classes"]
