"""Comparing a stranger's run with one's own: its pictures are predicted anew, by nothing of its."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest


def own_run(stranger: Any) -> Path:
    """A copy with another score, so that there are images to disagree on."""
    own = Path(shutil.copytree(stranger.folder, stranger.home.parent / "own"))
    path = own / "evaluation_per_image.csv"
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    for row in rows:
        # Everything is found, in every image.
        row["tp"], row["fp"], row["fn"] = str(int(row["tp"]) + int(row["fn"])), "0", "0"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    summary = json.loads((own / "summary.json").read_text("utf-8"))
    summary["test"]["all"]["dice"] = 1.0
    (own / "summary.json").write_text(json.dumps(summary), "utf-8")
    return own


@pytest.mark.parametrize("allowed", [[], ["os."]], ids=["plain", "allowed by the folder"])
def test_the_reader_of_a_strangers_run_is_not_built(stranger: Any, allowed: list[str]) -> None:
    own = own_run(stranger)
    reader = {"_target_": "os.system", "command": stranger.command}
    for key, value in (("dataset.reader", reader), ("allow_targets", allowed), ("seed", 1)):
        stranger.change(key, value)
    _, said = stranger.run("compare", f"runs=[{stranger.folder},{own}]", "output=out")
    assert not stranger.mark.exists(), "the payload ran"
    assert "Traceback" not in said


def test_an_interpolation_is_refused(stranger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hush")
    own = own_run(stranger)
    stranger.change("choices.model", "${oc.env:SECRET}")
    code, said = stranger.run("compare", f"runs=[{stranger.folder},{own}]", "output=out")
    assert code == 2
    assert "an interpolation in a saved configuration" in said
    assert not (stranger.home / "out").exists()
