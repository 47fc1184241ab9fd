"""The page "Count nuclei": what it says of files and scores is so, and its script works."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from roifile import ROI_TYPE, ImagejRoi, roiwrite

from segkit.inference.objects.geojson import write_geojson
from segkit.inference.objects.measure import columns
from segkit.inference.objects.roi import write_rois
from segkit.tasks.instance.tables import CLASS_COLUMNS
from segkit.tasks.instance.words import InstanceWords
from tests.documents import ROOT, all_blocks, named
from tests.inference.objects.phantoms import PHANTOMS, Labels

PAGE = ROOT / "docs" / "count_nuclei.md"


def script() -> str:
    (found,) = (block.text for block in all_blocks(PAGE) if block.kind == "python")
    return found


def test_the_columns_are_those_of_objects_csv() -> None:
    kinds = {"mean_…", "minimum_…", "maximum_…"}
    names = named(PAGE, "column")
    assert kinds <= {*names}
    expected = columns((), probability=True, pixel_size=True)
    assert [name for name in names if name not in kinds] == ["image", *expected]


def test_the_scores_are_what_evaluate_prints() -> None:
    names = named(PAGE, "score")
    assert {*names} <= {*CLASS_COLUMNS}
    printed = {name for group in InstanceWords.shortlist for name in group}
    settings = {"threshold", "seed_threshold", "min_area"}
    # From the smallest quarter to the largest, of which the page names both.
    assert printed - {*names} - settings == {"recall_q2", "recall_q3"}


def in_a_folder(folder: Path, labels: Labels) -> None:
    """The images that the script reads, and what predict made of them: nothing."""
    for name in ("new", "found", "corrected", "mydata/images", "mydata/masks"):
        (folder / name).mkdir(parents=True)
    for name in ("a", "b"):
        tifffile.imwrite(folder / f"new/{name}.tif", (labels > 0).astype(np.uint8))
        Image.fromarray(np.zeros(labels.shape, np.uint16)).save(folder / f"found/{name}.png")


@pytest.mark.parametrize("phantom", PHANTOMS)
def test_the_script_gives_the_labels_that_were_outlined(
    phantom: Callable[[], Labels], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = phantom()
    in_a_folder(tmp_path, labels)
    write_rois(tmp_path / "corrected" / "a_rois.zip", labels)
    write_geojson(tmp_path / "corrected" / "b.geojson", labels)
    monkeypatch.chdir(tmp_path)
    exec(script(), {})  # the page's own
    for name in ("a", "b"):
        found = tifffile.imread(f"mydata/masks/{name}.tif")
        pairs = np.unique(np.stack([found.ravel(), labels.ravel()]), axis=1)
        assert (found > 0).tolist() == (labels > 0).tolist()
        assert len(pairs.T) == len(np.unique(found)) == len(np.unique(labels))
        assert Path(f"mydata/images/{name}.tif").is_file()


def test_the_script_fills_what_was_drawn_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Fiji: an ellipse, and corners between pixels."""
    in_a_folder(tmp_path, np.zeros((60, 80), np.int32))
    ellipse = ImagejRoi(roitype=ROI_TYPE.OVAL, top=10, left=8, bottom=34, right=48)
    triangle = ImagejRoi.frompoints(np.array([[50.3, 5], [78, 5], [50.3, 45]]))
    triangle.roitype = ROI_TYPE.FREEHAND
    roiwrite(tmp_path / "corrected" / "a_rois.zip", [ellipse, triangle])
    monkeypatch.chdir(tmp_path)
    exec(script(), {})
    areas = np.bincount(tifffile.imread("mydata/masks/a.tif").ravel())
    assert areas[1:].tolist() == pytest.approx([np.pi * 12 * 20, 27.7 * 40 / 2], rel=0.02)
