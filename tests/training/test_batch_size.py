"""The largest batch that fits."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.core.heap import freed_is_kept
from segkit.models.network import SegmentationNetwork
from segkit.tasks.losses import BinaryCrossEntropy
from segkit.tasks.semantic.task import SemanticTask
from segkit.training import batch_size
from segkit.training.batch_size import fit_batch, largest_batch

TRAINER = {"accelerator": "cpu", "precision": "32-true"}


class Hungry(nn.Module):
    """Refuses more than so many images, as a GPU does."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.norm = nn.BatchNorm2d(3)
        self.head = nn.Conv2d(3, 1, 1)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        if len(image_BCHW) > self.most:
            raise torch.cuda.OutOfMemoryError("no more")
        logits: Tensor = self.head(self.norm(image_BCHW))
        return logits


def a_task(most: int) -> Any:
    network = SegmentationNetwork(Hungry(most), stride=1, mean=(0.5,) * 3, std=(0.5,) * 3)
    return SimpleNamespace(
        task=SemanticTask(["background", "cell"]),
        network=network,
        loss=BinaryCrossEntropy(),
        optimizer=torch.optim.Adam,
    )


def largest(most: int, images: int = 10_000) -> tuple[int, str]:
    return largest_batch(a_task(most), size=(16, 16), channels=3, images=images, trainer=TRAINER)


@pytest.mark.parametrize(("most", "expected"), [(2, 2), (3, 2), (24, 16), (64, 64)])
def test_it_doubles_until_the_memory_is_full(most: int, expected: int) -> None:
    found, why = largest(most)
    assert found == expected
    assert "does not fit" in why


def test_an_epoch_keeps_ten_steps() -> None:
    found, why = largest(10_000, images=90)
    assert found == 8
    assert "fewer than 10 steps" in why


def test_a_cpu_is_not_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    # A step takes 100 bytes an image beyond the 5000 that are held already.
    tried: list[int] = []
    monkeypatch.setattr(batch_size, "_restart_peak", lambda: 5000)
    monkeypatch.setattr(memory, "most_held", lambda: 5000 + 100 * 2 ** (len(tried) + 1))

    def free() -> int:
        tried.append(1)
        return 6400

    monkeypatch.setattr(memory, "available", free)
    found, why = largest(10_000)
    # 3200 may be taken: 16 images take 1600, the next double would take all of it.
    assert found == 32
    assert "free" in why


def test_what_memory_will_not_hold_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel would end the process without a word."""
    tried: list[int] = []

    def peak() -> int:
        tried.append(1)
        return 0

    monkeypatch.setattr(batch_size, "_LITTLE", 0)
    monkeypatch.setattr(batch_size, "footprint", lambda _, shape, **__: 100 * shape[0])
    monkeypatch.setattr(batch_size, "_restart_peak", peak)
    monkeypatch.setattr(memory, "most_held", lambda: 0)
    monkeypatch.setattr(memory, "available", lambda: 900)
    found, why = largest(10_000)
    assert found == 8
    assert len(tried) == 3  # 2, 4 and 8
    assert "does not fit" in why


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux only")
def test_the_memory_of_a_step_is_seen_whatever_was_held_before() -> None:
    with freed_is_kept():
        before_it, above_it = np.ones(200 << 20, np.uint8), np.ones(1 << 20, np.uint8)
        del before_it  # kept in the heap, where the next block would be put unseen
        before = batch_size._restart_peak()
        block = np.ones(100 << 20, np.uint8)
        held = memory.most_held() - before
        del block, above_it
    assert held == pytest.approx(100 << 20, rel=0.1)


def test_not_even_two() -> None:
    with pytest.raises(SegkitError, match="not even two"):
        largest(1)


def test_the_network_and_the_random_numbers_are_left_alone() -> None:
    task = a_task(64)
    before = {key: value.clone() for key, value in task.network.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    largest_batch(task, size=(16, 16), channels=3, images=100, trainer=TRAINER)
    assert torch.equal(torch.rand(2), expected)
    for key, value in task.network.state_dict().items():
        assert torch.equal(value, before[key])


def test_a_number_that_was_given_stays() -> None:
    data: Any = SimpleNamespace(batch_size=7)
    assert fit_batch(data, a_task(64), TRAINER) == {}
    assert data.batch_size == 7


def test_the_data_are_given_it() -> None:
    data: Any = SimpleNamespace(
        batch_size=0, crop=None, size=(16, 16), channels=3, indices=lambda _: range(90)
    )
    assert fit_batch(data, a_task(64), TRAINER).keys() == {"batch size"}
    assert data.batch_size == 8
