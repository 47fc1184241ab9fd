"""``report.html`` of a run of objects: what a biologist looks at comes first."""

from pathlib import Path
from typing import Any

from segkit.core.run_folder import RunFolder
from tests.evaluation.made_runs import CONFIG, a_run, folder_hash, picture, read, table

TEST: dict[str, Any] = {
    **{"ap50": 0.75, "ap50_image": 0.7312, "ap": 0.476, "count_error": 0.143},
    **{"n": 7, "n_true": 71, "n_found": 67, "recall_50": 0.8732},
}
FITTED = {"threshold": 0.4, "seed_threshold": 0.3, "min_area": 80}
TOP = ("median", "counts", "areas")


def of_objects(path: Path) -> RunFolder:
    config = {**CONFIG, "task": "instance", "threshold": "auto", "min_area": 10}
    test = {"loss": 1.2, "nucleus": TEST, "all": TEST}
    return a_run(path, config=config, monitor="val/ap", test=test, decoder=FITTED)


def scored(folder: RunFolder) -> None:
    row = {"class": "all", "split": "test", **TEST, **FITTED, "split_hash": folder_hash(folder)}
    table(folder.evaluation, [row])
    table(folder.images, [{"id": "a", "class": "nucleus", "ap50_image": 0.5, "ap_image": 0.25}])
    for name in ("best", "median", "worst", "precision", "counts", "areas"):
        picture(folder.pictures / f"{name}.png")


def captions(text: str) -> list[str]:
    """Of all figures, in their order."""
    return [part.split("</figcaption>")[0] for part in text.split("<figcaption>")[1:]]


def test_outlines_numbers_and_areas_are_on_top(tmp_path: Path) -> None:
    folder = of_objects(tmp_path)
    scored(folder)
    page = read(folder)
    assert page.words.index("What was found") < page.words.index("How sure")
    first = captions(page.text)[: len(TOP)]
    for told, said in zip(("The middle", "How many", "How large"), first, strict=True):
        assert said.startswith(told)
    # Nothing is shown twice.
    assert len([text for text in captions(page.text) if text in first]) == len(TOP)
    assert "What was found" in page.words
    assert "drawn by" not in page.words


def test_the_number_found_stands_beside_the_number_true(tmp_path: Path) -> None:
    words = read(of_objects(tmp_path)).words
    assert "test AP@.5\n0.7312|mean over 7 images" in words
    assert "objects drawn\n67|71 true; recall 0.8732" in words


def test_scores_stand_in_the_order_of_the_terminal(tmp_path: Path) -> None:
    folder = of_objects(tmp_path)
    scored(folder)
    words = read(folder).words.split("95 % interval")[0].split("How sure")[1]
    names = [name for name in words.replace("\n", "").split("|") if name in TEST]
    assert names[:3] == ["ap50", "ap", "ap50_image"]  # evaluation.csv has them otherwise
    assert {*names} == {*TEST}
    assert "How exact the outlines are" in read(folder).words


def test_what_was_fitted_is_told(tmp_path: Path) -> None:
    words = read(of_objects(tmp_path)).words
    assert "threshold|\n0.4, fitted to the validation split|" in words
    assert "min_area|\n80, fitted to the validation split|" in words
    scored(RunFolder(tmp_path))
    words = read(RunFolder(tmp_path)).words
    assert "seed_threshold|\n0.3000|\nwhat a pixel must reach" in words


def test_until_it_is_evaluated_the_command_stands_in_their_place(tmp_path: Path) -> None:
    page = read(of_objects(tmp_path))
    assert "The same validation images" in page.words.split("How sure")[0]
    assert "the best and the worst images are drawn by" in page.words
    assert f"segkit.evaluate run={tmp_path}" in page.words.replace("\n", "")


def test_a_run_of_another_task_was_fitted_to_nothing(tmp_path: Path) -> None:
    assert "fitted" not in read(a_run(tmp_path)).words
