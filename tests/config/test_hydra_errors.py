"""What Hydra complains of, told as what is wrong, where and what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from submitit.core.utils import UncompletedJobError

from segkit.config.groups import option_names
from segkit.config.hydra_errors import explain
from segkit.core.errors import SegkitError
from segkit.runs.cli import _elsewhere

CONF = Path(__file__).parents[2] / "conf"


def told(*given: str) -> SegkitError:
    """What a user reads who gave these arguments."""
    caught: Exception | None = None
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            config = compose("train", overrides=list(given))
        config.choices = {}
        config.overrides = []
        OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except Exception as error:
        caught = error
    assert caught is not None, "nothing was wrong"
    explained = explain(caught, CONF, "train", given)
    assert explained is not None, f"not explained: {caught!r}"
    return explained


@pytest.mark.parametrize(
    ("given", "what", "where", "remedy"),
    [
        ("model=unet_mnv3", "unknown model 'unet_mnv3'", "model=unet_mnv3", "'unet_mnv2'"),
        ("loss=dicee", "unknown loss 'dicee'", "loss=dicee", "'dice'"),
        ("trainer=gpus", "unknown trainer 'gpus'", "trainer=gpus", "'gpu'"),
        ("dataset=phantoms", "unknown dataset 'phantoms'", "dataset=phantoms", "'phantom'"),
        ("dataset=/a/b", "unknown dataset '/a/b'", "dataset=/a/b", "dataset.root=/a/b"),
        ("dataset=a/b.zip", "unknown dataset 'a/b.zip'", "dataset=a/b.zip", "type dataset=folder "),
        ("model=w.pth", "unknown model 'w.pth'", "model=w.pth", "model.encoder_weights=w.pth"),
        ("modle=unet_mnv2", "unknown key 'modle'", "modle=…", "'model'"),
        ("modle.encoder=resnet18", "unknown key 'modle.encoder'", "modle.encoder=…", "'model.enc"),
        ("epochs=3", "unknown key 'epochs'", "epochs=…", "did you mean 'trainer.max_epochs'"),
        (
            "trainer.epochs=3",
            "unknown key",
            "trainer.epochs=…",
            "did you mean 'trainer.max_epochs'",
        ),
        ("lr=1", "unknown key 'lr'", "lr=…", "'optim.lr'"),
        ("optim.lrr=1", "unknown key 'optim.lrr'", "optim.lrr=…", "did you mean 'optim.lr'?"),
        ("dataset.batchsize=3", "unknown key", "dataset.batchsize=…", "'dataset.batch_size'"),
        ("dataset.split.vall=0.1", "unknown key", "dataset.split.vall=…", "'dataset.split.val'"),
        (
            "callbacks.early_stoping.patience=3",
            "unknown key",
            "callbacks.early_stoping.patience=…",
            "'callbacks.early_stopping.patience'",
        ),
        ("optim.zzzzzz=1", "unknown key 'optim.zzzzzz'", "optim.zzzzzz=…", "optim has"),
        ("qqqqqq=1", "unknown key 'qqqqqq'", "qqqqqq=…", "--help"),
        ("optim.lr.x=1", "unknown key 'optim.lr.x'", "optim.lr.x=…", "--help"),
        ("~callbacks.colapse", "unknown key 'callbacks.colapse'", "callbacks.colapse=…", "'callb"),
        ("~modle", "unknown key 'modle'", "modle=…", "'model'"),
        ("+optim.lr=3", "optim.lr is there already", "+optim.lr=…", "without the plus"),
        ("optim.lr", "an argument cannot be read", "optim.lr", "key=value"),
        ("optim.lr=[1", "an argument cannot be read", "optim.lr=[1", "quote"),
        ("optim=null", "the name of an option", "optim=null", "adam, adamw, sgd"),
        ("model=3", "the name of an option", "model=3", "unet_mnv2"),
        ("=3", "the name of an option", "=3", "key=value"),
        ("dataset=folder", "dataset.root has no value yet", "dataset.root=???", "dataset.root="),
        ("optim.lr=1,2", "several values for one run", "optim.lr=1,2", "-m"),
        ("model=unet_mnv2,fpn_resnet18", "several values", "model=unet_mnv2,fpn_resnet18", "-m"),
    ],
)
def test_mistakes_on_the_command_line(given: str, what: str, where: str, remedy: str) -> None:
    error = told(given)
    assert what in error.what
    assert error.where == where
    assert remedy in error.remedy
    assert len(str(error)) < 800, "too long to be read"


def test_a_list_is_advised_of_keys_alone() -> None:
    """Of a group it would leave a mixture of its options."""
    assert "or make it a list: 'optim.lr=[1,2]'" in told("optim.lr=1,2").remedy
    assert "list" not in told("model=unet_mnv2,fpn_resnet18").remedy


def test_a_key_of_another_option_is_told_as_such() -> None:
    error = told("dataset=folder", "dataset.root=x", "dataset.count=24")
    assert error.what == "dataset.count is a key of dataset=phantom"
    assert error.remedy == "leave it out, or dataset=phantom"


def test_near_misses_are_of_the_options_that_were_chosen() -> None:
    """`mask_valeus` is a key of dataset=folder, not of the default data set."""
    error = told("dataset=folder", "dataset.root=x", "dataset.mask_valeus={}")
    assert "did you mean 'dataset.mask_values'" in error.remedy
    error = told("optim=sgd", "optim.momentun=0.5")
    assert "did you mean 'optim.momentum'" in error.remedy


def test_options_leave_out_what_only_others_build_on() -> None:
    assert "unet_mnv2" in option_names(CONF, "model")
    assert not any(name.startswith("_") for name in option_names(CONF, "model"))
    assert option_names(CONF, "no_such_group") == []


@pytest.mark.parametrize(
    ("said", "what", "remedy"),
    [
        (
            "sbatch: error: Invalid generic resource (gres) specification\nsbatch: more",
            "Slurm did not take the jobs: Invalid generic resource (gres) specification",
            "hydra.launcher.partition=",
        ),
        (
            "Job not requeued because: timed-out too many times.",
            "Slurm ended this job: TIMEOUT",
            "resume=true",
        ),
    ],
)
def test_what_submitit_says_of_slurm(said: str, what: str, remedy: str) -> None:
    error = explain(UncompletedJobError(said), CONF, "train")
    assert error is not None
    assert error.what.startswith(what)
    assert remedy in error.remedy


@pytest.mark.parametrize(
    "error", [ValueError("x"), OSError("x"), KeyError("x"), TypeError("x"), RuntimeError("x")]
)
def test_what_is_a_bug_keeps_its_traceback(error: Exception) -> None:
    assert explain(error, CONF, "train") is None


@pytest.mark.parametrize("command", ["train", "check", "sweep", "evaluate", "export", "compare"])
def test_a_command_that_cannot_write_names_a_key_that_it_has(command: str) -> None:
    key = re.findall(r"([a-z.]+)=[A-Z]", _elsewhere(command))
    assert key
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        composed = compose(command, return_hydra_config=True)
    config: Any = OmegaConf.to_container(composed, resolve=False)
    for name in key[0].split("."):
        config = config[name]
    assert config != ".", "this is where it is run, and nothing is written there"
