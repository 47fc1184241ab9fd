"""``load_run`` of a run that finds objects: labels and measures are those that predict writes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segkit import predict
from segkit.core.errors import SegkitError
from segkit.core.tables import read_table
from segkit.inference.predictor import Predictor
from segkit.runs import load_run
from segkit.tasks.instance import bands
from tests.commands.bright import PREFIX, discs, given, labels_of
from tests.commands.in_process import Call, fixture_of

command = fixture_of(predict)


def loaded(run: Path, **settings: Any) -> Predictor:
    return load_run(run, device="cpu", precision="32-true", allow_targets=[PREFIX], **settings)


def test_the_table_is_objects_csv(
    object_runs: list[Path], command: Call, disc_inputs: Path, tmp_path: Path
) -> None:
    assert command(*given(object_runs[0], disc_inputs, tmp_path / "out")) == 0
    rows = read_table(tmp_path / "out" / "objects.csv")
    predictor = loaded(object_runs[0])
    for name in ("colour.png", "deep.tif", "grey.png"):
        own = [row for row in rows if row["image"] == Path(name).stem]
        found = predictor(disc_inputs / name).objects
        assert own
        # Another image's channels, or lengths in µm, are columns that are empty here.
        kept = [key for key in rows[0] if any(row[key] for row in own)]
        assert [key for key in found if not np.isnan(found[key]).all()] == kept[1:]
        for key, column in found.items():
            there = [float(row[key]) if row[key] else np.nan for row in own]
            np.testing.assert_array_equal(column, there, key)
    assert not any(map(len, predictor(disc_inputs / "nothing.png").objects.values()))


def test_an_array_is_measured_as_it_is(object_runs: list[Path]) -> None:
    deep = discs(2, (80, 70), 6) * 200 + 7
    found = loaded(object_runs[0])(deep)
    labels, _ = found
    assert found.objects["label"].tolist() == list(range(1, labels.max() + 1))
    inside = labels == 2
    assert found.objects["mean_intensity"][1] == pytest.approx(deep[inside].mean())
    assert found.objects["area_px"][1] == inside.sum()
    assert "area_um2" not in found.objects


def test_labels_of_an_image_that_is_decoded_in_views(
    object_runs: list[Path], command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of more than ten megapixels, in which arms meet farther below than the halo reaches."""
    pixels = discs(3, (700, 60), 0)
    pixels[40:660, 5:17] = pixels[40:660, 40:52] = pixels[640:660, 5:52] = 200
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "a.png")
    predictor = loaded(object_runs[0], halo=24)
    assert predictor(tmp_path / "a.png").mask.max() == 1
    monkeypatch.setattr(bands, "_PIXELS", 1)
    found = predictor(tmp_path / "a.png").mask
    assert found.max() == 2
    assert command(*given(object_runs[0], tmp_path / "a.png", tmp_path / "out", "halo=24")) == 0
    assert np.array_equal(labels_of(tmp_path / "out" / "a.png"), found)


def test_a_run_that_tells_no_objects_apart(predictor: Predictor) -> None:
    found = predictor(np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(SegkitError, match="tells no objects apart") as caught:
        found.objects  # noqa: B018
    assert "task=instance" in caught.value.remedy
