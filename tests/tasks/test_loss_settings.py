"""The configurations of losses, and settings that are refused."""

import inspect
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from segkit.core.errors import SegkitError
from segkit.tasks import losses

# Of class masks; that of objects has a file of its own.
CONFIGS = sorted((Path(__file__).parents[2] / "conf" / "loss").glob("[!o]*.yaml"))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("CrossEntropy", "weight", [1.0, 0.0]),
        ("Focal", "alpha", 1.0),
        ("Focal", "gamma", -1.0),
        ("Tversky", "alpha", 0.0),
        ("Tversky", "beta", -0.1),
        ("Dice", "smooth", -1.0),
        ("CrossEntropyDice", "dice_weight", -1.0),
        ("CrossEntropyDice", "entropy_weight", -1.0),
    ],
)
def test_impossible_settings_are_refused(name: str, key: str, value: object) -> None:
    with pytest.raises(SegkitError) as caught:
        getattr(losses, name)(**{key: value})
    assert caught.value.where.startswith(f"loss.{key}=")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configuration_trains_one_step(path: Path) -> None:
    config = OmegaConf.load(path)
    assert isinstance(config, DictConfig)
    arguments = inspect.signature(get_class(config["_target_"])).parameters
    assert set(config) - {"_target_"} == set(arguments)
    loss = instantiate(config)
    for classes in (1,) if path.stem == "bce" else (1, 3):
        network = nn.Conv2d(3, classes, 3, padding=1)
        before = network.weight.detach().clone()
        target = torch.randint(0, max(2, classes), (2, 6, 5), dtype=torch.uint8)
        value = loss(network(torch.rand(2, 3, 6, 5)), target)
        value.backward()
        torch.optim.SGD(network.parameters(), lr=0.1).step()
        assert value.isfinite()
        assert not torch.equal(network.weight, before)


def test_configurations_are_found() -> None:
    assert {"bce", "bce_dice", "lovasz"} <= {path.stem for path in CONFIGS}
