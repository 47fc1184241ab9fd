"""``report.html``: the split, the command and the configuration that a run can be repeated from."""

from pathlib import Path

import yaml

from segkit.evaluation.report import write_report
from tests.evaluation.made_runs import CONFIG, a_run, folder_hash, read


def test_the_split_is_counted_and_proved_disjoint(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    words = read(folder).words
    assert "split|\nrecords|\ngroups|\ngröße|" in words
    assert "train|\n6|\n3|\n6|" in words
    assert "test|\n2|\n1|\n2|" in words
    assert "No group lies in two splits." in words
    assert f"Hash of split.csv: {folder_hash(folder)}" in words
    assert "has changed" not in words


def test_a_group_in_two_splits_and_a_changed_split_are_named(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    with folder.split.open("a", encoding="utf-8") as file:
        file.write("more,train0,test,\n")
    words = read(folder).words
    assert "1 groups lie in more than one split, such as 'train0'." in words
    assert "split.csv has changed" in words


def test_the_command_as_it_was_given(tmp_path: Path) -> None:
    given = ["dataset=dsb2018", "dataset.size=[128,96]", "hydra.run.dir=my runs/a'b"]
    page = read(a_run(tmp_path, config={**CONFIG, "overrides": given}))
    expected = (
        "python -m segkit.train dataset=dsb2018 'dataset.size=[128,96]' "
        "'hydra.run.dir=my runs/a'\"'\"'b'"
    )
    assert expected in page.words
    assert "not kept" not in page.words


def test_the_command_where_it_was_not_kept(tmp_path: Path) -> None:
    page = read(a_run(tmp_path, commit="30107fc99dab-dirty"))
    assert "python -m segkit.train dataset=dsb2018 model=unet_mnv2" in page.words
    assert "Its command line was not kept" in page.words
    assert "changes beyond its commit, 30107fc99dab-dirty" in page.words


def test_what_was_set_stands_in_the_table_of_a_renewed_report_too(tmp_path: Path) -> None:
    """``segkit.evaluate`` renews it, and knows nothing of the sweep that the run was a job of."""
    given = ["loss=tversky", "loss.alpha=0.4", "dataset.num_workers=3", "hydra.run.dir=x"]
    config = {
        **CONFIG,
        "loss": {"alpha": 0.4},
        "dataset": {**CONFIG["dataset"], "num_workers": 3},
        "overrides": given,
    }
    words = read(a_run(tmp_path, config=config)).words
    assert "loss.alpha|\n0.4|" in words
    assert "dataset.num_workers|" not in words, "nothing that decides what is learnt"


def test_the_whole_configuration_is_behind_a_fold(tmp_path: Path) -> None:
    page = read(a_run(tmp_path))
    assert yaml.safe_dump(CONFIG, sort_keys=False) in page.words
    assert len(page.named("details")) == 1


def test_a_configuration_of_many_ids_does_not_fill_the_page(tmp_path: Path) -> None:
    many = {**CONFIG, "ids": ["x" * 60] * 2_000}
    path = write_report(a_run(tmp_path, config=many))
    assert path.stat().st_size < 200_000
    assert "the rest is in config.yaml" in path.read_text("utf-8")
