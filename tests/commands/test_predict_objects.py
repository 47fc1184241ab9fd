"""``python -m segkit.predict`` of a run that finds objects: its files, read back as others do."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
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

from segkit import predict, train
from segkit.core.tables import read_table
from segkit.inference.objects import label_files, object_files
from segkit.runs import load_run
from tests.commands.bright import TRAIN, discs
from tests.commands.in_process import Call, call_main
from tests.commands.predicting import table

ALL = ("rois=true", "geojson=true", "coco=true", "overlay=true")
MORE = ("probability=true", "colour=true", "rle=true")
ALLOW = "allow_targets=[tests.commands.bright.]"

# pycocotools' own, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two, which differ in where the foreground ends."""
    folder, found = tmp_path_factory.mktemp("objects"), []
    for lift in (0.0, 2.0):
        found.append(folder / f"run{lift}")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            given = (f"hydra.run.dir={found[-1]}", f"+model.lift={lift}")
            code = call_main(patch, *TRAIN, *given, "dataset.cache_dir=cache", module=train)
        assert code == 0
    return found


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command in this process; gives its exit code."""
    return partial(call_main, monkeypatch, module=predict)


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    grey, deep = discs(1, (90, 120), 12), discs(2, (80, 70), 6)
    Image.fromarray(grey.astype(np.uint8)).save(folder / "grey.png")
    colour = np.dstack([grey, grey * 0.9, grey * 0.8]).astype(np.uint8)
    Image.fromarray(colour).save(folder / "colour.png")
    Image.fromarray(np.full((20, 30), 9, np.uint8)).save(folder / "nothing.png")
    said = {"axes": "YX", "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.5}
    pixels = (deep * 200 + 7).astype(np.uint16)
    tifffile.imwrite(folder / "deep.tif", pixels, ome=True, metadata=said)
    return folder


def given(run: Path | str, inputs: Path, output: Path, *more: str) -> list[str]:
    where = [f"run={run}", f"input={inputs}", f"output={output}", ALLOW]
    return [*where, "device=cpu", "precision=32-true", *more]


def labels_of(path: Path) -> NDArray[Any]:
    if path.suffix == ".tif":
        return np.asarray(tifffile.imread(path))
    with Image.open(path) as image:
        assert image.mode == "I;16"
        return np.asarray(image)


def content(folder: Path) -> dict[str, bytes]:
    """Of every file, without what a second run cannot give alike."""
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    del found["predictions.csv"]
    return found


def test_every_file_gives_the_labels_back(
    runs: list[Path], command: Call, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command(*given(runs[0], inputs, out, *ALL, *MORE)) == 0
    predictor = load_run(runs[0], device="cpu", precision="32-true", allow_targets=[ALLOW[15:-1]])
    coco = COCO(str(out / "coco.json"))
    with (out / "submission.csv").open(encoding="utf-8") as file:
        submitted = list(csv.DictReader(file))
    for number, name in enumerate(("colour", "deep", "grey", "nothing"), start=1):
        labels = labels_of(out / f"{name}.png")
        source = inputs / f"{name}{'.tif' if name == 'deep' else '.png'}"
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
    for roi in roifile.ImagejRoi.fromfile(path):
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
    runs: list[Path], command: Call, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command(*given(runs[0], inputs, out, "format=tiff")) == 0
    rows = read_table(out / "objects.csv")
    assert [*rows[0]][:4] == ["image", "label", "area_px", "centroid_x_px"]
    images = {"deep": tifffile.imread(inputs / "deep.tif")}
    for name in ("colour", "grey"):
        images[name] = np.asarray(Image.open(inputs / f"{name}.png"))
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
    runs: list[Path], command: Call, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command(*given(runs[0], inputs, out, "pixel_size=[2,1]")) == 0
    for row in read_table(out / "objects.csv"):
        factor = 0.5 * 0.325 if row["image"] == "deep" else 2
        assert float(row["area_um2"]) == pytest.approx(int(row["area_px"]) * factor)


def test_stopped_and_started_again_it_gives_the_same(
    runs: list[Path], command: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert command(*given(runs[0], inputs, whole, *ALL, *MORE)) == 0
    stopped = iter((False, False, True))
    real = object_files.write_labels

    def ended(*args: Any, **more: Any) -> None:
        if next(stopped):
            signal.raise_signal(signal.SIGTERM)
        real(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(object_files, "write_labels", ended)
        assert command(*given(runs[0], inputs, out, *ALL, *MORE)) == 128 + signal.SIGTERM
    assert not [path for path in out.rglob(".*") if path.name != ".objects"]
    assert [row["image"] for row in table(out)] == ["colour", "deep"]
    assert not (out / "grey.png").exists()
    assert command(*given(runs[0], inputs, out, *ALL, *MORE)) == 0
    assert content(out) == content(whole)
    # Another image alone: what was found before stays.
    Image.fromarray(discs(5, (60, 60), 4).astype(np.uint8)).save(tmp_path / "later.png")
    before = read_table(out / "objects.csv")
    assert command(*given(runs[0], tmp_path / "later.png", out, *ALL, *MORE)) == 0
    rows = read_table(out / "objects.csv")
    assert [row for row in rows if row["image"] != "later"] == before
    assert len(rows) > len(before)
    assert len(COCO(str(out / "coco.json")).anns) == len(rows)


def test_what_was_asked_for_later_is_made_and_a_lost_part_too(
    runs: list[Path], command: Call, inputs: Path, tmp_path: Path
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert command(*given(runs[0], inputs, out)) == 0
    assert not (out / "coco.json").exists()
    assert command(*given(runs[0], inputs, out, "coco=true")) == 0
    (out / ".objects" / "grey.objects.csv").unlink()
    assert command(*given(runs[0], inputs, out, "coco=true")) == 0
    assert command(*given(runs[0], inputs, whole, "coco=true")) == 0
    assert content(out) == content(whole)


def test_more_objects_than_16_bits_hold(
    runs: list[Path], command: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form follows the number of objects, and the other form does not stay beside it."""
    out, one = tmp_path / "out", inputs / "grey.png"
    assert command(*given(runs[0], one, out)) == 0
    labels = labels_of(out / "grey.png")
    with monkeypatch.context() as patch:
        patch.setattr(object_files, "label_suffix", lambda *_: ".tif")
        assert command(*given(runs[0], one, out, "overwrite=true")) == 0
    assert not (out / "grey.png").exists()
    assert np.array_equal(labels_of(out / "grey.tif"), labels)
    written = (out / "grey.tif").stat().st_mtime_ns
    assert command(*given(runs[0], one, out)) == 0
    assert (out / "grey.tif").stat().st_mtime_ns == written
    assert not (out / "grey.png").exists()
    # Without a row, it is somebody else's.
    (out / "predictions.csv").unlink()
    assert command(*given(runs[0], one, out)) == 2
    assert label_files.label_suffix(np.array([[70_000]])) == ".tif"


def test_several_runs_and_views_average_their_maps(
    runs: list[Path], command: Call, inputs: Path, tmp_path: Path
) -> None:
    name, maps = inputs / "grey.png", []
    for number, run in enumerate(runs):
        assert command(*given(run, name, tmp_path / str(number), "probability=true")) == 0
        maps.append(tifffile.imread(tmp_path / str(number) / "probabilities" / "grey.tif"))
    assert not np.allclose(*maps, atol=0.05)
    both = f"[{runs[0]},{runs[1]}]"
    more = ("probability=true", "tta=rotate")
    assert command(*given(both, name, tmp_path / "both", *more)) == 0
    found = tifffile.imread(tmp_path / "both" / "probabilities" / "grey.tif")
    # The network's answer turns as its image does, but for rounding.
    np.testing.assert_allclose(found, np.mean(maps, axis=0, dtype=float), atol=2e-3)


@pytest.fixture
def refused(
    command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What the command says where it must not begin."""

    def call(run: Path, *more: str) -> str:
        before = sorted((tmp_path / "out").rglob("*"))
        assert command(*given(run, inputs, tmp_path / "out", *more)) == 2
        assert sorted((tmp_path / "out").rglob("*")) == before
        return capsys.readouterr().err

    return call


@pytest.mark.parametrize("name", ["objects.csv", "coco.json", "submission.csv"])
def test_a_file_of_somebody_elses_is_not_replaced(
    name: str, runs: list[Path], refused: Callable[..., str], command: Call, tmp_path: Path
) -> None:
    out, asked = tmp_path / "out", ("coco=true", "rle=true")
    out.mkdir()
    (out / name).write_text('{"images": []}', "utf-8")
    said = refused(runs[0], *asked)
    assert name in said
    assert "overwrite=true" in said
    assert command(*given(runs[0], tmp_path / "in", out, *asked, "overwrite=true")) == 0
    assert command(*given(runs[0], tmp_path / "in", out, *asked)) == 0


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("values=[0,255]", "labels are stored as they are"),
        ("pixel_size=0", "0 is not the size of a pixel"),
        ("pixel_size=[1,2,3]", "height and width"),
        ("rois=1", "rois"),
    ],
)
def test_what_labels_cannot_be(
    key: str, says: str, runs: list[Path], refused: Callable[..., str]
) -> None:
    assert says in refused(runs[0], key)


@pytest.mark.parametrize("key", ["rois=true", "geojson=true", "coco=true", "pixel_size=0.3"])
def test_a_run_that_tells_no_objects_apart(key: str, run: Any, refused: Callable[..., str]) -> None:
    said = refused(run.folder, key)
    assert "tells no objects apart" in said
    assert "task=instance" in said


@pytest.mark.slow
def test_in_a_process_of_its_own(
    runs: list[Path], inputs: Path, tmp_path: Path, run_environment: dict[str, str]
) -> None:
    asked = given(runs[0], inputs, tmp_path / "out", *ALL)
    done = subprocess.run(
        [sys.executable, "-m", "segkit.predict", *asked],
        capture_output=True,
        text=True,
        check=False,
        env=run_environment,
    )
    assert done.returncode == 0, done.stderr
    assert f"objects measured: {tmp_path / 'out' / 'objects.csv'}" in done.stdout
    assert len(read_table(tmp_path / "out" / "objects.csv")) > 10
