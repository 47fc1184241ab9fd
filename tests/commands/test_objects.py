"""``task=instance`` as a user runs it: train, resume, evaluate, and what is refused."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from segkit import train
from segkit.core.run_folder import RunFolder
from tests.commands.evaluating import evaluate_in, table
from tests.commands.in_process import call_main
from tests.commands.objects import arguments, summary

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated"),
    pytest.mark.slow,
]
CODES = Callable[..., int]


@pytest.fixture(scope="module")
def found(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt enough to find objects."""
    folder = tmp_path_factory.mktemp("objects") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parent)
        more = ["model=unet_mnv2", "optim.lr=0.003", "trainer.max_epochs=60", "augment=none"]
        more += ["dataset.intensity=stored"]  # which so few steps learn sooner
        more += ["schedule=constant", "trainer.check_val_every_n_epoch=20", "seed_threshold=0.3"]
        given = arguments(run, "monitor=val/loss", "mode=min", f"hydra.run.dir={folder}", *more)
        given = [each for each in given if each not in ("model=unet_lowered", "model.dropout=0")]
        assert call_main(patch, *given, module=train) == 0
    return folder


@pytest.fixture
def objects(found: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to."""
    return Path(shutil.copytree(found, tmp_path / "run"))


def test_a_run_keeps_the_decoder_that_it_was_tested_with(found: Path) -> None:
    facts = summary(found)
    assert set(facts["decoder"]) == {"threshold", "seed_threshold", "min_area", "halo"}
    assert facts["decoder"]["seed_threshold"] == 0.3, "it was given"
    assert facts["test"]["all"]["n_found"] > 0, "nothing is found, so nothing is tested"
    assert facts["test"]["all"]["n_true"] > 10
    assert (found / "panels" / "epoch_059.png").is_file()
    assert "fitting the decoder to the validation split" in (found / "train.log").read_text("utf-8")
    assert RunFolder(found).read_summary()["decoder"] == facts["decoder"]
    assert torch.load(found / "checkpoints" / "best.ckpt", weights_only=True)


def test_evaluate_finds_what_the_test_of_training_found(
    objects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluate_in(objects.parent, monkeypatch, f"run={objects}") == 0
    (row, _) = table(objects)
    facts = summary(objects)
    for name in ("ap50", "ap", "ap50_image", "pq", "aji", "dice", "n_true", "n_found"):
        assert float(row[name]) == pytest.approx(facts["test"]["all"][name], abs=1e-9), name
    for key, value in facts["decoder"].items():
        assert float(row[key]) == value
    rows = table(objects, "objects")
    assert sum(each["kind"] == "true" for each in rows) == int(row["n_true"])
    assert sum(each["kind"] == "found" for each in rows) == int(row["n_found"])
    images = table(objects, "evaluation_per_image")
    assert {each["id"] for each in rows} <= {each["id"] for each in images}
    assert sum(int(each["found"]) for each in images) == int(row["n_found"])


def test_scores_of_what_the_decoder_was_fitted_to_flatter(
    objects: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = list(summary(objects)["decoder"])
    every = [f"{key}={value}" for key, value in summary(objects)["decoder"].items()]
    for given, named in (
        (["split=val"], fitted),
        (["split=all", "min_area=7"], [key for key in fitted if key != "min_area"]),
        (["split=test"], None),
        (["split=val", *every], None),
    ):
        assert evaluate_in(objects.parent, monkeypatch, f"run={objects}", *given) == 0
        said = capsys.readouterr().out
        told = f"the {' and '.join(named or ['-'])} were picked on records scored here"
        assert (told in said, "flatters" in said) == (bool(named), bool(named)), given


def test_settings_of_an_evaluation(
    objects: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["min_area=0", "seed_threshold=0.2", "threshold=0.35", "split=all"]
    assert evaluate_in(objects.parent, monkeypatch, f"run={objects}", *given) == 0
    (row, _) = table(objects)
    assert [float(row[key]) for key in ("threshold", "seed_threshold", "min_area")] == [
        0.35,
        0.2,
        0,
    ]
    many = int(row["n_found"])
    capsys.readouterr()
    assert evaluate_in(objects.parent, monkeypatch, f"run={objects}", "threshold=auto") == 0
    assert "fitted to" in capsys.readouterr().out
    (row, _) = table(objects)
    assert {key: float(row[key]) for key in summary(objects)["decoder"]} == summary(objects)[
        "decoder"
    ], "fitted to the same split it is the same"
    assert int(row["n_found"]) < many
    given = [f"run={objects}", "threshold=auto", "min_area=3"]
    assert evaluate_in(objects.parent, monkeypatch, *given) == 0
    out = capsys.readouterr().out
    (fitted,) = (line for line in out.splitlines() if line.startswith("fitted to"))
    assert "seed_threshold" not in fitted, "it was given in training"
    assert "min_area" not in fitted
    (row, _) = table(objects)
    assert (float(row["min_area"]), float(row["seed_threshold"])) == (3, 0.3)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("seed_threshold=2", "seed_threshold=2"),
        ("min_area=-1", "min_area=-1"),
        ("min_area=high", "min_area=high"),
        ("halo=1000000000", "halo=1000000000"),
        ("threshold=high", "threshold=high"),
        ("surface=true", "surface=true"),
    ],
)
def test_mistakes_of_an_evaluation_are_answered(
    objects: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
    key: str,
) -> None:
    assert evaluate_in(objects.parent, monkeypatch, f"run={objects}", given) == 2
    err = capsys.readouterr().err
    assert f"where: {key}" in err
    assert "fix:" in err
    assert not (objects / "evaluation.csv").exists()


@pytest.mark.parametrize("given", ["seed_threshold=0.3", "min_area=5"])
def test_a_semantic_run_has_no_setting_of_objects(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    assert evaluate_in(folder.parent, monkeypatch, f"run={folder}", given) == 2
    err = capsys.readouterr().err
    assert given.split("=", maxsplit=1)[0] in err
    assert "no such setting" in err


def test_a_run_is_gone_on_with_exactly(run: Any, here: CODES, tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    given = arguments(run, "optim.lr=0.01", "seed_threshold=0.3", "augment=strong")
    assert here(*given, f"hydra.run.dir={whole}", "trainer.max_epochs=4") == 0
    assert here(*given, f"hydra.run.dir={halves}", "trainer.max_epochs=2") == 0
    assert here(f"resume={halves}", "trainer.max_epochs=4") == 0
    rows = [
        [{k: v for k, v in row.items() if "second" not in k} for row in run.rows(folder)]
        for folder in (whole, halves)
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 4
    states = [
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (whole, halves)
    ]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    one, other = summary(whole), summary(halves)
    assert all(one[key] == other[key] for key in ("test", "decoder", "best_epoch", "split_hash"))


def test_two_processes_give_the_tables_of_one(run: Any, objects: Path) -> None:
    texts = []
    for trainer in ("cpu", "ddp_cpu"):
        given = [f"run={objects}", f"trainer={trainer}", "split=all", "threshold=auto"]
        done = subprocess.run(
            [sys.executable, "-m", "segkit.evaluate", *given, "trainer.precision=32-true"],
            capture_output=True,
            text=True,
            check=False,
            cwd=objects.parent,
            env=run.environment(),
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("fitted to") == 1
        names = ("evaluation.csv", "evaluation_per_image.csv", "objects.csv")
        texts.append([(objects / name).read_text("utf-8") for name in names])
    assert texts[0] == texts[1]
    assert texts[0][2].count("\n") > 50
