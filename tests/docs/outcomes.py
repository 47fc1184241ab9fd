"""What a page's commands must have written, beyond that none of them failed."""

import re
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from segkit.core.tables import read_table
from tests.data.readers.dicom_sets import told
from tests.docs.own import MICROMETRES
from tests.documents import ROOT, named


def count_nuclei(folder: Path) -> None:
    """The table of objects has the columns that the page explains; what was corrected is there."""
    found = folder / "found"
    header = (found / "objects.csv").read_text("utf-8").splitlines()[0].split(",")
    page = ROOT / "docs" / "count_nuclei.md"
    names = [name for name in named(page, "column") if not name.endswith("_…")]
    assert [name for name in header if not re.search(r"_(grey|intensity)", name)] == names
    for row in read_table(found / "objects.csv"):
        area = int(row["area_px"]) * MICROMETRES**2
        assert float(row["area_um2"]) == pytest.approx(area)
    stem = "20"
    for name in (f"{stem}.png", f"{stem}_overlay.jpg", f"{stem}_rois.zip", f"{stem}.geojson"):
        assert (found / name).is_file()
    assert len([*(folder / "mydata" / "masks").iterdir()]) == 15


def formats(folder: Path) -> None:
    """Masks in the format and on the grid of their images; no patient is named but in theirs."""
    masks = {path.name for path in (folder / "outputs/masks").glob("*.png")}
    assert masks >= {f"{number}.png" for number in range(8)}
    image = nib.load(folder / "Task01/imagesTs/case8_0000.nii.gz")
    mask = nib.load(folder / "outputs/cases/case8.nii.gz")
    assert mask.shape == image.shape
    np.testing.assert_array_equal(mask.affine, image.affine)
    for data in ("films", "ct"):
        (split,) = (folder / "outputs" / data).glob("*/*/split.csv")
        groups = {row["group"] for row in read_table(split)}
        assert groups == {f"patient-{n:03}" for n in range(1, 9)}
    assert [found for found in told(folder / "outputs") if "_seg.dcm" not in found] == []
    objects = {f"s{patient}_{n}_seg.dcm" for patient in range(8) for n in range(2)}
    assert {path.name for path in (folder / "outputs/segmentations").glob("*.dcm")} == objects


OUTCOMES: dict[str, Callable[[Path], None]] = {"count_nuclei": count_nuclei, "formats": formats}
