"""``python -m segkit.predict`` and ``load_run``, on the run of the session."""

import csv
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
import yaml
from numpy.typing import NDArray
from PIL import Image

from segkit import evaluate, predict, prediction_files
from segkit.drawing import CLASS_COLOURS
from segkit.errors import SegkitError
from segkit.files import atomic_path
from segkit.metrics import confusion_counts
from segkit.prediction_files import NotWrittenError, Wanted
from segkit.prediction_loop import write_submission
from segkit.prediction_table import Table, columns
from segkit.predictor import Predictor
from segkit.runs import load_run

Call = Callable[..., int]
PROMPT = 1.5


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command in this process; gives its exit code."""

    def call(*given: str, module: Any = predict) -> int:
        monkeypatch.setattr(sys, "argv", ["segkit.predict", *given])
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            module.main()
        except SystemExit as end:
            return int(end.code or 0)
        finally:
            torch.set_num_threads(threads)
            logging.captureWarnings(False)
        return 0

    return call


@pytest.fixture(scope="module")
def predictor(run: Any) -> Predictor:
    return load_run(run.folder, device="cpu", precision="32-true")


def picture(seed: int, shape: tuple[int, ...] = (60, 76, 3)) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, *shape[2:]), np.uint8)
    large = Image.fromarray(small).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(large)


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Every format that training reads."""
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(picture(1)).save(folder / "colour.png")
    Image.fromarray(picture(2, (50, 40))).save(folder / "grey.bmp")
    Image.fromarray(picture(3)).save(folder / "lossy.jpg")
    Image.fromarray(np.dstack([picture(4), picture(5)[..., :1]])).save(folder / "alpha.png")
    Image.fromarray(picture(6)).quantize(8).save(folder / "palette.png")
    tifffile.imwrite(folder / "deep.tif", picture(7, (70, 33)).astype(np.uint16) * 200)
    (folder / "notes.txt").write_text("not an image", "utf-8")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def timeless(folder: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table(folder)]


def pixels(path: Path) -> NDArray[Any]:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def given(run: Any, inputs: Path, output: Path, *more: str) -> list[str]:
    where = [f"run={run.folder}", f"input={inputs}", f"output={output}"]
    return [*where, "device=cpu", "precision=32-true", *more]


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
    from segkit.assembly import build_reader  # noqa: PLC0415

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


def test_one_tile_is_the_whole_image_at_its_own_size(predictor: Predictor) -> None:
    image = picture(1)
    member = predictor.members[0]
    own = Predictor(
        [type(member)(member.network, None, member.channels)],
        classes=predictor.classes,
        device="cpu",
        precision="32-true",
    )
    whole, tiled = own(image), own(image, tile=76, overlap=8)
    assert np.array_equal(whole.probability, tiled.probability)
    assert np.array_equal(whole.mask, tiled.mask)
    assert whole.mask.dtype == np.uint8
    assert whole.probability.shape == (1, 60, 76)
    mask, probability = whole
    assert mask is whole.mask
    assert np.array_equal(mask, probability[0] > predictor.threshold)


def test_flips_and_turns_make_the_answer_symmetric(predictor: Predictor) -> None:
    image = picture(8, (48, 48, 3))
    for tta, turned in (("flip", image[:, ::-1]), ("rotate", np.rot90(image))):
        once = predictor(image, tta=tta).probability[0]
        again = predictor(turned, tta=tta).probability[0]
        back = again[:, ::-1] if tta == "flip" else np.rot90(again, -1)
        np.testing.assert_allclose(once, back, atol=1e-4)
    plain = predictor(image).probability
    assert not np.allclose(plain, predictor(image, tta="rotate").probability, atol=1e-4)


def test_several_runs_answer_with_their_mean(run: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run.folder, other)
    config = yaml.safe_load((other / "config.yaml").read_text("utf-8"))
    config["dataset"]["size"] = 64
    (other / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    image = picture(1)
    chances = [
        load_run(path, device="cpu", precision="32-true")(image).probability
        for path in ([run.folder], [other], [run.folder, other])
    ]
    assert not np.allclose(chances[0], chances[1], atol=1e-4)
    np.testing.assert_allclose(chances[2], (chances[0] + chances[1]) / 2, atol=1e-5)


def test_a_scale_shrinks_before_the_tiles_are_cut(predictor: Predictor) -> None:
    found = predictor(picture(1), tile=32, overlap=8, scale=0.5)
    assert found.mask.shape == (60, 76)


def test_a_broken_file_is_reported_and_the_rest_is_done(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (inputs / "broken.png").write_bytes(b"\x89PNG not one")
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 1
    assert "1 of 7" in capsys.readouterr().err
    status = {Path(row["file"]).stem: row["status"] for row in table(out)}
    assert "cannot be read" in status.pop("broken")
    assert set(status.values()) == {"ok"}
    assert not (out / "broken.png").exists()
    # Mended, it alone is done.
    before = (out / "colour.png").stat().st_mtime_ns
    Image.fromarray(picture(9)).save(inputs / "broken.png")
    assert command(*given(run, inputs, out)) == 0
    assert (out / "colour.png").stat().st_mtime_ns == before
    assert {row["status"] for row in table(out)} == {"ok"}


def test_stopped_and_started_again_it_gives_the_same(
    run: Any, command: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from segkit.predictor import Predictor as Real  # noqa: PLC0415

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert command(*given(run, inputs, whole)) == 0
    decide, calls = Real.decide, 0

    def failing(self: Predictor, logits: NDArray[np.float32]) -> NDArray[np.uint8]:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise KeyboardInterrupt
        return decide(self, logits)

    with monkeypatch.context() as patch:
        patch.setattr(Real, "decide", failing)
        assert command(*given(run, inputs, stopped)) == 130
    assert len(list(stopped.glob("*.png"))) == 3
    assert not [path for path in stopped.iterdir() if path.name.startswith(".")]
    # As a kill leaves it: a mask without its row, and half a row.
    lines = (stopped / "predictions.csv").read_text("utf-8").splitlines(keepends=True)
    (stopped / "predictions.csv").write_text("".join(lines[:-1]) + lines[-1][:20], "utf-8")
    before = (stopped / "alpha.png").stat().st_mtime_ns
    assert command(*given(run, inputs, stopped)) == 0
    assert timeless(stopped) == timeless(whole)
    assert (stopped / "alpha.png").stat().st_mtime_ns == before
    for path in whole.glob("*.png"):
        assert path.read_bytes() == (stopped / path.name).read_bytes()


def test_an_input_that_changed_is_done_again(
    run: Any, command: Call, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 0
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    os.utime(inputs / "grey.bmp", (2**32, 2**32))
    assert command(*given(run, inputs, out)) == 0
    after = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert {name for name in after if after[name] != before[name]} == {"grey.png"}


def test_what_it_did_not_write_is_not_overwritten(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "colour.png").write_bytes(b"drawn by hand")
    assert command(*given(run, inputs, out)) == 2
    assert (out / "colour.png").read_bytes() == b"drawn by hand"
    assert command(*given(run, inputs, out, "overwrite=true")) == 0
    # Of other settings, and of another image.
    before = (out / "predictions.csv").read_bytes()
    (inputs.parent / "more").mkdir()
    other = inputs.parent / "more" / "other.png"
    Image.fromarray(picture(1)).save(other)
    for source in (inputs, other):
        assert command(*given(run, source, out, "threshold=0.9")) == 2
        assert "overwrite=true" in capsys.readouterr().err
    assert (out / "predictions.csv").read_bytes() == before
    assert command(*given(run, inputs, out, "threshold=0.9", "overwrite=true")) == 0


@pytest.mark.parametrize("head", ["a,b", "file,b"])
def test_a_table_of_something_else_is_kept(
    run: Any, command: Call, inputs: Path, tmp_path: Path, head: str
) -> None:
    (tmp_path / "predictions.csv").write_text(f"{head}\n1,2\n", "utf-8")
    asked = given(run, inputs / "grey.bmp", tmp_path)
    assert command(*asked) == 2
    assert (tmp_path / "predictions.csv").read_text("utf-8") == f"{head}\n1,2\n"
    assert command(*asked, "overwrite=true") == 0
    assert len(table(tmp_path)) == 1


def test_from_another_folder_it_goes_on_and_loads_nothing(
    run: Any, command: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(*given(run, Path("in/grey.bmp"), Path("out"))) == 0
    assert table(tmp_path / "out")[0]["file"] == str(inputs / "grey.bmp")
    monkeypatch.chdir(inputs)
    monkeypatch.setattr(predict, "load_run", None)
    assert command(*given(run, Path("grey.bmp"), Path("../out"))) == 0
    assert len(table(tmp_path / "out")) == 1


def test_a_folder_that_stops_taking_files_ends_the_run(
    run: Any,
    command: Call,
    inputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = inputs.parent / "out"

    def full(path: Path) -> Path:
        if path.name == "colour.png":
            raise SegkitError("cannot write here: no room", where=str(path), remedy="make room")
        return atomic_path(path)  # type: ignore[return-value]

    monkeypatch.setattr(prediction_files, "atomic_path", full)
    assert command(*given(run, inputs, out)) == 2
    assert "cannot write here" in capsys.readouterr().err
    assert [Path(row["file"]).stem for row in table(out)] == ["alpha"]


def test_a_row_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").mkdir()
    rows = Table(tmp_path / "predictions.csv", columns(["background", "a"]), "0" * 12)
    with pytest.raises(NotWrittenError, match="the output cannot be written"):
        rows.add(Path("a.png"), {}, "ok")


def test_an_empty_mask_has_one_row_without_pixels(tmp_path: Path) -> None:
    rows = Table(tmp_path / "predictions.csv", columns(["background", "a"]), "0" * 12)
    for stem, value in (("empty", 0), ("full", 9)):
        Image.fromarray(np.full((2, 3), value, np.uint8)).save(tmp_path / f"{stem}.png")
        rows.add(Path(f"{stem}.jpg"), {}, "ok")
    rows.add(Path("broken.jpg"), {}, "not an image")
    inputs = [Path(f"{stem}.jpg") for stem in ("broken", "empty", "full")]
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


def bad(run: Any, tmp_path: Path) -> dict[str, tuple[list[str], str]]:
    source, out = tmp_path / "in", tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "twins").mkdir()
    for name in ("a.png", "a.tif"):
        (tmp_path / "twins" / name).write_bytes(b"")
    lacking, other = tmp_path / "lacking", tmp_path / "other"
    for folder in (lacking, other):
        folder.mkdir()
    config = json.loads(json.dumps(run.config))
    config["dataset"]["reader"] = {
        "_target_": "segkit.data.folder.Folder",
        "root": str(source),
        "classes": ["background", "something"],
    }
    (other / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    (other / "checkpoints").mkdir()
    (other / "checkpoints" / "best.ckpt").write_bytes(b"")
    shutil.copy(run.folder / "config.yaml", lacking)
    return {
        "not a run": ([f"run={tmp_path / 'in'}"], "not a run folder"),
        "no checkpoint": ([f"run={lacking}"], "no best checkpoint"),
        "no run": (["run=[]"], "no run was named"),
        "no image": ([f"input={tmp_path / 'empty'}"], "no image among 0 files"),
        "nothing there": ([f"input={tmp_path / 'inn'}"], "'in'"),
        "one stem": ([f"input={tmp_path / 'twins'}"], "a.tif"),
        "overlap": (["tile=64"], "tile=64 overlap=64"),
        "tta": (["tta=flips"], "did you mean 'flip'"),
        "device": (["device=gpu"], "unknown device"),
        "format": (["format=jpg"], "did you mean 'png'"),
        "values": (["values=[0,0]"], "different whole numbers"),
        "threshold": (["threshold=2"], "within 0…1"),
        "into itself": ([f"output={source}"], "could be overwritten"),
        "a file": ([f"output={source / 'colour.png'}"], "not a folder"),
        "key": (["tiles=512"], "did you mean"),
        "no output": (["output=???"], "output"),
        "classes": ([f"run=[{run.folder},{other}]", f"output={out}"], "different classes"),
    }


WRONG = (
    "not a run",
    "no checkpoint",
    "no run",
    "no image",
    "nothing there",
    "one stem",
    "overlap",
    "tta",
    "device",
    "format",
    "values",
    "threshold",
    "into itself",
    "a file",
    "key",
    "no output",
    "classes",
)


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_told_in_three_parts(
    name: str, run: Any, command: Call, inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path = inputs.parent
    wrong, told = bad(run, tmp_path)[name]
    keys = {item.split("=")[0] for item in wrong}
    rest = [a for a in given(run, inputs, tmp_path / "out") if a.split("=")[0] not in keys]
    assert command(*rest, *wrong) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "where:" in shown
    assert "fix:" in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        *("threshold=auto", "threshold=abc", "threshold=true", "tile=abc", "tile=512.0"),
        *("overlap=null", "scale=x", "large=null", "large=abc", "values=255", "values=[[0],[1]]"),
        *("device=0", "tta=true", "tta=[flip]", "precision=null", "format=1", "format=[png]"),
        *("overlay=maybe", "rle=1", "allow_targets=null", "output=null", "input=null", "input=[]"),
        *("run=null", "run=[null]"),
    ],
)
def test_values_of_another_type_are_told(
    wrong: str, run: Any, command: Call, inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = wrong.partition("=")[0]
    rest = [a for a in given(run, inputs, inputs.parent / "out") if not a.startswith(f"{key}=")]
    assert command(*rest, wrong) == 2
    assert key in capsys.readouterr().err.split("where:")[1]
    assert not (inputs.parent / "out").exists()


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
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    helped = call("--help")
    assert helped.returncode == 0
    assert "tile=512" in helped.stdout
    assert call(*given(run, inputs, Path("new"), "tta=no")).returncode == 2
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 2 * PROMPT


@pytest.mark.slow
def test_a_large_image_is_never_held_whole(run: Any, tmp_path: Path) -> None:
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
