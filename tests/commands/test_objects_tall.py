"""An object far taller than the halo is the same to every command."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segkit import evaluate, predict
from segkit.core.tables import read_table
from segkit.runs import load_run
from tests.commands.bright import PREFIX, given, labels_of
from tests.commands.in_process import call_main

HALO = 40


@pytest.mark.slow
def test_predict_load_run_and_evaluate_give_the_same_labels(
    object_runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the run's cache_dir lies
    run, data = object_runs[0], tmp_path / "data"
    for folder in ("images", "masks"):
        (data / folder).mkdir(parents=True)
    image = np.full((1024, 256, 3), 20, np.uint8)
    image[60:960, 40:190] = 78  # bright enough for foreground, not for a seed
    image[60:100, 40:190] = 200
    Image.fromarray(image).save(data / "images" / "tall.png")
    predictor = load_run(run, device="cpu", precision="32-true", allow_targets=[PREFIX], halo=HALO)
    whole = predictor(data / "images" / "tall.png").mask
    assert whole.max() == 1
    assert (whole > 0).sum() > 130_000

    out = tmp_path / "out"
    said = given(run, data / "images", out, f"halo={HALO}")
    assert call_main(monkeypatch, *said, module=predict) == 0
    np.testing.assert_array_equal(labels_of(out / "tall.png"), whole)

    Image.fromarray(whole.astype(np.uint8)).save(data / "masks" / "tall.png")
    scored = ("split=all", "dataset=folder", f"dataset.root={data}", f"halo={HALO}")
    more = (
        "dataset.labels=objects",
        "dataset.classes=[background,nucleus]",
        f"allow_targets=[{PREFIX}]",
        "trainer=cpu",
    )
    assert call_main(monkeypatch, f"run={run}", *scored, *more, module=evaluate) == 0
    (table,) = run.glob("evaluation/**/evaluation_per_image.csv")
    (row,) = read_table(table)
    assert [row[name] for name in ("true", "found", "tp_95")] == ["1", "1", "1"]
