"""Values and combinations that are refused before anything slow is imported."""

import copy
import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from segkit.config.checks import check_model
from segkit.config.sizes import image_size
from segkit.core.errors import SegkitError
from segkit.runs.checks import check_training

ROOT = Path(__file__).parents[2]


@functools.cache
def composed() -> dict[str, Any]:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        config = compose("train")
    config.choices = {}
    config.overrides = []
    return dict(OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]


def changed(**changes: Any) -> dict[str, Any]:
    """The default configuration with keys, dotted by two underscores, set to other values."""
    config = copy.deepcopy(composed())
    for name, value in changes.items():
        *parents, leaf = name.split("__")
        node = config
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    return config


def test_the_default_is_accepted() -> None:
    check_training(composed())


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset__size": [256, 320]},
        {"dataset__size": None, "dataset__crop": 64},
        {"dataset__size": None, "dataset__batch_size": 1},
        {"dataset__crop": [64, 128]},
        {"dataset__num_workers": 0},
        {"dataset__num_workers": 7},
        {"monitor": "val/loss", "mode": "min"},
        {"trainer__precision": 32},
        {"trainer__precision": "16-mixed"},
        {"trainer__max_epochs": None},
        {"trainer__max_epochs": -1},
        {"model__encoder": "tu-anything"},
        {"model": {"_target_": "my_package.Net"}},
        {"freeze_encoder": -1},
        {"callbacks": {}, "schedule__patience": 100},
        {"schedule": {"_target_": "segkit.training.schedules.constant"}},
        {"dataset__split__folds": 5},
        {"optim__lr": 1},
        {"dataset__channels": 1, "model__in_channels": 1},
    ],
    ids=str,
)
def test_what_can_work_is_accepted(changes: dict[str, Any]) -> None:
    check_training(changed(**changes))


@pytest.mark.parametrize(
    ("changes", "where", "remedy"),
    [
        ({"mode": "maximum"}, "mode=maximum", "did you mean 'max'"),
        ({"mode": None}, "mode=null", "max, min"),
        ({"mode": "min"}, "mode=min", "mode=max"),
        ({"monitor": "val/loss"}, "mode=max", "mode=min"),
        ({"monitor": "val/dise"}, "monitor=val/dise", "'val/dice'"),
        ({"monitor": "train/loss", "mode": "min"}, "monitor=train/loss", "'val/loss'"),
        ({"threshold": 1.5}, "threshold=1.5", "from 0 to 1"),
        ({"threshold": True}, "threshold=true", "from 0 to 1"),
        ({"two_logits": "yes"}, "two_logits=yes", "true"),
        ({"task": "semantics"}, "task=semantics", "did you mean 'semantic'"),
        ({"seed": -1}, "seed=-1", "from 0 to 4294967295"),
        ({"seed": 0.5}, "seed=0.5", "whole number"),
        ({"optim__lr": None}, "optim.lr=null", "number"),
        ({"optim__lr": "1e-3x"}, "optim.lr=1e-3x", "number"),
        ({"optim__lr": -1}, "optim.lr=-1", "0 or more"),
        ({"trainer__max_epochs": "ten"}, "trainer.max_epochs=ten", "whole number"),
        ({"trainer__precision": "bf16-mixd"}, "trainer.precision=bf16-mixd", "'bf16-mixed'"),
        ({"trainer__accelerator": "gpus"}, "trainer.accelerator=gpus", "'gpu'"),
        ({"dataset__batch_size": 0}, "dataset.batch_size=0", "1 or more"),
        ({"dataset__batch_size": 2.5}, "dataset.batch_size=2.5", "whole number"),
        ({"dataset__channels": 0}, "dataset.channels=0", "[0,2]"),
        ({"dataset__channels": [1, 1]}, "dataset.channels=[1,1]", "auto"),
        ({"dataset__channels": 1}, "model.in_channels=3", "dataset.channels"),
        ({"dataset__score_by": "images"}, "dataset.score_by=images", "'image'"),
        ({"dataset__score_at": "netwerk"}, "dataset.score_at=netwerk", "'network'"),
        ({"dataset__on_bad_record": "skp"}, "dataset.on_bad_record=skp", "'skip'"),
        ({"dataset__num_workers": -1}, "dataset.num_workers=-1", "auto"),
        ({"dataset__num_workers": "many"}, "dataset.num_workers=many", "auto"),
        ({"dataset__size": "big"}, "dataset.size=big", "dataset.size=256"),
        ({"dataset__size": [1, 2, 3]}, "dataset.size=[1,2,3]", "two"),
        ({"dataset__size": 4}, "dataset.size=4", "at least 8"),
        ({"dataset__size": 64, "dataset__crop": 128}, "dataset.crop, dataset.size", "smaller"),
        ({"dataset__size": None}, "dataset.size=null", "dataset.crop"),
        ({"dataset__name": "../../x"}, "dataset.name=../../x", "plain name"),
        ({"dataset__name": ".."}, "dataset.name=..", "plain name"),
        ({"dataset__split": 3}, "dataset.split=3", "dataset.split.KEY=VALUE"),
        ({"dataset__split__stratify": "no"}, "dataset.split.stratify=no", "true or false"),
        ({"dataset__split__folds": 2}, "dataset.split.folds=2", "3 or more, null, or each"),
        ({"dataset__split__val": "some"}, "dataset.split.val=some", "from 0 to 1"),
        ({"compile": 1}, "compile=1", "true or false"),
        ({"model__encoder": "resnet35"}, "model.encoder=resnet35", "'resnet34'"),
        ({"model": None}, "model=null", "model.KEY"),
        ({"freeze_encoder": "yes"}, "freeze_encoder=yes", "whole number"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], where: str, remedy: str) -> None:
    with pytest.raises(SegkitError) as error:
        check_training(changed(**changes))
    assert error.value.where == where
    assert remedy in error.value.remedy
    assert error.value.what


@pytest.mark.parametrize("patience", [12, 13])
def test_plateau_must_be_less_patient_than_early_stopping(patience: int) -> None:
    with pytest.raises(SegkitError, match="training stops after 12 flat epochs") as error:
        check_training(changed(schedule__patience=patience))
    assert "schedule.patience below 12" in error.value.remedy
    check_training(changed(schedule__patience=11))


def test_sizes() -> None:
    assert image_size(None, "k") is None
    assert image_size(64, "k") == (64, 64)
    assert image_size([64, 96], "k") == (64, 96)
    assert image_size((64, 96), "k") == (64, 96)
    wrongs: tuple[object, ...] = (True, 64.0, "64", [64], [64, True], {}, [64, 1 << 16])
    for wrong in wrongs:
        with pytest.raises(SegkitError, match="is not a size"):
            image_size(wrong, "k")


def test_neither_torch_nor_the_libraries_on_it_are_imported() -> None:
    code = (
        "import sys; import segkit.train, segkit.config.checks, segkit.config.hydra_errors; "
        "print([m for m in ('torch', 'lightning', 'segmentation_models_pytorch', 'timm', "
        "'albumentations', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_a_network_of_other_channels_than_auto_becomes() -> None:
    check_model({"in_channels": 3}, "auto")
    check_model({"in_channels": "auto"}, 5)
    check_model({"in_channels": 2}, [0, 3])
    for channels in (5, [0, 3], 1):
        with pytest.raises(SegkitError, match="the network takes 3 channels"):
            check_model({"in_channels": 3}, channels)
