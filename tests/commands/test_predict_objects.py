"""``python -m segkit.predict`` of a run that finds objects: its files, read back as others do."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
import shapely
import tifffile
from numpy.typing import NDArray
from PIL import Image
from pycocotools.coco import COCO

from segkit import predict
from segkit.core.tables import read_table
from segkit.runs import load_run
from tests.commands.bright import ALL, MORE, PREFIX, discs, given, labels_of
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import table

# pycocotools' own, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


command = fixture_of(predict)


def test_every_file_gives_the_labels_back(
    object_runs: list[Path],
    command: Call,
    disc_inputs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert command(*given(object_runs[0], disc_inputs, out, *ALL, *MORE)) == 0
    counts = [int(row["nucleus_objects"]) for row in table(out)]
    told = f"nucleus: {sum(counts)} found\nnothing was found in {counts.count(0)} of 4 inputs\n"
    assert told in capsys.readouterr().out
    predictor = load_run(object_runs[0], device="cpu", precision="32-true", allow_targets=[PREFIX])
    coco = COCO(str(out / "coco.json"))
    with (out / "submission.csv").open(encoding="utf-8") as file:
        submitted = list(csv.DictReader(file))
    for number, name in enumerate(("colour", "deep", "grey", "nothing"), start=1):
        labels = labels_of(out / f"{name}.png")
        source = disc_inputs / f"{name}{'.tif' if name == 'deep' else '.png'}"
        found = predictor(source)
        assert found.mask.dtype == np.int32
        assert np.array_equal(found.mask, labels)
        assert (labels.max() > 3) == (name != "nothing")
        stored = tifffile.imread(out / "probabilities" / f"{name}.tif")
        np.testing.assert_allclose(stored, found.probability, atol=1e-3)
        if labels.any():
            assert np.array_equal(from_rois(out / f"{name}_rois.zip", labels.shape), labels)
        assert np.array_equal(from_geojson(out / f"{name}.geojson", labels.shape), labels)
        assert coco.imgs[number]["file_name"] == source.name
        assert np.array_equal(from_coco(coco, number, labels.shape), labels)
        texts = [row["EncodedPixels"] for row in submitted if row["ImageId"] == name]
        assert np.array_equal(from_runs(texts, labels.shape), labels)
        with Image.open(out / "colours" / f"{name}.png") as shown:
            assert np.array_equal(np.asarray(shown), labels)  # below 256 they are the indices
        with Image.open(out / f"{name}_overlay.jpg") as drawn:
            assert drawn.size == labels.shape[::-1]


def from_rois(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    labels = np.zeros(shape, int)
    rois = roifile.ImagejRoi.fromfile(path)
    for roi in rois if isinstance(rois, list) else [rois]:
        rings = roi.coordinates(multi=True)
        # Corners of pixels: a centre within an odd number of rings is inside.
        rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
        inside = np.zeros(shape, bool)
        for ring in rings:
            inside ^= shapely.contains_xy(shapely.Polygon(ring), columns, rows)
        labels[inside] = int(roi.name)
    return labels


def from_geojson(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    labels = np.zeros(shape, int)
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    for feature in json.loads(path.read_text("utf-8"))["features"]:
        outline = shapely.from_geojson(json.dumps(feature["geometry"]))
        labels[shapely.contains_xy(outline, columns, rows)] = int(feature["properties"]["name"])
        assert feature["properties"]["classification"] == {"name": "nucleus"}
        assert feature["properties"]["measurements"]["area_px"] == outline.area
    return labels


def from_coco(coco: COCO, number: int, shape: tuple[int, ...]) -> NDArray[Any]:
    labels = np.zeros(shape, int)
    for one in coco.loadAnns(coco.getAnnIds(imgIds=[number])):
        labels[coco.annToMask(one).astype(bool)] = one["label"]
    return labels


def from_runs(texts: list[str], shape: tuple[int, ...]) -> NDArray[Any]:
    flat = np.zeros(shape[0] * shape[1], int)
    for label, text in enumerate(texts, start=1):
        for start, length in np.array(text.split(), int).reshape(-1, 2):
            flat[start - 1 : start - 1 + length] = label
    return flat.reshape(shape[::-1]).T


def test_objects_are_measured_on_what_the_file_stores(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command(*given(object_runs[0], disc_inputs, out, "format=tiff")) == 0
    rows = read_table(out / "objects.csv")
    assert [*rows[0]][:4] == ["image", "label", "area_px", "centroid_x_px"]
    images = {"deep": tifffile.imread(disc_inputs / "deep.tif")}
    for name in ("colour", "grey"):
        images[name] = np.asarray(Image.open(disc_inputs / f"{name}.png"))
    for name, image in images.items():
        labels = labels_of(out / f"{name}.tif")
        own = [row for row in rows if row["image"] == name]
        assert [int(row["label"]) for row in own] == list(range(1, int(labels.max()) + 1))
        channels = ["red", "green", "blue"] if name == "colour" else ["intensity"]
        for row in own:
            inside = labels == int(row["label"])
            assert int(row["area_px"]) == inside.sum()
            assert 0.5 < float(row["mean_probability"]) <= 1
            for plane, channel in zip(
                np.atleast_3d(image).transpose(2, 0, 1), channels, strict=True
            ):
                assert float(row[f"mean_{channel}"]) == pytest.approx(plane[inside].mean())
                assert float(row[f"maximum_{channel}"]) == plane[inside].max()
            if name == "deep":
                assert float(row["area_um2"]) == pytest.approx(inside.sum() * 0.5 * 0.325)
            else:
                assert row["area_um2"] == ""
            assert (row["mean_red"] == "") == (name != "colour")
    (described,) = [row for row in table(out) if row["image"] == "grey"]
    assert int(described["nucleus_objects"]) == sum(row["image"] == "grey" for row in rows)
    with tifffile.TiffFile(out / "deep.tif") as tiff:
        over, under = tiff.pages.first.tags["XResolution"].value
        assert 1e4 * under / over == pytest.approx(0.325)


def test_a_pixel_size_that_is_given_is_for_files_that_do_not_say(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command(*given(object_runs[0], disc_inputs, out, "pixel_size=[2,1]")) == 0
    for row in read_table(out / "objects.csv"):
        factor = 0.5 * 0.325 if row["image"] == "deep" else 2
        assert float(row["area_um2"]) == pytest.approx(int(row["area_px"]) * factor)


def test_several_runs_and_views_average_their_maps(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    name, maps = disc_inputs / "grey.png", []
    for number, run in enumerate(object_runs):
        assert command(*given(run, name, tmp_path / str(number), "probability=true")) == 0
        maps.append(tifffile.imread(tmp_path / str(number) / "probabilities" / "grey.tif"))
    assert not np.allclose(maps[0], maps[1], atol=0.05)
    both = f"[{object_runs[0]},{object_runs[1]}]"
    more = ("probability=true", "tta=rotate")
    assert command(*given(both, name, tmp_path / "both", *more)) == 0
    found = tifffile.imread(tmp_path / "both" / "probabilities" / "grey.tif")
    # The network's answer turns as its image does, but for rounding.
    np.testing.assert_allclose(found, np.mean(maps, axis=0, dtype=float), atol=2e-3)


def test_tiles_and_bands_leave_no_seam(
    object_runs: list[Path], command: Call, tmp_path: Path
) -> None:
    """Higher than what is looked at at once; tiles cut many objects."""
    pixels = (discs(3, (1500, 90), 160) * 100).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, rowsperstrip=50)
    predictor = load_run(object_runs[0], device="cpu", precision="32-true", allow_targets=[PREFIX])
    whole = predictor(tmp_path / "a.tif").mask
    assert whole.max() > 60
    tiles = ("tile=128", "overlap=64")
    assert command(*given(object_runs[0], tmp_path / "a.tif", tmp_path / "out", *tiles)) == 0
    assert np.array_equal(labels_of(tmp_path / "out" / "a.png"), whole)
    assert len(read_table(tmp_path / "out" / "objects.csv")) == whole.max()


@pytest.mark.slow
def test_in_a_process_of_its_own(
    object_runs: list[Path], disc_inputs: Path, tmp_path: Path, run_environment: dict[str, str]
) -> None:
    asked = given(object_runs[0], disc_inputs, tmp_path / "out", *ALL)
    done = subprocess.run(
        [sys.executable, "-m", "segkit.predict", *asked],
        capture_output=True,
        text=True,
        check=False,
        env=run_environment,
    )
    assert done.returncode == 0, done.stderr
    assert f"objects measured: {tmp_path / 'out' / 'objects.csv'}" in done.stdout
    assert "beside it: " in done.stdout
    assert len(read_table(tmp_path / "out" / "objects.csv")) > 10
