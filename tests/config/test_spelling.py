"""Keys spelt as other programs have them: what is said can be typed, and works."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from segkit.config.spelling import check_spelling, of_option
from segkit.core.errors import SegkitError

CONF = Path(__file__).parents[2] / "conf"


def typed(line: str, command: str = "train") -> str:
    """What a user is told to type."""
    with pytest.raises(SegkitError) as caught:
        check_spelling(shlex.split(line), CONF, command)
    found = re.fullmatch("type (.+)", caught.value.remedy)
    assert found, caught.value
    return found[1]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--dataset folder", "dataset=folder"),
        ("--dataset=folder", "dataset=folder"),
        ("-d folder", "dataset=folder"),
        ("dataset folder", "dataset=folder"),
        ("model=unet_mnv2 -d folder", "dataset=folder"),
        ("--dataset /some/where", "dataset=folder dataset.root=/some/where"),
        ("dataset ./cells.zip", "dataset=folder dataset.root=./cells.zip"),
        ("--batch-size 8 --lr=1e-3", "dataset.batch_size=8 optim.lr=1e-3"),
        ("--max_epochs 5", "trainer.max_epochs=5"),
        ("--compile", "compile=true"),
        ("dsb2018", "dataset=dsb2018"),
        ("unet_resnet34", "model=unet_resnet34"),
    ],
)
def test_what_is_said_can_be_typed(given: str, meant: str) -> None:
    assert typed(given) == meant
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        compose("train", shlex.split(meant))


def test_a_folder_alone_is_ones_own_data(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    told = shlex.split(typed(shlex.quote(str(folder))))
    assert told == ["dataset=folder", f"dataset.root={folder}"]
    told = shlex.split(typed(f"--dataset {shlex.quote(str(folder))}"))
    assert told == ["dataset=folder", f"dataset.root={folder}"]


@pytest.mark.parametrize("given", ["--run outputs/x", "--run=outputs/x", "run outputs/x"])
def test_the_run_of_evaluate(given: str) -> None:
    assert typed(given, "evaluate") == "run=outputs/x"


@pytest.mark.parametrize(
    ("command", "key"), [("evaluate", "run"), ("predict", "run"), ("train", "resume")]
)
def test_a_run_folder_alone_is_a_run(tmp_path: Path, command: str, key: str) -> None:
    (tmp_path / "config.yaml").write_text("seed: 0\n", "utf-8")
    assert typed(str(tmp_path), command) == f"{key}={tmp_path}"


@pytest.mark.parametrize(
    ("given", "near"), [("--epochs 5", "trainer.max_epochs="), ("-x", "--help")]
)
def test_what_is_not_clear_has_near_misses(given: str, near: str) -> None:
    with pytest.raises(SegkitError) as caught:
        check_spelling(shlex.split(given), CONF, "train")
    assert near in caught.value.remedy


@pytest.mark.parametrize(
    "given",
    [
        "",
        "dataset=folder dataset.root=x",
        "-m optim.lr=1,2",
        "--multirun optim.lr=1,2",
        "--cfg job",
        "-c job --resolve",
        "--config-dir conf",
        "--help",
        "~callbacks",
        "+trainer.x=-1",
        "optim.lr=-1",
    ],
)
def test_what_hydra_knows_is_left_to_it(given: str) -> None:
    check_spelling(shlex.split(given), CONF, "train")


def test_options_that_are_paths() -> None:
    assert of_option("dataset", "/a b", ["folder"]) == "type dataset=folder 'dataset.root=/a b'"
    assert "model.encoder_weights=w.pth" in of_option("model", "w.pth", ["unet_mnv2"])
    assert of_option("dataset", "folderr", ["folder"]) == "did you mean 'folder'?"
    assert "choose one of" in of_option("dataset", "zzz", ["folder"])
