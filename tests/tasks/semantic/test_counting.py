"""Counting a batch: with or without somebody watching, at either size, the same."""

from typing import cast

import pytest
import torch
from segkit.tasks.decode import count, logits_at
from torch import Tensor

from segkit.core.contracts import Batch
from segkit.tasks.semantic.metrics import confusion_counts, predicted_classes


class Watch:
    """Keeps everything that it is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, Tensor, Tensor, Tensor]] = []

    def watch(
        self, index: int, logits_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        self.seen.append((index, logits_KHW, prediction_HW, truth_HW))


def batch(*, native: bool) -> Batch:
    generator = torch.Generator().manual_seed(0)
    masks = torch.randint(0, 2, (2, 8, 8), generator=generator).to(torch.uint8)
    made = {"image_BCHW": torch.zeros(2, 3, 8, 8), "mask_BHW": masks}
    made["index_B"] = torch.tensor([7, 3])
    sizes = ((16, 12), (5, 9))
    truths = [torch.randint(0, 2, size, generator=generator).to(torch.uint8) for size in sizes]
    return cast("Batch", {**made, "native": truths} if native else made)


LOGITS = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("native", [False, True])
def test_being_watched_changes_no_count(native: bool) -> None:
    one, other = Watch(), Watch()
    alone, masks = count(LOGITS, batch(native=native), 0.4, 2)
    watched, same = count(LOGITS, batch(native=native), 0.4, 2, [one, other])
    assert torch.equal(alone, watched)
    assert alone.shape == (2, 2, 4)
    assert all(torch.equal(a, b) for a, b in zip(masks, same, strict=True))
    assert [index for index, *_ in one.seen] == [index for index, *_ in other.seen] == [7, 3]


@pytest.mark.parametrize("native", [False, True])
def test_what_is_shown_is_what_is_counted(native: bool) -> None:
    given, watch = batch(native=native), Watch()
    counts, _ = count(LOGITS, given, 0.4, 2, [watch])
    truths = given["native"] if native else list(given["mask_BHW"])
    for n, (_, logits, prediction, truth) in enumerate(watch.seen):
        assert torch.equal(truth, truths[n])
        assert logits.shape == (1, *truth.shape)
        assert torch.equal(prediction, predicted_classes(logits[None], 0.4)[0])
        assert torch.equal(counts[n], confusion_counts(prediction[None], truth[None], 2)[0])


def test_logits_at_a_size_are_bilinear_between_the_middles_of_pixels() -> None:
    assert logits_at(LOGITS[0], (20, 11)).shape == (1, 20, 11)
    ramp = torch.tensor([[[0.0, 4.0]]], dtype=torch.float16)
    found = logits_at(ramp, (1, 4))
    assert found.dtype == torch.float32
    assert found.flatten().tolist() == [0, 1, 3, 4]
