"""What is written and said of a study: its ranks, its table, its pictures."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from optuna import Study, Trial, TrialPruned

from segkit.imaging.pixels import decode
from segkit.search.report import best, ranked, show, write_report
from segkit.search.space import Scalar
from segkit.search.trial import TrialFailed
from tests.search.studies import hill, in_memory, run


@pytest.fixture
def memory() -> Callable[[str], Study]:
    """Of a name, the same study each time, without a disk to wait for."""
    return in_memory()


def test_the_report_ranks_tabulates_and_draws(
    memory: Callable[[str], Study], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def objective(trial: Trial, values: Mapping[str, Scalar]) -> float:
        if trial.number == 2:
            raise TrialFailed("out of\nmemory")
        if trial.number == 3:
            trial.report(0.25, 7)
            raise TrialPruned
        return hill(trial, values)

    study = memory("s")
    missing = write_report(study, tmp_path, "val/dice")
    assert [words.split()[1] for words in missing] == ["history.png", "importances.png"]
    run(study, objective, 8)
    assert write_report(study, tmp_path, "val/dice") == []
    for name in ("history.png", "importances.png"):
        assert min(decode((tmp_path / name).read_bytes(), name).shape[:2]) > 100
    rows = list(csv.DictReader(io.StringIO((tmp_path / "trials.csv").read_text("utf-8"))))
    assert [row["trial"] for row in rows] == [str(n) for n in range(9)]
    assert [row["state"] for row in rows[:4]] == ["complete", "complete", "fail", "pruned"]
    assert rows[3]["value"] == "0.25"
    assert rows[2]["reason"] == "out of\nmemory"
    values = [float(row["value"]) for row in rows if row["state"] == "complete"]
    first = best(study)
    assert first is not None
    assert first.value == pytest.approx(max(values), rel=1e-5)
    order = ranked(study)
    assert [t.state.name for t in order[-2:]] == ["PRUNED", "FAIL"]
    show(study, tmp_path, "val/dice", ["dataset=folder", "seed=3"], seed=3)
    said = capsys.readouterr().out
    assert f"name={first.params['name']}" in said
    assert "seed=4" in said
    assert "seed=3" not in said
    assert f"segkit.evaluate run=trial_{first.number:04d}" in said
    assert "trial 2 failed: out of" in said
