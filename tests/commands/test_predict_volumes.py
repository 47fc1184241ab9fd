"""Predict a NIfTI volume, as a user types it."""

from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from segkit import predict
from tests.commands.in_process import call_main
from tests.commands.predicting import given, table
from tests.data.readers.nifti_files import affine_of, save, voxels


def test_a_volume_gives_a_volume_and_what_is_not_written_is_refused(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, out = partial(call_main, monkeypatch, module=predict), tmp_path / "out"
    path = save(tmp_path / "in" / "ct.nii.gz", voxels(0, (40, 36, 5)), affine_of("LAS"))
    assert command(*given(run, path.parent, out, "overlay=true")) == 0
    assert sorted(file.name for file in out.iterdir()) == [
        "ct.nii.gz",
        "ct_overlay.jpg",
        "predictions.csv",
    ]
    mask = nib.load(out / "ct.nii.gz")
    assert mask.shape == (40, 36, 5)
    np.testing.assert_array_equal(mask.affine, nib.load(path).affine)
    [row] = table(out)
    share = float(np.mean(np.asarray(mask.dataobj) > 0))
    told = [float(value) for name, value in row.items() if name.endswith("_share")]
    assert told == pytest.approx([share], abs=1e-5)
    assert command(*given(run, path, out, "colour=true")) == 2
    assert "colour is not written of volumes" in capsys.readouterr().err
