"""What processes agree on: checked on one process here, on two in the slow tests."""

from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from segkit.core.errors import SegkitError
from segkit.training.distributed import (
    check_freezing,
    check_records,
    share_buffers,
    sync_each_batch,
)


def trainer(world_size: int, **ddp: bool) -> Any:
    return SimpleNamespace(world_size=world_size, strategy=SimpleNamespace(_ddp_kwargs=ddp))


@pytest.mark.parametrize(
    ("epochs", "processes", "ddp"),
    [(0, 4, {}), (-1, 4, {}), (2, 1, {}), (2, 4, {"find_unused_parameters": True})],
)
def test_freezing_that_works(epochs: int, processes: int, ddp: dict[str, bool]) -> None:
    check_freezing(epochs, trainer(processes, **ddp))


def test_thawing_is_refused_where_processes_would_wait() -> None:
    with pytest.raises(SegkitError, match="would wait for the gradients"):
        check_freezing(2, trainer(2))


def test_one_process_has_nothing_to_share() -> None:
    network = nn.BatchNorm2d(2)
    share_buffers(network)
    sync_each_batch(network, False)
    sync_each_batch(None, True)
    assert network.running_mean is not None
    assert network.running_mean.tolist() == [0, 0]


def test_a_split_with_records_for_some_processes_only() -> None:
    check_records({"train": 4, "val": 2, "test": 0}, 2)
    with pytest.raises(SegkitError, match="1 val records are not enough for 2 processes"):
        check_records({"train": 4, "val": 1}, 2)
