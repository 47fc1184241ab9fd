"""Wherever a stranger's folder points, only the folder itself is written to."""

from pathlib import Path
from typing import Any

import pytest

from segkit.data.readers.phantom import write_phantoms

CHECKPOINT = "lightning.pytorch.callbacks.ModelCheckpoint"
CSV = "lightning.pytorch.loggers.CSVLogger"
MLFLOW = "lightning.pytorch.loggers.MLFlowLogger"


@pytest.fixture
def elsewhere(stranger: Any) -> Path:
    """A folder of the user's, with files that a training would write over or add to."""
    folder: Path = stranger.home.parent / "elsewhere"
    for name in ("metrics.csv", "train.log", "worst.png", "sub/epoch_000.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("precious", "utf-8")
    return folder


def contents(*folders: Path) -> dict[str, bytes]:
    """Every file; the empty ``outputs`` that Hydra made counts for nothing."""
    found = [path for folder in folders for path in folder.rglob("*") if path.name != "outputs"]
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in found}


def point(stranger: Any, elsewhere: Path) -> None:
    for key, value in {
        "run_dir": elsewhere,
        "callbacks.checkpoint.dirpath": elsewhere,
        "callbacks.last.dirpath": elsewhere / "new",
        "logger.tensorboard.save_dir": elsewhere,
        "trainer.default_root_dir": elsewhere,
    }.items():
        stranger.change(key, str(value))
    other = {"_target_": CHECKPOINT, "dirpath": str(elsewhere), "monitor": "val/loss"}
    stranger.change("callbacks.other", other)
    stranger.change("logger.other", {"_target_": CSV, "save_dir": str(elsewhere), "name": "csv"})


@pytest.mark.parametrize("name", ["evaluate", "export", "train"])
def test_places_elsewhere_are_not_used(stranger: Any, elsewhere: Path, name: str) -> None:
    point(stranger, elsewhere)
    before = contents(elsewhere, stranger.home)
    code, said = stranger.use(name)
    assert code == 0, said
    assert contents(elsewhere, stranger.home) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("callbacks.checkpoint.filename", "../../elsewhere/x"),
        ("callbacks.checkpoint.filename", "{elsewhere}/x"),
        ("callbacks.other", {"_target_": CHECKPOINT, "_args_": ["{elsewhere}"]}),
        ("callbacks.other", {"_target_": CHECKPOINT, "_args_": ["checkpoints"]}),
        ("logger.other", {"_target_": CSV, "save_dir": "x", "name": "../../elsewhere"}),
        ("logger.other", {"_target_": CSV, "save_dir": "x", "name": "{elsewhere}"}),
        ("logger.other", {"_target_": CSV, "save_dir": "x", "version": "~/elsewhere"}),
        ("logger.other", {"_target_": CSV, "save_dir": "x", "root_dir": "relative"}),
        ("logger.other", {"_target_": MLFLOW, "tracking_uri": "https://example.org"}),
        ("logger.other", {"_target_": MLFLOW, "tracking_uri": "file:{elsewhere}"}),
        ("logger.other", {"_target_": MLFLOW, "tracking_uri": "relative"}),
        ("trainer.profiler.filename", "../../elsewhere/x"),
        ("trainer.profiler.filename", ["{elsewhere}"]),
    ],
)
def test_names_that_lead_elsewhere(stranger: Any, elsewhere: Path, key: str, value: Any) -> None:
    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: fill(item) for name, item in node.items()}
        return [fill(x) for x in node] if isinstance(node, list) else node.format(**places)

    places = {"elsewhere": elsewhere}
    stranger.change("trainer.profiler", {"_target_": "lightning.pytorch.profilers.SimpleProfiler"})
    stranger.change(key, fill(value))
    before = contents(elsewhere, stranger.home)
    assert "leads out of the run folder" in stranger.refuses("train")
    assert contents(elsewhere, stranger.home) == before


def test_the_user_may_vouch_for_a_logger(stranger: Any, elsewhere: Path) -> None:
    stranger.change("logger.other", {"_target_": CSV, "save_dir": "x", "name": str(elsewhere)})
    code, said = stranger.use("train", f"allow_targets=[{CSV}]")
    assert code == 0, said
    assert list(elsewhere.rglob("*/metrics.csv")), "it was taken away"


@pytest.mark.parametrize("name", ["../../elsewhere/x", "/elsewhere", "a\\b", 3, ["a"]])
def test_a_data_set_that_is_called_like_a_path(stranger: Any, name: Any) -> None:
    """Its name is the beginning of the name of its cache."""
    stranger.change("dataset.name", name)
    for command in ("evaluate", "train"):
        assert "dataset.name" in stranger.refuses(command)


@pytest.mark.parametrize("link", ["train.log", "metrics.csv", "panels", "checkpoints/deep", "sub"])
def test_links_that_lead_out_are_not_gone_on_with(
    stranger: Any, elsewhere: Path, link: str
) -> None:
    path: Path = stranger.folder / link
    if path.is_dir():
        path.rename(stranger.home.parent / "aside")
    path.unlink(missing_ok=True)
    path.symlink_to(elsewhere if "." not in link else elsewhere / link)
    before = contents(elsewhere)
    assert str(path) in stranger.refuses("train")
    assert contents(elsewhere) == before


def test_links_within_the_folder_are_followed(stranger: Any) -> None:
    (stranger.folder / "train.log").rename(stranger.folder / "log")
    (stranger.folder / "train.log").symlink_to(stranger.folder / "log")
    code, said = stranger.use("train")
    assert code == 0, said


@pytest.mark.parametrize("link", ["evaluation.csv", "report.html", "model.onnx", "model.json"])
def test_a_link_is_replaced_not_followed(stranger: Any, elsewhere: Path, link: str) -> None:
    (stranger.folder / link).unlink(missing_ok=True)
    (stranger.folder / link).symlink_to(elsewhere / "metrics.csv")
    before = contents(elsewhere)
    code, said = stranger.use("export" if "model" in link else "evaluate")
    assert code == 0, said
    assert contents(elsewhere) == before
    assert not (stranger.folder / link).is_symlink()


@pytest.mark.parametrize("link", ["evaluation", "evaluation/worst.png", "evaluation/scores.png"])
def test_links_that_lead_out_are_not_evaluated_into(
    stranger: Any, elsewhere: Path, link: str
) -> None:
    path: Path = stranger.folder / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(elsewhere / "worst.png" if "." in link else elsewhere)
    before = contents(elsewhere)
    assert str(path) in stranger.refuses("evaluate")
    assert contents(elsewhere) == before


def test_the_data_of_other_folders_are_only_read(stranger: Any, tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_phantoms(root, count=4, image_size=32, seed=1)
    before = contents(root, stranger.home)
    cache = f"dataset.cache_dir={tmp_path / 'cache'}"
    given = ["dataset=dsb2018", f"dataset.root={root}", cache, "split=all"]
    code, said = stranger.use("evaluate", *given)
    assert code == 0, said
    assert contents(root, stranger.home) == before
