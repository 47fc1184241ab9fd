"""What processes agree on: checked on one process here, on two in the slow tests."""

from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from segkit.core.checksums import Checksums, content_hash
from segkit.core.errors import SegkitError
from segkit.training import distributed
from segkit.training.distributed import (
    check_data,
    check_freezing,
    check_records,
    share_buffers,
    sync_each_batch,
)


def trainer(world_size: int, **ddp: bool) -> Any:
    return SimpleNamespace(world_size=world_size, strategy=SimpleNamespace(_ddp_kwargs=ddp))


def data(pixels: str, split: str) -> Any:
    """Of one record."""
    return SimpleNamespace(
        cache=SimpleNamespace(checksums={"record": Checksums(pixels, "mask")}),
        split_csv=lambda: f"record,{split}",
        reader=SimpleNamespace(root="there"),
    )


def content(of: Any) -> str:
    return content_hash(of.cache.checksums, of.split_csv())


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


def test_processes_of_other_data_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other pixels, or the same in another split."""
    one = data("b", "train")
    gathered: list[str] = []
    monkeypatch.setattr(distributed, "all_gather", lambda part: [*gathered, part])
    check_data(one)
    gathered += [content(one), content(one)]
    check_data(one)
    for other in (data("c", "train"), data("b", "test")):
        with pytest.raises(SegkitError, match="processes 2 is not that of the first") as error:
            check_data(other)
        assert error.value.where == "dataset.root=there"
