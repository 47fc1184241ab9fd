"""From logits to classes and probabilities, of one network and of several."""

import numpy as np
import pytest
import torch

from segkit.tasks.semantic.decoder import predicted_classes
from segkit.tasks.semantic.task import SemanticTask

BINARY = SemanticTask(["background", "cell"], threshold=0.3)
SEVERAL = SemanticTask(["background", "cell", "edge"])


def test_threshold_is_on_the_probability() -> None:
    logits = torch.tensor([-3.0, -0.5, 0.0, 0.5, 3.0]).view(1, 1, 1, 5)
    for threshold in (0.1, 0.3, 0.5, 0.7, 0.99):
        drawn = predicted_classes(logits, threshold)
        assert drawn.dtype == torch.uint8
        assert drawn.tolist() == (logits[:, 0].sigmoid() > threshold).int().tolist()
    assert predicted_classes(1e4 * logits, 0.0).all()
    assert not predicted_classes(1e4 * logits, 1.0).any()
    with pytest.raises(ValueError, match="threshold"):
        predicted_classes(logits, 1.5)


def test_threshold_is_not_rounded_with_half_precision_logits() -> None:
    logits = torch.tensor([0.84765625], dtype=torch.bfloat16).view(1, 1, 1, 1)
    # sigmoid(0.84765625) = 0.70007…, while logit(0.7) = 0.8473 rounds to the logit itself.
    assert predicted_classes(logits, 0.7).item() == 1


def test_largest_logit_wins() -> None:
    logits = torch.tensor([[0.1, 5.0], [2.0, -1.0], [1.0, 4.0]]).view(1, 3, 1, 2)
    assert predicted_classes(logits, 0.9).tolist() == [[[1, 0]]]


@pytest.mark.parametrize("task", [BINARY, SEVERAL], ids=["binary", "several"])
def test_maps_decide_as_logits_do(task: SemanticTask) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, task.objective.outputs, 9, 7, generator=generator)
    maps = task.decoder.maps(logits)
    assert maps.dtype == torch.float32
    assert maps.shape[1] == len(task.decoder.planes) == task.objective.outputs
    decoded = task.decoder.decode(logits)
    assert decoded.dtype == torch.uint8
    assert len(set(decoded.flatten().tolist())) == len(task.classes)
    np.testing.assert_array_equal(task.decoder.decode_maps(maps.numpy()), decoded.numpy())


def test_planes_are_the_foreground_or_every_class() -> None:
    assert BINARY.decoder.planes == ("cell",)
    assert BINARY.decoder.activation == "sigmoid"
    assert SEVERAL.decoder.planes == ("background", "cell", "edge")
    assert SEVERAL.decoder.activation == "softmax"


@pytest.mark.parametrize("task", [BINARY, SEVERAL], ids=["binary", "several"])
def test_the_mean_is_of_probabilities(task: SemanticTask) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = [torch.randn(1, task.objective.outputs, 5, 4, generator=generator) for _ in range(3)]
    maps = [task.decoder.maps(one) for one in logits]
    expected = torch.stack(maps).mean(dim=0)
    torch.testing.assert_close(task.decoder.maps(task.decoder.mean(logits)), expected)
    assert task.decoder.mean(logits[:1]) is logits[0]


def test_the_mean_of_certain_networks_is_finite() -> None:
    certain = [torch.full((1, 1, 2, 2), value) for value in (-torch.inf, -torch.inf)]
    assert BINARY.decoder.mean(certain).isfinite().all()
    one = torch.tensor([1000.0, -1000.0, -1000.0]).view(1, 3, 1, 1)
    assert SEVERAL.decoder.mean([one, one]).isfinite().all()
