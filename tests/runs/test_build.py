"""From configuration to objects, and what is never built."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from segkit.core.errors import SegkitError
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.models.network import SegmentationNetwork
from segkit.runs.build import (
    build_data,
    build_module,
    build_reader,
    build_trainer,
)
from segkit.tasks.named import build_task
from segkit.training.module import SegmentationModule

CONF = Path(__file__).parents[2] / "conf"
CLASSES = ("background", "nucleus")


def built(config: dict[str, Any], classes: tuple[str, ...] = CLASSES) -> SegmentationModule:
    return build_module(config, build_task(config, classes))


@pytest.fixture
def configured(phantom_root: Path, tmp_path: Path) -> Any:
    def make(*overrides: str) -> dict[str, Any]:
        given = [
            "dataset=dsb2018",
            f"dataset.root={phantom_root}",
            f"dataset.cache_dir={tmp_path / 'cache'}",
            "dataset.size=32",
            "trainer=cpu",
            f"run_dir={tmp_path / 'run'}",
            *overrides,
        ]
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            config = compose("train", overrides=given)
        config.choices = {}
        config.overrides = []
        return dict(OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]

    return make


def test_the_reader_opens_no_file(configured: Any) -> None:
    reader = build_reader(configured("dataset.root=/nowhere/at/all"))
    assert isinstance(reader, Dsb2018)
    with pytest.raises(SegkitError):
        reader.listing()


def test_the_data_are_as_configured(configured: Any) -> None:
    config = configured(
        "dataset.size=[32,48]",
        "dataset.batch_size=5",
        "dataset.split.val=0.25",
        "dataset.split.seed=3",
        "seed=7",
    )
    data = build_data(config, build_reader(config))
    data.prepare_data()
    assert (data.size, data.crop, data.batch_size, data.seed) == ((32, 48), None, 5, 7)
    assert data.split.seed == 3
    assert len(data.indices("val")) == 3
    assert data.dataset_name == "dsb2018"


@pytest.mark.parametrize(
    ("classes", "channels"), [(CLASSES, 1), (("background", "a", "b"), 3)], ids=str
)
def test_one_logit_for_two_classes_else_one_for_each(
    configured: Any, classes: tuple[str, ...], channels: int
) -> None:
    config = configured(f"dataset.channels={channels}", "loss=dice")
    module = built(config, classes)
    assert isinstance(module.network, SegmentationNetwork)
    logits = module.network(torch.zeros(2, channels, 32, 32))
    assert logits.shape[1] == (1 if len(classes) == 2 else 3)
    assert module.task.classes == classes


def test_the_seed_draws_the_weights(configured: Any) -> None:
    def weights(seed: int) -> torch.Tensor:
        module = built(configured(f"seed={seed}"))
        return torch.cat([p.detach().flatten() for p in module.network.parameters()])

    first = weights(1)
    torch.rand(3)
    assert torch.equal(first, weights(1))
    assert not torch.equal(first, weights(2))


def test_a_network_of_ones_own(configured: Any) -> None:
    """Any module by `_target_`, once its prefix is allowed."""
    config = configured()
    config["model"] = {"_target_": "torch.nn.Conv2d", "in_channels": 3, "kernel_size": 1}
    module = built(config)
    assert module.network.encoder is None
    assert module.network(torch.zeros(1, 3, 33, 20)).shape == (1, 1, 33, 20)


def test_a_hostile_configuration_is_not_run(
    configured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = configured()
    config["model"] = {"_target_": "os.mkdir", "path": "made"}
    with pytest.raises(SegkitError, match="not allowed"):
        built(config)
    assert not (tmp_path / "made").exists()
    config["allow_targets"] = ["os.", f"{os.mkdir.__module__}."]
    with pytest.raises(SegkitError):  # run, and refused for what it was given
        built(config)


def test_an_argument_that_does_not_fit(configured: Any) -> None:
    config = configured("+loss.gama=2")
    with pytest.raises(SegkitError, match=r"an argument does not fit: .*gama") as error:
        built(config)
    assert error.value.where == "segkit.tasks.losses.CrossEntropyDice"


@pytest.mark.parametrize(
    ("overrides", "what"),
    [
        (["+optim.momentum=0.5"], "momentum"),
        (["optim.weight_decay=-1"], "weight_decay"),
        (["loss=bce", "loss.weight=[1]"], "weight"),
        (["schedule=onecycle", "trainer.max_epochs=-1"], "when training ends"),
    ],
    ids=str,
)
def test_what_would_fail_at_the_first_step_fails_now(
    configured: Any, overrides: list[str], what: str
) -> None:
    """A run folder is made later."""
    with pytest.raises(SegkitError, match=what):
        built(configured(*overrides))


def test_trying_out_leaves_no_trace(configured: Any) -> None:
    config = configured("schedule=onecycle")
    module = built(config)
    assert all(p.grad is None for p in module.network.parameters())
    optimizer = module.optimizer(module.network.parameters())
    assert optimizer.param_groups[0]["lr"] == config["optim"]["lr"]


def test_an_error_of_the_users_comes_through_as_it_is(configured: Any) -> None:
    config = configured("model.encoder_weights=imagenets")
    with pytest.raises(SegkitError, match="neither published weights") as error:
        built(config)
    assert "'imagenet'" in error.value.remedy


def test_the_trainer_is_as_configured(
    configured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    trainer = build_trainer(
        configured("trainer.max_epochs=3", "callbacks.early_stopping.patience=9")
    )
    assert trainer.max_epochs == 3
    assert trainer.default_root_dir == str(tmp_path / "run")
    kinds = [type(callback).__name__ for callback in trainer.callbacks]  # type: ignore[attr-defined]
    for kind in ("EarlyStopping", "Panels", "CollapseWarning", "RunProgressBar", "RunRecord"):
        assert kinds.count(kind) == 1
    stopping = trainer.early_stopping_callback
    assert stopping is not None
    assert (stopping.patience, stopping.monitor, stopping.mode) == (9, "val/dice", "max")
    checkpoint = trainer.checkpoint_callback
    assert isinstance(checkpoint, pl.callbacks.ModelCheckpoint)
    assert str(checkpoint.dirpath) == str(tmp_path / "run" / "checkpoints")


def test_callbacks_are_left_out_and_changed_by_name(configured: Any) -> None:
    trainer = build_trainer(configured("~callbacks.early_stopping", "logger=none"))
    kinds = {type(callback).__name__ for callback in trainer.callbacks}  # type: ignore[attr-defined]
    assert "EarlyStopping" not in kinds
    # It refuses to run without a logger.
    assert "LearningRateMonitor" not in kinds
    assert trainer.loggers == []


@pytest.mark.parametrize(("terminal", "wanted"), [(True, "false"), (False, "true")])
def test_without_a_bar_there_is_none(
    configured: Any, monkeypatch: pytest.MonkeyPatch, terminal: bool, wanted: str
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    trainer = build_trainer(configured(f"trainer.enable_progress_bar={wanted}"))
    assert trainer.progress_bar_callback is None


def test_processes_wait_for_one_another_as_long_as_is_asked(configured: Any) -> None:
    for given, minutes in (((), 30), (("trainer.strategy.timeout.minutes=0.5",), 0.5)):
        strategy: Any = build_trainer(configured("trainer=ddp_cpu", *given)).strategy
        assert strategy._timeout == timedelta(minutes=minutes)
    plain = build_trainer(configured("trainer=ddp_cpu", "trainer.strategy=ddp")).strategy
    assert type(plain) is type(strategy)


def test_automatic_precision(configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for able, expected in ((True, "bf16-mixed"), (False, "32-true")):
        facts = {"avx512_bf16": able}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda facts=facts: facts)
        assert build_trainer(configured()).precision == expected
    assert build_trainer(configured("trainer.precision=64-true")).precision == "64-true"


@pytest.mark.parametrize("name", ["simple", "advanced"])
def test_a_profiler_by_name_or_by_its_class(configured: Any, tmp_path: Path, name: str) -> None:
    named = build_trainer(configured(f"trainer.profiler={name}"))
    target = f"lightning.pytorch.profilers.{name.capitalize()}Profiler"
    own = build_trainer(configured(f"trainer.profiler={{_target_: {target}, filename: mine}}"))
    for trainer, file, folder in ((named, "profile", tmp_path / "run"), (own, "mine", None)):
        profiler: Any = trainer.profiler  # type: ignore[attr-defined]
        assert type(profiler).__name__ == target.rpartition(".")[2]
        assert (profiler.filename, profiler.dirpath) == (file, folder and str(folder))


def test_what_the_machine_has_not_got(configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SegkitError, match="this machine cannot train so") as error:
        build_trainer(configured("trainer=gpu"))
    assert "accelerator=gpu" in error.value.where
    assert "trainer=cpu" in error.value.remedy


def test_what_reads_a_data_set_is_a_reader(configured: Any) -> None:
    config = configured("dataset=dsb2018", "dataset.root=data")
    config["dataset"]["reader"] = {"_target_": "segkit.data.splits.SplitSpec"}
    with pytest.raises(SegkitError, match="a SplitSpec is not a reader of data sets"):
        build_reader(config)
