"""What a user names as a source is only read: no command writes, changes or removes a thing there.

The times of folders are watched too: they tell of a file that came and went.
"""

import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.commands.in_process import call_main
from tests.commands.sources import Sources, changed, tree

Call = Callable[..., int]
SMALL = (
    *("dataset.size=32", "dataset.batch_size=2", "dataset.num_workers=0", "dataset.panel_count=1"),
    *("trainer=cpu", "trainer.precision=32-true", "trainer.max_epochs=1"),
    "trainer.enable_progress_bar=false",
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    return Sources(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def trained(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on all of them; they are as they were. Do not write to it."""
    work = tmp_path_factory.mktemp("work")
    before = tree(sources.home)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        given = [*sources.of(sources.data, work), *SMALL]
        weights = f"model.encoder_weights={sources.weights}"
        assert call_main(patch, *given, weights, module=import_module("segkit.train")) == 0
    assert tree(sources.home) == before
    (folder,) = (work / "outputs").glob("*/*/*")
    return folder


@pytest.fixture
def call(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., int]]:
    """A command in an empty folder; all sources are as they were."""
    before = tree(sources.home)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def run(name: str, *given: str) -> int:
        return call_main(monkeypatch, *given, module=import_module(f"segkit.{name}"))

    yield run
    assert tree(sources.home) == before


def test_a_run_is_called_after_its_data(trained: Path) -> None:
    assert trained.parts[-4:-1] == ("outputs", "kidney", "unet_mnv2")
    page = (trained / "report.html").read_text("utf-8")
    assert "<h1>kidney · unet_mnv2" in page


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train", "sweep"])
def test_training_on_an_archive(call: Call, sources: Sources, tmp_path: Path, name: str) -> None:
    pytest.importorskip("optuna")
    weights = f"model.encoder_weights={sources.weights}"
    more = ["n_trials=1", "study=tiny"] if name == "sweep" else []
    assert call(name, *sources.of(sources.zip, tmp_path), *SMALL, weights, *more) == 0


@pytest.mark.parametrize("kind", ["data", "zip"])
def test_a_check(call: Call, sources: Sources, tmp_path: Path, kind: str) -> None:
    given = sources.of(getattr(sources, kind), tmp_path)
    assert call("check", *given, "augment_preview=true") == 0
    assert list(Path("outputs/check").glob("kidney/*/report.html"))


@pytest.mark.slow
def test_a_benchmark(call: Call, sources: Sources, tmp_path: Path) -> None:
    given = [*sources.of(sources.data, tmp_path), *SMALL, "parts=[input]", "rounds=1"]
    assert call("benchmark", *given) == 0


def test_a_prediction(call: Call, sources: Sources, trained: Path, tmp_path: Path) -> None:
    before = tree(trained)
    more = ["overlay=true", "probability=true", "rle=true", "device=cpu"]
    output = f"output={tmp_path / 'masks'}"
    assert call("predict", f"run={trained}", f"input={sources.images}", output, *more) == 0
    assert tree(trained) == before


def test_a_comparison(call: Call, trained: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    for name in ("a", "b"):
        shutil.copytree(trained, copies / name)
    before = tree(copies)
    runs = f"runs=[{copies / 'a'},{copies / 'b'}]"
    assert call("compare", runs, "pictures=1") == 0
    assert tree(copies) == before


@pytest.mark.slow
def test_an_evaluation_writes_into_the_run_folder(
    call: Call, sources: Sources, trained: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    before = tree(run)
    own = {"evaluation", "evaluation.csv", "evaluation_per_image.csv", "report.html"}
    assert call("evaluate", f"run={run}", *SMALL[4:6]) == 0
    assert changed(before, tree(run)) <= own
    other = ["dataset=folder", f"dataset.root={sources.zip}", f"dataset.cache_dir={tmp_path / 'c'}"]
    assert call("evaluate", f"run={run}", *other, "split=all", *SMALL[4:6]) == 0
    assert changed(before, tree(run)) <= own
    assert list(run.glob("evaluation/kidney-*/evaluation.csv"))


@pytest.mark.slow
def test_an_export_writes_into_the_run_folder(call: Call, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    before = tree(run)
    assert call("export", f"run={run}", "count=1") == 0
    assert changed(before, tree(run)) == {"model.onnx", "model.json"}


def test_an_export_keeps_out_of_the_data_and_of_other_runs(
    call: Call,
    sources: Sources,
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = Path(shutil.copytree(trained, tmp_path / "other"))
    before = tree(trained, other)
    assert call("export", f"run={trained}", f"output={sources.data}/new") == 2
    assert "among the data that are read" in capsys.readouterr().err
    assert call("export", f"run={trained}", f"output={other}") == 2
    assert "the folder of another run" in capsys.readouterr().err
    assert tree(trained, other) == before


INSIDE: dict[str, list[Any]] = {
    "train into the data": ["train", "hydra.run.dir={data}"],
    "train below the data": ["train", "hydra.run.dir={data}/new/run"],
    "jobs below the data": ["train", "-m", "seed=1,2", "hydra.sweep.dir={data}/new"],
    "jobs below one of two": ["train", "-m", "dataset.root={data},x", "hydra.sweep.dir={data}/new"],
    "train beside the split": ["train", "hydra.run.dir={home}/splits"],
    "train beside the weights": ["train", "hydra.run.dir={home}/weights"],
    "train among images to come": [
        *("train", "callbacks.inference.input=[{home}/unseen]", "hydra.run.dir={home}/unseen/run"),
    ],
    "check into the data": ["check", "hydra.run.dir={data}/new"],
    "check beside the table": ["check", "hydra.run.dir={home}/tables"],
    "sweep into the data": ["sweep", "hydra.run.dir={data}/new"],
    "benchmark in the data": ["benchmark", "hydra.run.dir={data}/new"],
    "the cache": ["train", "dataset.cache_dir={data}/cache"],
    "the cache of jobs": ["train", "-m", "seed=1,2", "dataset.cache_dir={data}/cache"],
    "the cache beside the table": ["check", "dataset.cache_dir={home}/tables"],
    "a study's storage": ["sweep", "storage=sqlite:///{data}/study.db"],
}


@pytest.mark.parametrize("given", INSIDE.values(), ids=INSIDE.keys())
def test_what_is_written_may_not_lie_among_the_data(
    call: Call, sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: Any
) -> None:
    name, *rest = (each.format(data=sources.data, home=sources.home) for each in given)
    more = [] if name == "check" else [f"model.encoder_weights={sources.weights}"]
    assert call(name, *sources.of(sources.data, tmp_path), *more, *rest) == 2
    said = capsys.readouterr().err
    assert "among the data that are read" in said
    assert "Warning" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["train", "check", "sweep", "benchmark"])
def test_a_command_that_is_started_among_its_data(
    call: Call,
    sources: Sources,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(sources.data)
    assert call(name, "dataset=folder", "dataset.root=.") == 2
    told = capsys.readouterr().err
    assert "start it from another folder" in told
    assert "hydra.run.dir=PATH" in told


@pytest.mark.parametrize("output", ["{images}", "{images}/masks", "{run}", "{run}/masks"])
def test_a_prediction_may_not_lie_among_its_inputs(
    call: Call,
    sources: Sources,
    trained: Path,
    capsys: pytest.CaptureFixture[str],
    output: str,
) -> None:
    before = tree(trained)
    place = output.format(images=sources.images, run=trained)
    given = [f"run={trained}", f"input={sources.images}", f"output={place}", "overwrite=true"]
    assert call("predict", *given) == 2
    assert "output=" in capsys.readouterr().err
    assert tree(trained) == before


@pytest.mark.parametrize("name", ["train", "check", "benchmark"])
def test_synthetic_images_are_not_drawn_among_a_user_s_own(
    call: Call, sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    given = ["dataset=phantom", f"dataset.root={sources.data}", f"dataset.cache_dir={tmp_path}"]
    assert call(name, *given) == 2
    assert f"dataset=folder dataset.root={sources.data}" in capsys.readouterr().err
