"""An encoder that is frozen for some epochs, or for all: neither weights nor averages move."""

import pytest
import torch
from torch import nn

from segkit.core.errors import SegkitError
from segkit.models.network import wrap
from tests.training.small_module import WARNINGS, MakeData, Watch, make_task, make_trainer

pytestmark = WARNINGS


@pytest.mark.parametrize("check_every", [1.0, 0.5])
def test_the_encoder_is_frozen_and_then_thawed(make_data: MakeData, check_every: float) -> None:
    """A validation in the middle of an epoch changes nothing."""
    watch = Watch()
    task = make_task(freeze_encoder=1)
    before = {k: v.clone() for k, v in task.network.encoder.state_dict().items()}  # type: ignore[union-attr]
    trainer = make_trainer(2, watch, val_check_interval=check_every)
    trainer.fit(task, datamodule=make_data())
    frozen, thawed = watch.encoder[:2], watch.encoder[2:]
    assert [s["learns"] for s in frozen] == [{False}] * 2
    assert [s["trains"] for s in frozen] == [{False}] * 2
    for step in frozen:  # neither weights nor the averages of batch norm
        assert all(torch.equal(step["state"][key], before[key]) for key in before)
    assert [s["learns"] for s in thawed] == [{True}] * 2
    assert [s["trains"] for s in thawed] == [{True}] * 2
    last = thawed[-1]["state"]
    assert not any(torch.equal(last[key], before[key]) for key in before)


def test_the_encoder_may_stay_frozen(make_data: MakeData) -> None:
    watch = Watch()
    task = make_task(freeze_encoder=-1)
    head = task.network.core.head.weight.clone()  # type: ignore[union-attr,operator]
    make_trainer(2, watch).fit(task, datamodule=make_data())
    assert [s["learns"] for s in watch.encoder] == [{False}] * 4
    assert [s["trains"] for s in watch.encoder] == [{False}] * 4
    assert not torch.equal(task.network.core.head.weight, head)  # type: ignore[union-attr,arg-type]


def test_freezing_needs_an_encoder() -> None:
    with pytest.raises(SegkitError, match="no encoder that could be frozen") as error:
        make_task(network=wrap(nn.Conv2d(3, 1, 1), 3), freeze_encoder=2)
    assert error.value.where == "freeze_encoder=2"
