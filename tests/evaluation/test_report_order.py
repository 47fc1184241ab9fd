"""``report.html``: what was found, how sure that is, where it fails, how it was trained."""

import re
from pathlib import Path

from tests.evaluation.made_runs import Page, a_run, evaluate, read


def headings(page: Page) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", page.text)


def test_it_is_in_the_order_of_a_reader(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    evaluate(tmp_path, [{"class": "all", "dice": 0.5}], [{"id": "a", "dice": 0.5}])
    page = read(folder)
    assert headings(page) == ["What was found", "How sure", "Where it fails", "How it was trained"]
    told = (
        *("The middle", "95 % interval" if "95 %" in page.words else "means"),
        *("How the scores are distributed", "The worst", "Lowest Dice of 1", "The best"),
        *("The same validation images", "Split", "Configuration", "Train it again"),
    )
    places = [page.words.index(words, page.words.index("What was found")) for words in told]
    assert places == sorted(places)


def test_until_it_is_evaluated_validation_images_show_what_was_found(tmp_path: Path) -> None:
    page = read(a_run(tmp_path))
    first, second = page.words.split("How sure")
    assert "The same validation images in each epoch" in first
    assert "The same validation images in each epoch" not in second
    assert f"segkit.evaluate run={tmp_path}\n" in f"{first}\n"
    assert "split=" not in first


def test_the_command_fits_a_run_without_a_test(tmp_path: Path) -> None:
    page = read(a_run(tmp_path, test=None))
    assert f"segkit.evaluate run={tmp_path} split=val" in page.words


def test_a_test_of_few_groups_says_that_it_is(tmp_path: Path) -> None:
    folder = a_run(tmp_path / "run")
    evaluate(folder.path, [{"class": "all", "dice": 0.5}], [{"id": "i0", "dice": 0.5}])
    for groups, said in ((3, True), (12, False)):
        rows = [f"i{n},g{n},test," for n in range(groups)] + ["x,gx,train,", "y,gy,val,"]
        folder.split.write_text("\n".join(["id,group,split,stratum", *rows]) + "\n", "utf-8")
        assert (f"The test split has {groups} groups" in read(folder).text) is said
