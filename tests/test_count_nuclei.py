"""The page "Count nuclei": what it says of files is so, and its commands and script work."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from roifile import ROI_TYPE, ImagejRoi, roiwrite
from skimage import measure

from segkit.core.tables import read_table
from segkit.data.readers.phantom import draw_nuclei
from segkit.inference.objects.geojson import write_geojson
from segkit.inference.objects.measure import columns
from segkit.inference.objects.roi import write_rois
from segkit.tasks.instance.tables import CLASS_COLUMNS
from segkit.tasks.instance.words import InstanceWords
from tests.documents import ROOT, blocks, commands, is_python, run, run_tiny, split_command
from tests.inference.objects.phantoms import PHANTOMS, Labels

PAGE = ROOT / "docs" / "count_nuclei.md"
MICROMETRES = 0.5  # of a pixel
# A training of seconds.


def named(heading: str) -> list[str]:
    """Names in the first column of the table below this heading."""
    after = PAGE.read_text("utf-8").split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    cells = (line.split("|")[1] for line in after.splitlines()[2:])
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def script() -> str:
    (found,) = filter(is_python, blocks(PAGE))
    return found


def test_the_columns_are_those_of_objects_csv() -> None:
    kinds = {"mean_…", "minimum_…", "maximum_…"}
    names = named("column")
    assert kinds <= {*names}
    expected = columns((), probability=True, pixel_size=True)
    assert [name for name in names if name not in kinds] == ["image", *expected]


def test_the_scores_are_what_evaluate_prints() -> None:
    names = named("score")
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


def nuclei(number: int) -> tuple[NDArray[np.uint8], Labels]:
    """An image and its labels, each in one piece, and numbered on from image to image."""
    image, labels = draw_nuclei(np.random.default_rng(number), kind="fluorescence", size=96)
    pieces = measure.label(labels, connectivity=2).astype(np.int32)
    return image, np.where(pieces, pieces + 50 * number, 0)


def write_nuclei(folder: Path) -> None:
    """Images with a pixel size and labels of 16 bits, and two new images."""
    for n in range(14):
        image, labels = nuclei(n)
        of = folder / ("new" if n >= 12 else "mydata/images")
        of.mkdir(parents=True, exist_ok=True)
        (folder / "mydata" / "masks").mkdir(exist_ok=True)
        pixels = {"resolution": (1 / MICROMETRES,) * 2, "metadata": {"unit": "um"}}
        tifffile.imwrite(of / f"i{n}.tif", image[..., 0], imagej=True, **pixels)  # type: ignore[arg-type]
        if n < 12:
            tifffile.imwrite(folder / f"mydata/masks/i{n}.tif", labels.astype(np.uint16))


@pytest.mark.slow
def test_the_page_works_from_its_first_command_to_its_last(tmp_path: Path) -> None:
    write_nuclei(tmp_path)
    seen: list[str] = []
    for block in blocks(PAGE):
        if is_python(block):
            (tmp_path / "corrected").mkdir()
            for name in ("i12", "i13"):  # whatever was found was set right
                write_rois(tmp_path / f"corrected/{name}_rois.zip", nuclei(int(name[1:]))[1])
            run("-c", block, folder=tmp_path)
            assert len([*(tmp_path / "mydata" / "masks").iterdir()]) == 14
        for command in commands(block):
            name, words = split_command(command)
            runs = sorted((tmp_path / "outputs" / "mydata").glob("*/*/summary.json"))
            words = [word.replace("DIR", str(runs[-1].parent)) if runs else word for word in words]
            run_tiny(name, words, tmp_path)
            seen.append(name)
    assert seen == ["check", "train", "evaluate", "predict", "train"]
    found = tmp_path / "found"
    rows = read_table(found / "objects.csv")
    header = (found / "objects.csv").read_text("utf-8").splitlines()[0].split(",")
    names = [name for name in named("column") if not name.endswith("_…")]
    assert [name for name in header if not re.search(r"_(grey|intensity)", name)] == names
    for row in rows:
        area = int(row["area_px"]) * MICROMETRES**2
        assert float(row["area_um2"]) == pytest.approx(area)
    for name in ("i12.png", "i12_overlay.jpg", "i12_rois.zip", "i12.geojson", "predictions.csv"):
        assert (found / name).is_file()
