"""The decoder that is fitted when training ends, and a loss whose terms are told."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest
import torch

from segkit.core.errors import SegkitError
from segkit.data.augment import Augmentation
from segkit.models.network import wrap
from segkit.tasks.instance.fitting import grid
from segkit.tasks.instance.loss import ObjectLoss
from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.targets import PLANES
from segkit.tasks.instance.task import InstanceTask
from segkit.training.fitted import fit_decoder
from segkit.training.module import SegmentationModule
from tests.training.small_module import WARNINGS, MakeData, TinyUnet, make_task, make_trainer

pytestmark = WARNINGS
CLASSES = ("background", "nucleus")


def objects(*, auto: Sequence[str] = InstanceTask.keys, seed: int = 0) -> SegmentationModule:
    torch.manual_seed(seed)
    core = TinyUnet()
    core.head = torch.nn.Conv2d(8, len(PLANES), 3, padding=1)
    task = InstanceTask(CLASSES, auto=auto)
    return make_task(task=task, network=wrap(core, 3), loss=ObjectLoss())


@pytest.fixture
def data(make_data: MakeData) -> Any:
    plain = Augmentation(transforms=[])
    return make_data(augmentation=plain, truth=InstanceTask.truth(), size=(64, 64))


def test_settings_are_found_on_validation_and_all_else_is_as_it_was(
    data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    module, trainer = objects(), make_trainer(2)
    trainer.fit(module, datamodule=data)
    looked_at = module.watchers, data.scored_split, dict(module.counted), dict(module.scores)
    weights = {key: value.clone() for key, value in module.state_dict().items()}
    with caplog.at_level(logging.INFO, "segkit"):
        fit_decoder(module, data, trainer, "")
    assert "fitting the decoder to the validation split" in caplog.text
    assert module.task.settings["halo"] == 32  # no phantom is higher than 25 rows
    choices = [asdict(one) for one in grid(Settings(), InstanceTask.keys)]
    assert {**module.task.settings, "halo": Settings().halo} in choices
    assert (module.watchers, data.scored_split) == looked_at[:2]
    assert module.counted.keys() == looked_at[2].keys()
    assert module.scores == looked_at[3]
    assert all(torch.equal(value, weights[key]) for key, value in module.state_dict().items())
    # The same again: nothing is drawn.
    found, module.task = module.task.settings, InstanceTask(CLASSES, auto=InstanceTask.keys)
    fit_decoder(module, data, trainer, "")
    assert module.task.settings == found


def test_what_was_given_stays(data: Any) -> None:
    module, trainer = objects(auto=()), make_trainer(1)
    trainer.fit(module, datamodule=data)
    before = module.task
    fit_decoder(module, data, trainer, "")
    assert module.task is before


def test_a_validation_without_objects_leaves_the_settings(
    data: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module, trainer = objects(), make_trainer(1)
    trainer.fit(module, datamodule=data)
    before = module.task.settings
    native, mask = data.cache.native_mask, data.cache.mask
    monkeypatch.setattr(data.cache, "native_mask", lambda name: native(name) * 0)
    monkeypatch.setattr(data.cache, "mask", lambda name: mask(name) * 0)
    with caplog.at_level(logging.INFO, "segkit"):
        fit_decoder(module, data, trainer, "")
    assert "the validation split has no object: the settings stay" in caplog.text
    assert module.task.settings == before
    assert data.scored_split == "test"


def test_what_a_test_fails_of_is_told(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module, trainer = objects(), make_trainer(1)
    trainer.fit(module, datamodule=data)

    def damaged(*_: Any, **__: Any) -> None:
        raise SegkitError("the cache is damaged", where="cache", remedy="delete it")

    monkeypatch.setattr(trainer, "test", damaged)
    with pytest.raises(SegkitError, match="the cache is damaged"):
        fit_decoder(module, data, trainer, "")
    assert data.scored_split == "test"


def test_the_terms_of_the_loss_are_told_and_add_up(data: Any) -> None:
    module, trainer = objects(), make_trainer(1)
    trainer.fit(module, datamodule=data)
    told = {key: float(value) for key, value in trainer.callback_metrics.items()}
    terms = [told[f"val/loss_{name}"] for name in PLANES]
    assert sum(terms) == pytest.approx(told["val/loss"], rel=1e-5)
    assert all(term > 0 for term in terms)
    assert {f"val/{name}" for name in InstanceTask.monitors} <= set(told)


def test_a_loss_of_one_term_has_none_to_tell(make_data: MakeData) -> None:
    trainer = make_trainer(1)
    trainer.fit(make_task(), datamodule=make_data())
    assert not any(key.startswith("val/loss_") for key in trainer.callback_metrics)


def test_loaders_make_the_targets(data: Any) -> None:
    data.prepare_data()
    batch = next(iter(data.train_dataloader()))
    assert batch["target"].shape == (3, len(PLANES), 64, 64)
    assert batch["mask_BHW"].dtype == torch.int32
    objective = InstanceTask(CLASSES).objective
    again = objective.target({key: batch[key] for key in ("mask_BHW", "image_BCHW", "index_B")})  # type: ignore[arg-type]
    assert torch.equal(again, batch["target"])
