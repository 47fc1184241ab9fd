"""``python -m segkit.evaluate score_as=instance``: a semantic run of seconds, judged by objects."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.comparison import pictures
from segkit.comparison.comparison import compare_runs
from segkit.comparison.run_scores import read_scores
from segkit.core.run_folder import RunFolder
from segkit.data.readers.phantom import Phantom
from segkit.drawing.overlay import Picture
from segkit.drawing.panel import Painter, PanelRow, panel
from segkit.imaging.components import components
from segkit.runs.build import build_reader
from segkit.runs.load import load_run
from segkit.runs.saved import open_run
from segkit.tasks.instance.matching import match
from segkit.tasks.instance.outcomes import outcomes
from tests.commands.evaluating import Evaluate, evaluate_in, table

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Evaluate:
    """The command in this process; gives its exit code."""
    return partial(evaluate_in, tmp_path, monkeypatch)


def labels_of(run: Any) -> dict[str, Any]:
    """The test images and labels, as the reader gives them, by id."""
    keys = {"count": 12, "image_size": 64, "seed": 0}
    reader = Phantom(run.config["dataset"]["root"], **keys)
    records = reader.listing().records
    samples = (load() for load in reader.loaders(records))
    return {record.id: sample for record, sample in zip(records, samples, strict=True)}


def test_components_are_held_against_labels(run: Any, folder: Path, score: Evaluate) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert score(f"run={folder}", "score_as=instance", "threshold=0.3", "min_area=4") == 0
    tables = RunFolder(folder).judged("instance")
    assert {path: path.read_bytes() for path in before} == before, "the run's own scores stay"
    rows = table(tables.path)
    assert [row["class"] for row in rows] == ["nucleus", "all"]
    assert (rows[1]["threshold"], rows[1]["min_area"]) == ("0.3", "4")
    assert rows[1]["seed_threshold"] == ""
    predict = load_run(folder, device="cpu", precision="32-true", threshold=0.3)
    samples = labels_of(run)
    images = table(tables.path, "evaluation_per_image")
    assert images
    for row in images:
        sample = samples[row["id"]]
        found = components(predict(sample.image).mask > 0, 4)
        true_objects, found_objects = outcomes(match(sample.instances, found))
        assert [int(row["true"]), int(row["found"])] == [len(true_objects), len(found_objects)]
    assert sum(int(row["found"]) for row in images) == int(rows[1]["n_found"]) > 0
    assert {row["kind"] for row in table(tables.path, "objects")} == {"true", "found"}
    assert all((tables.path / f"{name}.png").is_file() for name in ("worst", "counts", "areas"))
    assert tables.read_checksums() != RunFolder(folder).read_checksums()


def test_what_cannot_be_judged_is_said(
    folder: Path, score: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, said in (
        (("score_as=objects",), "unknown task 'objects'"),
        (("score_as=instance", "threshold=auto"), "fitted by the scores of the run's own task"),
        (("score_as=instance", "seed_threshold=0.3"), "has no such setting"),
        (("score_as=instance", "surface=true"), "measured of class masks, not of objects"),
    ):
        assert score(f"run={folder}", *given) == 2
        assert said in capsys.readouterr().err
    assert not (folder / "evaluation").exists()


@pytest.mark.slow
def test_pictures_show_the_components_that_were_scored(
    folder: Path, tmp_path: Path, score: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the settings that they were scored with, which are not the run's."""
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    config = (other / "config.yaml").read_text("utf-8")
    (other / "config.yaml").write_text(config.replace("lr: 0.001", "lr: 0.002"), "utf-8")
    reader = build_reader(open_run(folder).config)
    image = reader.read(reader.listing().records[0]).image
    chances = load_run(folder, device="cpu")(image).probability
    thresholds = tuple(round(float(each), 4) for each in np.quantile(chances, (0.5, 0.9)))
    for run, threshold in zip((folder, other), thresholds, strict=True):
        assert score(f"run={run}", "score_as=instance", f"threshold={threshold}") == 0
    runs = [read_scores(run, judge="instance") for run in (folder, other)]
    comparison = compare_runs(runs, baseline=None, score=None, seed=0, common=False)
    seen: list[PanelRow] = []

    def watched(rows: list[PanelRow], painter: Painter) -> Picture:
        seen.extend(rows)
        return panel(rows, painter)

    monkeypatch.setattr(pictures, "panel", watched)
    monkeypatch.setattr(pictures, "_widest", lambda *_: runs[0].ids[:2])  # alike or not
    sheets = pictures.disagreements(comparison, 2)
    assert len(sheets) == 2
    drawn = []
    for row, threshold in zip(seen, thresholds * 2, strict=True):
        predict = load_run(folder, device="cpu", threshold=threshold)
        np.testing.assert_array_equal(row.prediction, components(predict(row.image).mask > 0))
        assert row.truth is not None
        assert row.truth.max() > 1, "labels, not classes"
        drawn.append(row.prediction)
    assert any((one != two).any() for one, two in zip(drawn[::2], drawn[1::2], strict=True))
