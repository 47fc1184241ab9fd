"""What a run goes by where validation has no foreground."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from segkit import train
from segkit.config.plain import resolved
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.data.splits import SplitSpec
from segkit.runs.call import Call
from segkit.runs.monitor import as_begun, asked_for, fall_back, in_words
from segkit.tasks.named import check_task, task_kind
from tests.data.healthy import healthy_first, healthy_validate, opened


def composed(monitor: str = "val/dice", mode: str = "max", **more: Any) -> DictConfig:
    node = {"monitor": "${monitor}", "mode": "${mode}"}
    given = {"task": "semantic", "monitor": monitor, "mode": mode, "threshold": 0.5}
    config = {**given, "two_logits": False, "schedule": node, "callbacks": {"checkpoint": node}}
    return OmegaConf.create({**config, **more})


@pytest.fixture
def blind(tmp_path: Path) -> Any:
    file = healthy_validate(tmp_path / "split.csv")
    return opened(healthy_first(tmp_path / "data"), tmp_path, SplitSpec(file=str(file)))


@pytest.mark.parametrize("score", task_kind({}).monitors)
def test_no_score_of_the_task_chooses_without_foreground(score: str, blind: Any) -> None:
    config = composed(f"val/{score}")
    assert fall_back(config, blind)
    plain = resolved(config)
    check_task(plain)
    for node in (plain, plain["schedule"], plain["callbacks"]["checkpoint"]):
        assert (node["monitor"], node["mode"]) == ("val/loss", "min")
    assert asked_for(plain) == f"val/{score}"
    assert in_words(plain) == {
        "monitor": f"val/loss, not val/{score}: validation has no foreground"
    }


def test_a_loss_that_was_asked_for_stays(blind: Any) -> None:
    config = composed("val/loss", "min")
    assert not fall_back(config, blind)
    assert asked_for(config) is None
    assert in_words(resolved(config)) == {}


def test_with_foreground_everything_stays(tmp_path: Path) -> None:
    data = opened(healthy_first(tmp_path / "data"), tmp_path, SplitSpec(val=0.4))
    config = composed()
    before = resolved(config)
    assert not fall_back(config, data)
    assert resolved(config) == before


def test_a_trial_is_refused_for_its_study_has_a_score(blind: Any) -> None:
    config = composed()
    config.callbacks.pruning = {"monitor": "${monitor}"}
    with pytest.raises(SegkitError, match="cannot be compared by val/dice") as caught:
        fall_back(config, blind)
    assert "monitor=val/loss mode=min" in caught.value.remedy
    config = composed("val/loss", "min")
    config.callbacks.pruning = {"monitor": "${monitor}"}
    assert not fall_back(config, blind)


def test_the_same_command_asks_for_what_was_chosen(blind: Any) -> None:
    config = composed()
    fall_back(config, blind)
    before = resolved(config)
    again = composed()
    as_begun(again, before)
    assert resolved(again) == before
    other = composed("val/iou")
    as_begun(other, before)
    assert other.monitor == "val/iou"  # which a resumed run refuses
    asked = composed()
    as_begun(asked, {"monitor": "val/loss", "mode": "min"})  # it was asked for then
    assert asked.monitor == "val/dice"


@pytest.mark.parametrize(("monitor", "score"), [("val/dice", 0.5), ("val/loss", None)])
def test_a_sweeper_is_told_no_loss_for_a_score(
    monitor: str, score: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(given: DictConfig, call: Any) -> RunFolder:
        del call
        given.monitor = monitor
        return RunFolder(tmp_path)

    RunFolder(tmp_path).write_summary({"monitor": monitor, "best_score": 0.5})
    monkeypatch.setattr(train, "train", trained)
    call = Call(tmp_path, multirun=True)
    assert train._best_score(composed(), call) == score
