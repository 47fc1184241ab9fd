"""The moving average of the weights: its formula, and which file has it and which has not."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from segkit.training.callbacks.average import AverageWeights, decay_at
from tests.training.small_module import WARNINGS, MakeData, Watch, make_task, make_trainer

pytestmark = [
    *WARNINGS,
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists"),
]
HEAD = "core.head.weight"
State = dict[str, Tensor]


class Steps(pl.Callback):
    """Remembers the network as each step left it, and as each validation saw it."""

    def __init__(self) -> None:
        self.trained: list[State] = []
        self.validated: list[State] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        del trainer
        self.trained.append(copied(pl_module.network.state_dict()))

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        del trainer
        self.validated.append(copied(pl_module.network.state_dict()))


def copied(state: State) -> State:
    return {key: value.clone() for key, value in state.items()}


def averaged(steps: list[State], decay: float) -> State:
    """By the definition, in double precision."""
    mean = {key: value.double() for key, value in steps[0].items()}
    for step, state in enumerate(steps[1:], start=2):
        kept = decay_at(step, decay)
        for key, value in state.items():
            mean[key] = kept * mean[key] + (1 - kept) * value.double()
    return mean


def close(first: State, second: State) -> bool:
    floats = [key for key, value in first.items() if value.is_floating_point()]
    assert len(floats) < len(first)  # batch norm counts its batches
    return all(
        torch.allclose(first[key].double(), second[key].double(), rtol=1e-5, atol=1e-7)
        for key in floats
    )


def weights_of(path: Path) -> State:
    saved = torch.load(path, weights_only=True)["state_dict"]
    return {key.removeprefix("network."): value for key, value in saved.items()}


def checkpoints(folder: Path) -> list[ModelCheckpoint]:
    shared: dict[str, Any] = {"dirpath": folder, "enable_version_counter": False}
    best = ModelCheckpoint(**shared, filename="best", monitor="val/loss", save_weights_only=True)
    return [best, ModelCheckpoint(**shared, filename="last", save_on_train_epoch_end=True)]


def trained(make_data: MakeData, folder: Path, decay: float | None, **settings: Any) -> Steps:
    steps = Steps()
    callbacks = (AverageWeights(decay=decay), steps, *checkpoints(folder))
    trainer = make_trainer(4, *callbacks, enable_checkpointing=True, **settings)
    trainer.fit(make_task(), datamodule=make_data())
    return steps


def test_decay_grows_to_what_was_asked_for() -> None:
    shares = [decay_at(step, 0.99) for step in range(2000)]
    assert shares[0] == 0.1
    assert shares == sorted(shares)
    assert shares[-1] == 0.99


def test_best_is_the_average_and_last_is_not(make_data: MakeData, tmp_path: Path) -> None:
    steps = trained(make_data, tmp_path, 0.9)
    assert close(weights_of(tmp_path / "last.ckpt"), steps.trained[-1])
    each = len(steps.trained) // len(steps.validated)
    means = [averaged(steps.trained[: each * (k + 1)], 0.9) for k in range(4)]
    assert all(close(seen, mean) for seen, mean in zip(steps.validated, means, strict=True))
    best = weights_of(tmp_path / "best.ckpt")
    assert sum(close(best, mean) for mean in means) == 1
    assert not any(close(best, state) for state in steps.trained)


@pytest.mark.parametrize("interval", [{}, {"val_check_interval": 1}], ids=str)
def test_the_training_itself_is_what_it_is_without(
    make_data: MakeData, tmp_path: Path, interval: dict[str, int]
) -> None:
    with_, without = (
        trained(make_data, tmp_path / str(decay), decay, **interval) for decay in (0.9, None)
    )
    assert len(with_.validated) == len(without.validated)
    for first, second in zip(with_.trained, without.trained, strict=True):
        assert all(torch.equal(value, second[key]) for key, value in first.items())
    assert not close(with_.validated[-1], without.validated[-1])


def test_half_a_step_is_not_averaged(make_data: MakeData, tmp_path: Path) -> None:
    steps = trained(make_data, tmp_path, 0.9, accumulate_grad_batches=2)
    pairs = zip(steps.trained, steps.trained[1:], strict=False)
    whole = [state for before, state in pairs if not torch.equal(before[HEAD], state[HEAD])]
    mean = averaged(whole, 0.9)[HEAD]
    assert torch.allclose(steps.validated[-1][HEAD].double(), mean, rtol=1e-5)


def test_the_average_is_resumed(make_data: MakeData, tmp_path: Path) -> None:
    whole = trained(make_data, tmp_path / "whole", 0.9)
    folder = tmp_path / "halves"
    for epochs, path in ((2, None), (4, folder / "last.ckpt")):
        steps, data = Steps(), make_data()
        data.first_epoch = 2 if path else 0
        callbacks = (AverageWeights(decay=0.9), steps, Watch(), *checkpoints(folder))
        trainer = make_trainer(epochs, *callbacks, enable_checkpointing=True)
        trainer.fit(make_task(), datamodule=data, ckpt_path=path, weights_only=True)
    for first, second in zip(whole.validated[2:], steps.validated, strict=True):
        assert all(torch.equal(value, second[key]) for key, value in first.items())
