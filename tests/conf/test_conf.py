"""Every YAML file under ``conf/``: composed, built, and stepped once."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from segkit.config.allow_list import ALLOWED, check_targets
from segkit.core.errors import SegkitError
from segkit.runs.build import (
    build_data,
    build_reader,
    build_trainer,
)
from segkit.runs.checks import check_training
from segkit.tasks.instance.loss import ObjectLoss
from segkit.tasks.instance.targets import encode
from tests.conf.configurations import CONF, Configured, options

ROOT = Path(__file__).parents[2]
GROUPS = (
    "augment",
    "callbacks",
    "dataset",
    "debug",
    "experiment",
    "logger",
    "loss",
    "model",
    "optim",
    "recipe",
    "schedule",
    "task",
    "trainer",
)
ALL = [(group, name) for group in GROUPS for name in options(group)]


def test_the_files_were_found() -> None:
    assert len(ALL) >= 35
    assert {group for group, _ in ALL} >= set(GROUPS) - {"experiment"}
    # A group that is not listed here would be tested by nothing.
    assert {path.name for path in CONF.iterdir() if path.is_dir()} == {
        *GROUPS,
        "hydra",
        "sweep",
        "cv",
    }


@pytest.mark.parametrize(("group", "name"), ALL)
def test_every_option_composes_and_is_allowed(
    configured: Configured, group: str, name: str
) -> None:
    config = configured(f"{group}={name}")
    check_training(config)
    check_targets({key: value for key, value in config.items() if key != "hydra"}, ALLOWED)


@pytest.mark.parametrize(
    "path", sorted(CONF.rglob("*.yaml")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_every_file_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert path.parts[-3:-1] == ("hydra", "help") or text.startswith("# ")
    assert len(text.splitlines()) <= 50


@pytest.mark.parametrize("name", options("dataset"))
def test_every_data_set_has_a_reader(configured: Configured, name: str) -> None:
    config = configured(f"dataset={name}")
    reader = build_reader(config)
    assert len(reader.classes) >= 2
    # A folder of one's own gives its own.
    assert config["dataset"]["name"] == (None if name == "folder" else name)
    channels = config["dataset"]["channels"]
    assert channels in (("auto",) if name == "folder" else (1, 3))
    dataset = {**config["dataset"], "channels": 3}  # what auto is only the data tell
    assert build_data({**config, "dataset": dataset}, reader).channels == 3


@pytest.mark.parametrize("name", options("loss"))
def test_every_loss_steps(configured: Configured, name: str) -> None:
    loss = instantiate(configured(f"loss={name}")["loss"])
    torch.manual_seed(0)
    target = (torch.rand(2, 16, 16) > 0.5).to(torch.uint8)
    if isinstance(loss, ObjectLoss):
        target = torch.stack([torch.from_numpy(encode(labels)) for labels in target.numpy()])
    logits = torch.randn(2, target[0].numel() // 16**2, 16, 16, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    values = []
    for _ in range(10):
        optimizer.zero_grad()
        value = loss(logits, target)
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    assert np.isfinite(values).all()
    assert values[-1] < 0.8 * values[0]


@pytest.mark.parametrize("name", options("optim"))
def test_every_optimiser_steps(configured: Configured, name: str) -> None:
    weight = torch.nn.Parameter(torch.ones(4))
    optimizer = instantiate(configured(f"optim={name}")["optim"])([weight])
    for _ in range(3):
        optimizer.zero_grad()
        loss: Any = (weight**2).sum()
        loss.backward()
        optimizer.step()
    assert float((weight.detach() ** 2).sum()) < 4


@pytest.mark.parametrize("name", options("schedule"))
def test_every_schedule_steps(configured: Configured, name: str) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9)
    schedule = instantiate(configured(f"schedule={name}")["schedule"])(optimizer, total_steps=20)
    rates = []
    for _ in range(19):
        optimizer.step()
        scheduler = schedule["scheduler"]
        scheduler.step(0.5) if "monitor" in schedule else scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert schedule["name"] == "lr/step"
    assert all(0 < rate <= 0.1 + 1e-9 for rate in rates)
    assert (rates[-1] < 0.1) == (name != "constant")


@pytest.mark.parametrize("name", options("augment"))
def test_every_augmentation_steps(configured: Configured, name: str) -> None:
    augmentation = instantiate(configured(f"augment={name}")["augment"], _convert_="all")
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (32, 48, 3)).astype(np.uint8)
    mask = (image[..., 0] > 128).astype(np.uint8)
    drawn = [augmentation(image, mask, seed=seed) for seed in range(8)]
    assert all(i.shape == image.shape and m.shape == mask.shape for i, m in drawn)
    assert all(set(np.unique(m)) <= {0, 1} for _, m in drawn)
    different = any(not np.array_equal(i, image) for i, _ in drawn)
    assert different == (name != "none")


@pytest.mark.parametrize("name", options("callbacks"))
def test_every_set_of_callbacks_is_built(
    configured: Configured, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)  # where there is a bar
    config = configured(f"callbacks={name}", "trainer=cpu")
    trainer = build_trainer(config)
    assert len(trainer.callbacks) >= len(config["callbacks"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", options("trainer"))
def test_every_trainer_is_built_where_the_machine_can(configured: Configured, name: str) -> None:
    config = configured(f"trainer={name}")
    if config["trainer"]["accelerator"] == "gpu" and not torch.cuda.is_available():
        with pytest.raises(SegkitError, match="this machine cannot train so"):
            build_trainer(config)
        return
    trainer = build_trainer(config)
    assert trainer.max_epochs == config["trainer"]["max_epochs"]
    if name == "ddp_cpu":
        assert trainer.num_devices == 2


def test_no_key_is_read_by_nothing(configured: Configured) -> None:
    """Of the keys that segkit itself reads; what is handed to a `_target_` is checked by it."""
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "segkit").rglob("*.py"))
    yaml = "\n".join(path.read_text("utf-8") for path in CONF.rglob("*.yaml"))

    def used(key: str, holder: str) -> bool:
        read = re.search(
            rf"""(config|node|composed|\])(\[['"]{key}['"]\]|\.get\(['"]{key}['"][,)]|\.{key}\b)""",
            code,
        )
        return bool(read) or f"${{{holder}{key}}}" in yaml

    assert not used("no_such_key", "")
    config = configured()
    assert [key for key in config if not used(key, "")] == []
    for name in options("dataset"):
        keys = configured(f"dataset={name}")["dataset"]
        assert [key for key in keys if not used(key, "dataset.")] == [], name


HEADER = re.compile(
    r"# @package _global_\n(# .*\n)+# Command: python -m segkit\.train experiment=(\w+)[^\n]*\n"
    r"# Cost: .*\d.*\n(# .*\n)*"
)


@pytest.mark.parametrize("name", options("experiment"))
def test_every_experiment_says_command_cost_and_score(name: str) -> None:
    found = HEADER.match((CONF / "experiment" / f"{name}.yaml").read_text("utf-8"))
    assert found is not None
    assert found.group(2) == name
    assert re.search(r"(Score|Ours): .*\d\.\d{3}", found.group(0).replace("\n# ", " "))


def test_no_file_makes_every_call_a_sweep() -> None:
    """The command line spares Hydra the composition in which it would look for that."""
    for path in CONF.rglob("*.yaml"):
        assert "MULTIRUN" not in path.read_text(encoding="utf-8"), path
