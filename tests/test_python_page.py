"""docs/python.md: its lines work, and do to the process nothing else."""

import json
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import segkit
from segkit import evaluate, train
from segkit.core.errors import SegkitError
from segkit.runs import cli
from segkit.runs.call import Call
from tests.cells import write_cells
from tests.commands.in_process import call_main
from tests.documents import ROOT, blocks, commands
from tests.process_state import changed, process_state

# Of what it does, tests/runs/ shows the parts more quickly.
pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "python.md"


def shown() -> str:
    """The page's Python, from its first block to its last."""
    return "\n".join(block for block in blocks(PAGE) if not commands(block))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The page's lines, run in a notebook's process; the names that they leave."""
    folder = tmp_path_factory.mktemp("notebook")
    write_cells(folder / "mydata", dict.fromkeys("abcdefghijkl", (48, 56)) | {"b": (70, 90)})
    names: dict[str, Any] = {"folder": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))  # of no file
        before = process_state()
        exec(compile(shown(), "python.md", "exec"), names)
        names["changed"] = changed(before)
        yield names


def test_the_page_leaves_the_process_as_it_was(session: dict[str, Any]) -> None:
    assert len(shown().splitlines()) > 15
    assert session["changed"] == {}


def test_a_run_is_what_the_command_makes(
    session: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = session["run"], session["other"]
    assert run.folder.parent == session["folder"] / "outputs" / "mydata" / "unet_mnv2"
    assert run.folder != other.folder
    assert run.summary == json.loads((run.folder / "summary.json").read_text("utf-8"))
    assert (run.folder / "report.html").is_file()
    # The command calls it alike, and goes on with it.
    seen: list[Call] = []
    monkeypatch.setattr(sys, "argv", ["train", *session["settings"]])
    cli.run(lambda _, call: seen.append(call), "train")
    assert seen[0].output.parent == run.folder.parent
    assert seen[0].output.name[-8:] == run.folder.name[-8:]
    longer = (f"resume={run.folder}", "trainer.max_epochs=4")
    assert call_main(monkeypatch, *longer, module=train) == 0
    rows = (run.folder / "metrics.csv").read_text("utf-8").splitlines()
    assert len(rows) == 5
    again = segkit.fit(longer)  # it is done
    assert again.folder == run.folder
    assert again.summary["epochs"] == 4


def test_predictions_of_arrays_and_files(session: dict[str, Any]) -> None:
    run, found = session["run"], session["found"]
    assert found.mask.shape == (70, 90)
    deep = run.predictor(session["image"].astype(np.uint16) * 200, tile=32, overlap=8)
    assert deep.mask.shape == (70, 90)
    assert session["mask"].shape == (48, 56)
    assert session["probability"].shape == (1, 48, 56)
    path = session["folder"] / "mydata" / "images" / "b.png"
    before = process_state()
    from_array = run.predictor(np.asarray(Image.open(path)), tile=32, overlap=8)
    for given in (path, str(path)):
        from_file = run.predictor(given, tile=32, overlap=8)
        assert np.array_equal(from_array.probability, from_file.probability)
    with pytest.raises(SegkitError, match="cannot be read: No such file"):
        run.predictor("nothing.png")
    assert not changed(before)


def test_the_remedy_for_a_file_that_is_too_large(session: dict[str, Any]) -> None:
    path = session["folder"] / "mydata" / "images" / "b.png"
    with pytest.raises(SegkitError, match=r"the limit is 0\.001 megapixels") as caught:
        session["run"].predictor(path, max_megapixels=0.001)
    key, _, value = caught.value.remedy.rpartition(" ")[2].partition("=")
    assert session["run"].predictor(path, **{key: float(value)}).mask.shape == (70, 90)


def test_scores_are_those_of_the_command(
    session: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = session["other"]
    assert list(session["scores"]) == ["foreground", "all"]
    assert session["scores"]["all"]["split"] == "val"
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    state = process_state()
    scores = segkit.score(run, overrides=["surface=true", "seed=4"])
    assert not changed(state)
    assert before == {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    given = (f"run={run.folder}", "surface=true", "seed=4")
    assert call_main(monkeypatch, *given, module=evaluate) == 0
    header, *rows = (run.folder / "evaluation.csv").read_text("utf-8").splitlines()
    for row in rows:
        cells = dict(zip(header.split(","), row.split(","), strict=True))
        own = scores[cells["class"]]
        for name, cell in cells.items():
            value = own.get(name)
            missing = value is None or value != value  # noqa: PLR0124
            assert cell == ("" if missing else str(value)), name
    assert scores["all"]["dice"] == pytest.approx(run.summary["test"]["all"]["dice"])


def test_runs_compared(session: dict[str, Any]) -> None:
    run, other = session["run"], session["other"]
    comparison = segkit.compare_runs([run.folder, str(other.folder)], score="iou")
    assert comparison.score == "iou"
    assert [len(each.folders) for each in comparison.configurations] == [1, 1]
    assert len(comparison.pairs) == 1
    whole = segkit.compare_runs(run.folder.parent)  # as a sweep's folder
    assert {path for each in whole.configurations for path in each.folders} == {
        run.folder,
        other.folder,
    }
    for wrong in ([], [run]):
        with pytest.raises(SegkitError):
            segkit.compare_runs(wrong)


def test_data_for_a_loop_of_ones_own(session: dict[str, Any]) -> None:
    data, samples = session["data"], session["samples"]
    assert data.size == (128, 128)
    assert len(samples) == len(data.indices("train"))
    assert {*samples.ids} == {data.records[i].id for i in data.indices("train")}
    (batch,) = DataLoader(samples, batch_size=len(samples))
    assert batch["image"].shape == (len(samples), 3, 128, 128)
    assert batch["image"].dtype == batch["mask"].dtype == torch.uint8
    assert batch["mask"].unique().tolist() == [0, 1]
    assert batch["index"].tolist() == list(range(len(samples)))
    batch["image"].zero_()  # a copy: what is cached stays
    assert samples[0]["image"].any()
    with pytest.raises(IndexError):
        samples[len(samples)]
    assert torch.equal(samples[-1]["image"], samples[len(samples) - 1]["image"])


def test_samples_are_those_of_the_training(session: dict[str, Any]) -> None:
    data, samples = session["data"], session["samples"]
    for epoch in (0, 3):
        samples.set_epoch(epoch)
        place = data.indices("train")[1]
        own = data.dataset("train")[epoch, place]
        assert np.array_equal(samples[1]["image"].permute(1, 2, 0), own["image"])
        assert np.array_equal(samples[1]["mask"], own["mask"])
    plain = data.as_dataset("val")
    stored = data.cache.image(plain.ids[0])
    assert np.array_equal(plain[0]["image"].permute(1, 2, 0), stored)
    plain.set_epoch(7)
    assert np.array_equal(plain[0]["image"].permute(1, 2, 0), stored)


@pytest.mark.parametrize(
    ("name", "keys", "what"),
    [
        ("foldr", {}, "unknown dataset 'foldr'"),
        ("folder", {}, "dataset.root has no value"),
        ("folder", {"root": "nothing"}, "not there"),
        ("folder", {"root": "mydata", "sise": 64}, "unknown key 'dataset.sise'"),
        ("folder", {"root": "mydata", "size": -1}, "dataset.size"),
    ],
)
@pytest.mark.usefixtures("session")
def test_mistakes_in_data(name: str, keys: dict[str, Any], what: str) -> None:
    before = process_state()
    with pytest.raises(SegkitError) as caught:
        segkit.open_data(name, **keys)
    assert what in str(caught.value)
    assert not changed(before)
