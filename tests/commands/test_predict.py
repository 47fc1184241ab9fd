"""``python -m segkit.predict``: what it writes, on the run of the session."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from segkit import evaluate, predict
from segkit.drawing.overlay import CLASS_COLOURS
from segkit.inference.names import Input
from segkit.inference.predictor import Predictor
from segkit.inference.submission import write_submission
from segkit.inference.table import Table, columns
from segkit.inference.wanted import Wanted
from segkit.runs import load_run
from segkit.tasks.semantic.metrics import confusion_counts
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import given, picture, pixels, table

command = fixture_of(predict)


@pytest.mark.slow
def test_masks_are_what_evaluate_scores(
    run: Any, command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts of pixels in evaluation_per_image.csv are those of the masks of predict."""
    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    monkeypatch.chdir(run.cwd)
    asked = (f"run={folder}", "trainer=cpu", "trainer.precision=32-true", "split=all")
    code = command(*asked, "trainer.enable_progress_bar=false", module=evaluate)
    assert code == 0
    from segkit.runs.build import build_reader  # noqa: PLC0415

    reader = build_reader(run.config | {"allow_targets": []})
    records = {record.id: record for record in reader.listing().records}
    source = tmp_path / "in"
    source.mkdir()
    for record in records.values():
        data = reader.source.read(record.image)
        (source / f"{record.id}{Path(record.image).suffix}").write_bytes(data)
    assert command(*given(run, source, tmp_path / "out")) == 0
    with (folder / "evaluation_per_image.csv").open(encoding="utf-8") as file:
        scored = [row for row in csv.DictReader(file) if row["class"] != "all"]
    assert {row["id"] for row in scored} == set(records)
    for row in scored:
        mask = torch.from_numpy(pixels(tmp_path / "out" / f"{row['id']}.png").copy())
        truth = reader.read(records[row["id"]]).mask
        assert truth is not None
        counts = confusion_counts(mask[None], torch.from_numpy(truth)[None], len(reader.classes))
        label = list(reader.classes).index(row["class"])
        assert counts[0, label].tolist() == [int(row[name]) for name in ("tp", "fp", "fn", "tn")]


def test_every_format_is_read_and_the_table_says_what_was_found(
    run: Any, command: Call, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 0
    rows = table(out)
    names = ["alpha", "colour", "deep", "grey", "lossy", "palette"]
    assert [Path(row["file"]).stem for row in rows] == names
    assert {path.name for path in out.iterdir()} == {
        *(f"{n}.png" for n in names),
        "predictions.csv",
    }
    name = load_run(run.folder).classes[1]
    for row in rows:
        mask = pixels(out / f"{Path(row['file']).stem}.png")
        assert mask.shape == (int(row["height"]), int(row["width"]))
        assert row["status"] == "ok"
        assert int(row[f"{name}_pixels"]) == np.count_nonzero(mask)
        assert float(row[f"{name}_share"]) == pytest.approx((mask > 0).mean(), abs=1e-6)
        assert (int(row[f"{name}_components"]) > 0) == bool(mask.any())


def test_masks_are_those_of_load_run(
    run: Any, command: Call, inputs: Path, tmp_path: Path, predictor: Predictor
) -> None:
    out = tmp_path / "out"
    more = ("overlay=true", "colour=true", "probability=true", "values=[7,200]", "rle=true")
    assert command(*given(run, inputs, out, "tile=32", "overlap=8", *more)) == 0
    found = predictor(picture(1), tile=32, overlap=8)
    assert np.array_equal(pixels(out / "colour.png"), np.where(found.mask, 200, 7))
    stored = tifffile.imread(out / "probabilities" / "colour.tif")
    assert stored.dtype == np.float16
    np.testing.assert_allclose(stored, found.probability[0], atol=1e-3)
    with Image.open(out / "colours" / "colour.png") as shown:
        assert shown.mode == "P"
        assert np.array_equal(np.asarray(shown), found.mask)
        assert np.array_equal(np.asarray(shown.convert("RGB")), CLASS_COLOURS[found.mask])
    with Image.open(out / "colour_overlay.jpg") as drawn:
        assert drawn.size == (76, 60)
    with (out / "submission.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["ImageId"] == "colour"]
    drawn_pixels = np.zeros(60 * 76, bool)
    for row in rows:
        for start, length in np.array(row["EncodedPixels"].split(), int).reshape(-1, 2):
            drawn_pixels[start - 1 : start - 1 + length] = True
    assert np.array_equal(drawn_pixels.reshape(76, 60).T, found.mask > 0)


def test_a_tiff_of_masks(run: Any, command: Call, inputs: Path, tmp_path: Path) -> None:
    assert command(*given(run, inputs / "colour.png", tmp_path / "a", "format=tiff")) == 0
    assert command(*given(run, inputs / "colour.png", tmp_path / "b")) == 0
    stored = tifffile.imread(tmp_path / "a" / "colour.tif")
    assert stored.dtype == np.uint8
    assert np.array_equal(stored, pixels(tmp_path / "b" / "colour.png"))


def test_an_empty_mask_has_one_row_without_pixels(tmp_path: Path) -> None:
    rows = Table(tmp_path / "predictions.csv", columns(["background", "a"]), "0" * 12)
    for stem, value in (("empty", 0), ("full", 9)):
        Image.fromarray(np.full((2, 3), value, np.uint8)).save(tmp_path / f"{stem}.png")
        rows.add(Input(Path(f"{stem}.jpg")), {}, "ok")
    rows.add(Input(Path("broken.jpg")), {}, "not an image")
    inputs = [Input(Path(f"{stem}.jpg")) for stem in ("broken", "empty", "full")]
    write_submission(inputs, rows, Wanted(tmp_path, "png", (0, 9)))
    written = (tmp_path / "submission.csv").read_text("utf-8")
    assert written == "ImageId,EncodedPixels\nempty,\nfull,1 6\n"


def test_a_large_image_is_tiled_and_that_is_told(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of 60 x 76 pixels are above 0.003 megapixels; the grey and the deep one are not."""
    assert command(*given(run, inputs, tmp_path / "out", "large=0.003")) == 0
    tiles = {Path(row["file"]).stem: row["tile"] for row in table(tmp_path / "out")}
    assert tiles.pop("grey") == tiles.pop("deep") == ""
    assert set(tiles.values()) == {"512"}
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("warning: this run resizes whole images to 32 × 32 pixels") == 1


def test_a_large_image_is_scaled_as_a_small_one_is(run: Any, command: Call, tmp_path: Path) -> None:
    """Read by rows or decoded whole: above ``large=`` nothing else is predicted."""
    tifffile.imwrite(tmp_path / "a.tif", picture(1, (200, 264, 3)), tile=(64, 64))
    for bound in ("1", "0.001"):
        asked = given(run, tmp_path / "a.tif", tmp_path / bound, "tile=32", "overlap=8")
        assert command(*asked, "scale=0.5", f"large={bound}", "probability=true") == 0
    small, large = (
        tifffile.imread(tmp_path / name / "probabilities" / "a.tif").astype(np.float32)
        for name in ("1", "0.001")
    )
    assert small.shape == (200, 264)
    assert np.ptp(small) > 0
    # A grey value of an image by rows may be rounded the other way.
    np.testing.assert_allclose(large, small, atol=0.01)


@pytest.mark.slow
def test_in_a_process_of_its_own(run: Any, inputs: Path, tmp_path: Path) -> None:
    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "segkit.predict", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=run.environment(),
        )

    done = call(*given(run, inputs, Path("out")))
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "6 predicted: out" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
    assert call(*given(run, inputs, Path("new"), "tta=no")).returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1, 0.125])
def test_a_large_image_is_never_held_whole(run: Any, tmp_path: Path, scale: float) -> None:
    """Of 8,192 × 8,192 colour pixels, 201 MB, and with as many again for the mask."""
    side = 8192
    tile = picture(1, (512, 512, 3))
    for name, pieces in (("small", 2), ("large", side // 512)):
        tifffile.imwrite(
            tmp_path / f"{name}.tif",
            (tile for _ in range(pieces**2)),
            shape=(512 * pieces, 512 * pieces, 3),
            dtype="uint8",
            tile=(512, 512),
            compression="zlib",
            photometric="rgb",
        )
    script = (
        "import resource, sys\nfrom segkit import predict\n"
        "try:\n    predict.main()\nfinally:\n"
        "    print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = {}
    for name in ("small", "large"):
        arguments = given(run, tmp_path / f"{name}.tif", tmp_path / name, "large=1", "tile=256")
        arguments += [f"scale={scale}"]
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=run.environment(),
        )
        peaks[name] = int(done.stdout.split("PEAK")[1]) / 1024
    assert pixels(tmp_path / "large" / "large.png").shape == (side, side)
    assert peaks["large"] - peaks["small"] < 150


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_an_archive_is_predicted_as_its_folder(
    run: Any, command: Call, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of one stem are kept apart; the same command again has nothing left to do."""
    source, out = tmp_path / "data", tmp_path / "out"
    for number, name in enumerate(("day1", "day2")):
        for place in ("images", "masks"):
            (source / name / place).mkdir(parents=True)
            Image.fromarray(picture(number)).save(source / name / place / "a.png")
    (source / "notes.json").write_text("{}", "utf-8")
    if kind == "zip":
        source = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", source))
    asked = given(run, source, out, "colour=true", "overlay=true", "rle=true")
    assert command(*asked) == 0
    assert "passed over: 1 .json\n2 predicted" in capsys.readouterr().out
    assert [row["image"] for row in table(out)] == ["day1/a", "day2/a"]
    for number, name in enumerate(("day1", "day2")):
        assert command(*given(run, tmp_path / "data" / name / "images", tmp_path / name)) == 0
        expected = pixels(tmp_path / name / "a.png")
        assert np.array_equal(pixels(out / name / "a.png"), expected), number
        assert (out / "colours" / name / "a.png").is_file()
        assert (out / name / "a_overlay.jpg").is_file()
    before = (out / "day1" / "a.png").stat().st_mtime_ns
    assert command(*asked) == 0
    assert "2 were there already" in capsys.readouterr().out
    assert (out / "day1" / "a.png").stat().st_mtime_ns == before
