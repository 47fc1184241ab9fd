"""DICOM series checked, trained on and predicted; nothing that names a patient leaves its file."""

import csv
import logging
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread
from PIL import Image

from segkit import check, evaluate, predict, train
from tests.commands.in_process import call_main
from tests.commands.small import SMALL
from tests.data.readers.dicom_sets import put, told, write_patients
from tests.imaging.dicom_files import dicom, ramp

SOURCE = "1.2.826.0.1.3680043.8.498.1"  # as all files of the tests are called
pytestmark = pytest.mark.slow


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_patients_are_split_scored_and_never_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    root, work = tmp_path / "ct", tmp_path / "work"
    write_patients(root, patients=6, slices=3)
    put(root, "DICOMDIR", dicom(None, storage="1.2.840.10008.1.3.10"))
    put(root, "images/plan.dcm", dicom(None, storage="1.2.840.10008.5.1.4.1.1.481.5"))
    broken = dicom(ramp(0, 999), Rows=17)
    put(root, "images/s9_9.dcm", broken)
    put(root, "masks/s9_9.png", (root / "masks/s0_0.png").read_bytes())
    work.mkdir()
    monkeypatch.chdir(work)
    data = (
        *("dataset=folder", f"dataset.root={root}", "dataset.on_bad_record=skip"),
        *("dataset.size=64", "dataset.split.val=0.34", "dataset.split.test=0.34"),
        f"dataset.cache_dir={tmp_path / 'cache'}",
    )
    said = ""

    def call(module: object, *given: str) -> int:
        nonlocal said
        code = call_main(monkeypatch, *given, module=module)
        captured = capfd.readouterr()
        said += captured.out + captured.err
        return code

    assert call(check, *data) == 0, said
    assert "1 DICOM without pixels (RT Plan Storage)" in said
    run = work / "run"
    quick = ("trainer.max_epochs=1", "trainer.enable_progress_bar=false", "dataset.num_workers=0")
    given = (*data, *SMALL, *quick, "dataset.score_by=group", f"hydra.run.dir={run}")
    assert call(train, *given) == 0, said
    rows = table(run / "split.csv")
    assert {row["group"] for row in rows} == {f"patient-00{n}" for n in range(1, 7)}
    assert len({(row["group"], row["split"]) for row in rows}) == 6
    assert call(evaluate, f"run={run}") == 0, said
    scored = table(run / "evaluation_per_image.csv")
    assert {row["group"] for row in scored} <= {f"patient-00{n}" for n in range(1, 7)}

    # Beside the images lies one that cannot be read: the others are predicted, and it is told.
    out = work / "out"
    masks = (f"run={run}", f"input={root / 'images'}", f"output={out}", "overlay=true")
    call(predict, *masks)
    mask = np.asarray(Image.open(out / "s0_0.png"))
    assert mask.shape == (64, 64)
    assert "s9_9.dcm" in said
    assert "damaged or was cut off" in said
    assert told(work) == []

    # An object for an archive names its patient, where it was asked for: nothing else does.
    call(predict, *masks, "dicom_seg=true")
    assert "beside it: *_seg.dcm (each names its patient, as its image does)" in said
    objects = sorted(out.glob("*_seg.dcm"))
    assert len(objects) == 18
    for path in objects:
        assert told(path)
        seg = segread(path)
        found = seg.get_pixels_by_source_instance([SOURCE], combine_segments=True)
        stored = np.asarray(Image.open(out / path.name.replace("_seg.dcm", ".png")))
        np.testing.assert_array_equal(found[0], stored)
        path.unlink()

    log = tmp_path / "said.txt"
    log.write_text(said + caplog.text, encoding="utf-8")
    for place in (work, tmp_path / "cache", log):
        assert told(place) == []
    assert told(root), "or nothing could have been told"
