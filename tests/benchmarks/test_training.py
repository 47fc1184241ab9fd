"""Who trains when, and what is counted of it."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from segkit.benchmarks.bare_loop import Epoch, Learner, bare_loop
from segkit.benchmarks.rounds import Rounds
from segkit.benchmarks.training import Alternating, TimedLoader
from segkit.models.network import SegmentationNetwork
from segkit.tasks.losses import BinaryCrossEntropy

CLOCK = [0.0]


def sleep(seconds: float) -> None:
    """Of a machine on which nothing else takes time."""
    CLOCK[0] += seconds


class Rival:
    """Takes its time, and says that it took ten."""

    def __init__(self) -> None:
        self.called = 0

    def epoch(self) -> Epoch:
        self.called += 1
        sleep(0.05)
        return Epoch(10.0, 20.0)


class Loader:
    """Three batches, of which each is waited for."""

    sampler = None

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Any:
        for number in range(3):
            sleep(0.01)
            yield number


def test_epochs_are_timed_without_the_rivals_and_with_what_follows_validation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("segkit.benchmarks.training.time.perf_counter", lambda: CLOCK[0])
    rival, loader = Rival(), TimedLoader(Loader())
    shown = Rounds("training", lambda _: None)
    alternating = Alternating(
        "ours", {"rival": rival}, loader, images=3, shown=shown, figures=lambda _: []
    )
    module = nn.Linear(1, 1)
    module.device = torch.device("cpu")  # type: ignore[assignment]
    trainer: Any = None
    task: Any = module
    with shown.over(["ours", "rival"], 2):
        for _ in range(2):
            alternating.on_train_epoch_start(trainer, task)
            assert list(loader) == [0, 1, 2]
            alternating.on_validation_start(trainer, task)
            sleep(0.02)  # validation, drawing, checkpoints
        alternating.on_train_end(trainer, task)
    assert rival.called == 2
    assert alternating.epochs["rival"] == [Epoch(10.0, 20.0)] * 2
    for epoch in alternating.epochs["ours"]:
        assert epoch.training == pytest.approx(0.03)
        assert epoch.whole == pytest.approx(0.05)
    assert alternating.waited == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize(("images", "steps"), [(7, 3), (8, 4), (1, 1)])
def test_the_bare_loop_takes_every_whole_batch_once(images: int, steps: int) -> None:
    seen: list[int] = []

    class Core(nn.Module):
        stride = 1

        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Conv2d(3, 1, 1)

        def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
            if self.training:
                seen.append(len(image_BCHW))
            logits: torch.Tensor = self.head(image_BCHW)
            return logits

    network = SegmentationNetwork(Core(), stride=1, mean=(0.5,) * 3, std=(0.5,) * 3)
    device = torch.device("cpu")
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.integers(0, 256, (images, 3, 8, 8), np.uint8))
    mask = torch.from_numpy(rng.integers(0, 2, (images, 8, 8), np.uint8))
    learner = Learner(network, BinaryCrossEntropy(), torch.optim.Adam, 2, device)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    epoch = bare_loop(learner, (image, mask), (image, mask), precision="32-true").epoch()
    assert seen == [min(2, images)] * steps
    assert 0 < epoch.training < epoch.whole
    assert not torch.equal(before["core.head.weight"], network.state_dict()["core.head.weight"])
