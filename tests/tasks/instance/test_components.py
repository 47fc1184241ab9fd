"""Masks of a semantic run as objects: their connected components, scored as objects are."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.imaging.components import components
from segkit.tasks.base import Task
from segkit.tasks.instance.components import ComponentTask
from segkit.tasks.instance.matching import COUNTS
from segkit.tasks.instance.task import InstanceTask
from segkit.tasks.named import common_judge, judged
from segkit.tasks.semantic.task import SemanticTask

CLASSES = ("background", "nucleus")
PICTURE = """
##....#.
##..##..
.....#.#
....#...
.##.....
.##....#
"""


def mask() -> NDArray[np.bool_]:
    return np.array([[sign == "#" for sign in line] for line in PICTURE.split()])


def made(by: str | None = "instance", task: Task | None = None) -> Task:
    return judged(task or SemanticTask(CLASSES), by)


def logits(found: NDArray[np.bool_]) -> torch.Tensor:
    return torch.from_numpy(np.where(found, 2.0, -2.0).astype(np.float32))[None]


def test_the_decoder_labels_a_whole_image_whatever_its_bands() -> None:
    decoder = made().decoder
    expected = components(mask())
    outputs_KHW = logits(mask()).numpy()
    assert torch.equal(decoder.decode(logits(mask())[None])[0], torch.from_numpy(expected))
    for cuts in ([], [1], [2, 3, 5]):
        bands = np.split(outputs_KHW, cuts, axis=1)
        ((maps, answer),) = decoder.answers(bands, maps=True)
        np.testing.assert_array_equal(answer, expected)
        assert maps is not None
        np.testing.assert_allclose(maps, decoder.maps(torch.from_numpy(outputs_KHW)[None])[0])
    maps = decoder.maps(logits(mask())[None]).numpy()
    np.testing.assert_array_equal(decoder.decode_maps(maps)[0], expected)


def test_they_are_scored_as_objects_and_lost_where_they_touch() -> None:
    truth = components(mask()).astype(np.int32)
    truth[3, 4] = 9  # two objects at a corner, which a mask cannot tell apart
    task = made()
    batch = {"mask_BHW": torch.from_numpy(truth)[None], "index_B": torch.tensor([0])}
    counts, (found,) = task.scorer.count(
        logits(mask())[None],
        batch,  # type: ignore[arg-type]
        large=10**6,
    )
    by_name = dict(zip(COUNTS, counts[0].tolist(), strict=True))
    assert (by_name["true"], by_name["found"], by_name["tp_50"]) == (6, 5, 5)
    assert torch.equal(found, torch.from_numpy(components(mask())))
    target = task.objective.target(batch)  # type: ignore[arg-type]
    assert torch.equal(target[0] > 0, torch.from_numpy(truth > 0))
    assert target.dtype == torch.uint8, "what the loss of the semantic run takes"


def test_its_settings_are_those_of_the_run_and_an_area() -> None:
    task = made(task=SemanticTask(CLASSES, threshold=0.4))
    assert task.settings == {"threshold": 0.4, "min_area": 0}
    other = task.with_settings({"threshold": 0.7, "min_area": 5})
    assert other.settings == {"threshold": 0.7, "min_area": 5}
    assert isinstance(other, ComponentTask)
    low = torch.full((1, 1, 3, 3), torch.logit(torch.tensor(0.6)).item())
    assert task.decoder.decode(low).max() == 1
    assert other.decoder.decode(low).max() == 0
    with pytest.raises(SegkitError, match="has no such setting"):
        task.with_settings({"seed_threshold": 0.3}, auto=True)
    with pytest.raises(SegkitError, match="fitted by the scores of the run's own task") as caught:
        task.with_settings({"threshold": "auto"}, auto=True)
    assert caught.value.where == "threshold=auto"


def test_who_judges_whom() -> None:
    semantic, instance = SemanticTask(CLASSES), InstanceTask(CLASSES)
    assert made(None, semantic) is made("semantic", semantic) is semantic
    assert made("instance", instance) is instance
    assert made().name == "instance"
    with pytest.raises(SegkitError, match="a run of task=instance answers has no scores of task=s"):
        judged(instance, "semantic")
    with pytest.raises(SegkitError, match="unknown task 'objects'"):
        judged(semantic, "objects")
    with pytest.raises(SegkitError, match="objects of one class"):
        judged(SemanticTask(("background", "a", "b")), "instance")
    assert common_judge([semantic, instance]) == "instance"
    assert common_judge([semantic]) == "semantic"
    assert common_judge([]) is None
