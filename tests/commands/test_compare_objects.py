"""Runs of objects side by side, and a semantic run beside them: folders with known scores."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from segkit.core.checksums import Checksums
from segkit.core.contracts import Record
from segkit.core.run_folder import RunFolder
from segkit.core.tables import table_text
from segkit.imaging.components import components
from segkit.tasks.instance.matching import count, match
from segkit.tasks.instance.metrics import Counts, each
from segkit.tasks.instance.tables import CLASS_COLUMNS, IMAGE_COLUMNS
from segkit.tasks.instance.task import InstanceTask
from segkit.tasks.tally import Counted, image_rows, sum_by_group
from tests.commands.comparing import Compare, compare_in, table, write_run

IMAGES = 24
CONFIG = {"task": "instance", "threshold": "auto", "seed_threshold": 0.3, "min_area": 10}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """The command in this process; gives its exit code."""
    return partial(compare_in, tmp_path, monkeypatch)


def counted(missed: float, *, first: int = 0, images: int = IMAGES, seed: int = 0) -> Counts:
    """Of images of squares, of which so many are missed."""
    counts = []
    for n in range(first, first + images):
        hard, luck = np.random.default_rng(n), np.random.default_rng([seed, n])
        truth = np.zeros((48, 48), np.int32)
        places = range(int(hard.integers(6, 16)))
        for place in places:
            row, column = 12 * (place // 4), 12 * (place % 4)
            truth[row : row + 8, column : column + 8] = place + 1
        kept = np.array([0, *(luck.random(len(places)) >= missed)])
        counts.append(count(match(truth, np.where(kept[truth], truth, 0))))
    return np.stack(counts)


def tell(
    tables: RunFolder, ids: Sequence[str], counts: Counts, groups: Sequence[str] | None = None
) -> dict[str, Any]:
    """Write the table of images; gives what the row of all says, of groups where there are any."""
    units = groups or ids
    records = [Record(name, group, name, (name,)) for name, group in zip(ids, units, strict=True)]
    known = Counted(list(range(len(ids))), counts, 0.5, {})
    cells = InstanceTask(["background", "cell"]).scorer.image_cells(counts)
    rows = image_rows(known, records, dict.fromkeys(ids, "test"), cells)
    tables.images.parent.mkdir(parents=True, exist_ok=True)
    tables.images.write_text(table_text(IMAGE_COLUMNS, rows), "utf-8")
    tables.write_checksums({name: Checksums("image", "labels") for name in ids})
    _, summed = sum_by_group(counts, units)
    return {s: float(np.nanmean(each(summed, s))) for s in ("ap50_image", "ap_image")}


def of_objects(folder: Path, counts: Counts, **settings: Any) -> RunFolder:
    """A finished run of objects that came to these counts."""
    run = RunFolder(write_run(folder, [0.5] * len(counts), **settings))
    config = yaml.safe_load(run.config.read_text("utf-8")) | CONFIG
    config["choices"]["task"] = "instance"
    run.config.write_text(yaml.safe_dump(config), "utf-8")
    ids = [row["id"] for row in table(run.images)]
    summary = json.loads(run.summary.read_text("utf-8"))
    summary["test"]["all"] = tell(run, ids, counts, settings.get("groups"))
    run.summary.write_text(json.dumps(summary), "utf-8")
    return run


def test_all_images_of_a_patient_are_one_score(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patients = [f"p{n}" for n in np.repeat(np.arange(8), (1, 1, 2, 2, 3, 4, 5, 6))]
    expected = []
    for model, missed in (("a", 0.4), ("b", 0.1)):
        counts = counted(missed)
        of_objects(tmp_path / "s" / model, counts, model=model, score_by="group", groups=patients)
        of_each = each(counts, "ap50_image")
        means = [of_each[[one == p for one in patients]].mean() for p in sorted(set(patients))]
        expected.append(np.mean(means))
        assert abs(np.mean(means) - of_each.mean()) > 0.01, "or units would not matter"
    assert command(f"sweep={tmp_path / 's'}") == 0
    first, second = table(tmp_path / "s" / "comparison.csv")
    found = [float(row["ap50_image"]) for row in (first, second)]
    assert found == pytest.approx(expected, abs=1e-6)
    assert second["n"] == "8"
    assert float(second["difference"]) == pytest.approx(expected[1] - expected[0], abs=1e-6)

    of_objects(tmp_path / "s" / "c", counts, model="c")
    capsys.readouterr()
    assert command(f"sweep={tmp_path / 's'}") == 2
    assert "different units" in capsys.readouterr().err


def judged(folder: Path, counts: Counts, *, split: str = "abc") -> RunFolder:
    """A finished semantic run, and its components' counts as evaluate leaves them."""
    run = RunFolder(write_run(folder, [0.5] * len(counts)))
    run.write_checksums({row["id"]: Checksums("image", "mask") for row in table(run.images)})
    tables = run.judged("instance")
    told = tell(tables, [row["id"] for row in table(run.images)], counts)
    row = {"class": "all", "split": "test", "split_hash": split, "threshold": 0.4, "min_area": 5}
    tables.evaluation.write_text(table_text(CLASS_COLUMNS, [row | told]), "utf-8")
    return run


def mean_ap(counts: Counts) -> float:
    return float(np.nanmean(each(counts, "ap50_image")))


def test_seeds_are_paired_by_ap(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = [counted(0.1, seed=s) for s in (1, 2)], [counted(0.4, seed=s) for s in (3, 4)]
    for model, several in (("a", many), ("b", few)):
        for seed, counts in enumerate(several):
            of_objects(tmp_path / "s" / f"{model}{seed}", counts, model=model, seed=seed)
    assert command(f"sweep={tmp_path / 's'}") == 0
    said = capsys.readouterr().out
    assert "B is better than a by 0." in said
    assert "AP@.5" in said
    assert "what became of each object of the best: " in said
    assert "surface" not in said
    first, second = table(tmp_path / "s" / "comparison.csv")
    assert (first["configuration"], second["configuration"]) == ("a", "b")
    found = [float(row["ap50_image"]) for row in (first, second)]
    expected = [np.mean([mean_ap(counts) for counts in each_]) for each_ in (many, few)]
    assert found == pytest.approx(expected)
    assert float(second["difference"]) == pytest.approx(expected[1] - expected[0])
    assert second["verdict"] == "better"
    page = (tmp_path / "s" / "comparison.html").read_text("utf-8")
    assert "AP@.5:.95" in page
    assert "ap50_image" not in page, "scores have their titles wherever people read them"
    assert command(f"runs=[{tmp_path / 's' / 'a0'},{tmp_path / 's' / 'a1'}]") == 0
    assert "One configuration: AP@.5 0." in capsys.readouterr().out


def test_folds_are_pooled(command: Compare, tmp_path: Path) -> None:
    parts: dict[str, list[NDArray[np.int64]]] = {"a": [], "b": []}
    for model, missed in (("a", 0.4), ("b", 0.1)):
        for fold in (0, 1):
            counts = counted(missed, first=100 * fold, images=12)
            parts[model].append(counts)
            name = tmp_path / "s" / f"{model}{fold}"
            of_objects(name, counts, model=model, fold=fold, split=f"fold{fold}")
    assert command(f"sweep={tmp_path / 's'}", "score=ap_image") == 0
    first, second = table(tmp_path / "s" / "comparison.csv")
    for row, model in ((first, "a"), (second, "b")):
        assert float(row["ap50_image"]) == pytest.approx(mean_ap(np.concatenate(parts[model])))
    assert (second["n"], second["verdict"]) == ("24", "better")
    folds = table(tmp_path / "s" / "out_of_fold.csv")
    assert len(folds) == 48
    assert {"ap50_image", "ap_image"} <= folds[0].keys()


def test_other_splits_are_compared_on_what_they_share(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = counted(0.1), counted(0.4, images=IMAGES - 4)
    of_objects(tmp_path / "s" / "a", few, model="a", split="abc")
    of_objects(tmp_path / "s" / "b", many, model="b", split="def")
    assert command(f"sweep={tmp_path / 's'}") == 2
    assert "different splits" in capsys.readouterr().err
    assert command(f"sweep={tmp_path / 's'}", "common=true") == 0
    first, second = table(tmp_path / "s" / "comparison.csv")
    assert float(first["ap50_image"]) == pytest.approx(mean_ap(few[:-4]))
    assert (second["n"], second["verdict"]) == (str(IMAGES - 4), "worse")


def test_a_semantic_run_stands_beside_by_its_components(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = counted(0.1), counted(0.4)
    semantic = judged(tmp_path / "semantic", many)
    instance = of_objects(tmp_path / "instance", few)
    runs = f"runs=[{semantic.path},{instance.path}]"
    assert command(runs, f"output={tmp_path / 'out'}") == 0
    said = capsys.readouterr().out
    assert "Instance is better than semantic by" in said
    first, second = table(tmp_path / "out" / "comparison.csv")
    assert [row["configuration"] for row in (first, second)] == ["semantic", "instance"]
    assert float(first["ap50_image"]) == pytest.approx(mean_ap(many))
    assert [row["ap50_image"] for row in table(tmp_path / "out" / "comparison_runs.csv")] == [
        str(mean_ap(counts)) for counts in (many, few)
    ]
    # Semantic runs among themselves are compared as ever.
    other = write_run(tmp_path / "other", [0.7] * IMAGES, model="b")
    assert command(f"runs=[{semantic.path},{other}]", f"output={tmp_path / 'both'}") == 0
    assert "dice" in table(tmp_path / "both" / "comparison.csv")[0]


@pytest.mark.parametrize(
    ("break_", "said"),
    [
        (lambda run: run.judged("instance").images.unlink(), "it is no run of task=instance"),
        (lambda run: run.judged("instance").evaluation.unlink(), "scores cannot be read"),
        (lambda run: tell(run.judged("instance"), ["i0"], counted(0, images=1)), "scored otherw"),
        (
            lambda run: run.judged("instance").write_checksums({"i3": Checksums("image", "x")}),
            "record i3 was scored with another ground truth",
        ),
    ],
)
def test_components_that_are_not_scored_as_they_must_be(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str], break_: Any, said: str
) -> None:
    semantic, instance = (
        judged(tmp_path / "semantic", counted(0.4)),
        of_objects(tmp_path / "instance", counted(0.1)),
    )
    break_(semantic)
    assert command(f"runs=[{semantic.path},{instance.path}]") == 2
    err = capsys.readouterr().err
    assert said in err
    if "ground truth" not in said:
        assert f"segkit.evaluate run={semantic.path} score_as=instance" in err


def test_components_of_another_split_are_not_compared(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    semantic = judged(tmp_path / "semantic", counted(0.4), split="other")
    instance = of_objects(tmp_path / "instance", counted(0.1))
    assert command(f"runs=[{semantic.path},{instance.path}]") == 2
    assert "of split other, and trained on another" in capsys.readouterr().err


def test_squares_are_what_the_counts_say() -> None:
    """The phantoms of this file."""
    truth = np.zeros((20, 20), np.bool_)
    truth[:8, :8] = truth[12:, 12:] = True
    assert components(truth).max() == 2
    assert mean_ap(counted(0.0)) == 1
    assert mean_ap(counted(0.4)) < mean_ap(counted(0.1)) < 1
