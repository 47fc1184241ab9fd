"""What TensorBoard shows of a run: scalars, panels, configuration and hyper-parameters."""

from typing import Any

import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segkit.imaging.pixels import decode

EPOCHS = 2


@pytest.fixture(scope="module")
def events(run: Any) -> EventAccumulator:
    accumulator = EventAccumulator(str(run.folder), size_guidance={"images": 0, "scalars": 0})
    accumulator.Reload()
    return accumulator


def test_tensorboard_has_the_scalars_on_an_axis_of_epochs(
    run: Any, events: EventAccumulator
) -> None:
    tags = set(events.Tags()["scalars"])
    assert "lr/step" in tags
    assert tags >= {
        "lr",
        "train/loss",
        "val/loss",
        "val/dice",
        "val/iou",
        "seconds",
        "images_per_second",
    }
    table = run.rows()
    for tag in ("train/loss", "val/loss", "val/dice", "val/iou", "lr", "images_per_second"):
        points = events.Scalars(tag)
        assert [point.step for point in points] == list(range(EPOCHS))
        expected = [float(row[tag]) for row in table]
        assert [point.value for point in points] == pytest.approx(expected, rel=1e-4)


def test_tensorboard_has_the_final_scores(run: Any, events: EventAccumulator) -> None:
    test = run.summary["test"]["all"]
    assert events.Scalars("test/dice")[-1].value == pytest.approx(test["dice"], rel=1e-4)
    best = events.Scalars("best/val/dice")[-1].value
    assert best == pytest.approx(run.summary["best_score"], rel=1e-4)


def test_tensorboard_has_the_panels(run: Any, events: EventAccumulator) -> None:
    panels = events.Images("panels")
    assert [panel.step for panel in panels] == list(range(EPOCHS))
    stored = decode((run.folder / "panels/epoch_001.png").read_bytes(), "panel")
    assert (panels[1].height, panels[1].width) == stored.shape[:2]


def test_tensorboard_has_configuration_and_hyper_parameters(
    run: Any, events: EventAccumulator
) -> None:
    text = events.Tensors("configuration/text_summary")[0].tensor_proto.string_val[0].decode()
    lines = [line.removeprefix("    ") for line in text.splitlines()]
    assert yaml.safe_load("\n".join(lines)) == run.config
    plugin = events.summary_metadata
    named = {
        name for name, metadata in plugin.items() if metadata.plugin_data.plugin_name == "hparams"
    }
    assert any("session_start_info" in name for name in named)
    assert any("experiment" in name for name in named)
