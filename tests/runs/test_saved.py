"""A network comes back from its folder, and nothing else is touched."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from segkit.core.errors import SegkitError
from segkit.runs.build import build_network
from segkit.runs.saved import open_run
from segkit.tasks.named import build_task

CLASSES = ("background", "nucleus")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is needed of a run folder, with a network of one layer and nothing to learn it by."""
    config: dict[str, Any] = {
        "seed": 0,
        "threshold": 0.5,
        "allow_targets": ["os."],
        "dataset": {
            "reader": {"_target_": "segkit.data.readers.dsb2018.Dsb2018", "root": str(tmp_path)},
            "channels": 3,
        },
        "model": {"_target_": "torch.nn.Conv2d", "in_channels": 3, "kernel_size": 1},
        "loss": {"_target_": "os.system"},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    network = build_network({**config, "allow_targets": []}, build_task(config, CLASSES))
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "checkpoints" / "best.ckpt"
    torch.save({"state_dict": state | {"loss.weight": torch.ones(2)}}, path)
    return tmp_path


def test_the_weights_are_those_of_the_checkpoint(folder: Path) -> None:
    state = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    run = open_run(folder)
    assert run.classes == CLASSES
    assert not run.network.training
    for key, value in run.network.state_dict().items():
        assert torch.equal(value, state[f"network.{key}"])


def test_random_numbers_of_the_caller_are_left_alone(folder: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    assert open_run(folder).network is not None
    assert torch.equal(torch.rand(4), expected)


def test_what_the_folder_allows_itself_counts_for_nothing(folder: Path) -> None:
    assert open_run(folder).config["allow_targets"] == []
    text = (folder / "config.yaml").read_text("utf-8")
    (folder / "config.yaml").write_text(text.replace("torch.nn.Conv2d", "os.mkdir"), "utf-8")
    run = open_run(folder)
    with pytest.raises(SegkitError, match="not allowed"):
        _ = run.network


def test_a_prefix_that_is_not_listed_allows_nothing(folder: Path) -> None:
    # Letter by letter it would allow whatever begins with one of its letters.
    text = (folder / "config.yaml").read_text("utf-8")
    (folder / "config.yaml").write_text(text.replace("torch.nn.Conv2d", "os.mkdir"), "utf-8")
    with pytest.raises(SegkitError, match="allow_targets cannot be"):
        open_run(folder, "our_package.")


def test_weights_of_another_network(folder: Path) -> None:
    path = folder / "checkpoints" / "best.ckpt"
    torch.save({"state_dict": {"network.core.weight": torch.zeros(1)}}, path)
    run = open_run(folder)
    with pytest.raises(SegkitError, match="do not fit the network"):
        _ = run.network
