"""Counting a batch, with or without somebody watching, at either size, the same."""

import math
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from segkit.core.contracts import Batch, Record
from segkit.core.view import LARGE
from segkit.tasks.semantic.metrics import confusion_counts
from segkit.tasks.semantic.task import SemanticTask
from segkit.tasks.tally import Counted, image_rows, sum_by_group

TASK = SemanticTask(["background", "cell"], threshold=0.4)


class Watch:
    """Keeps everything that it is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, Tensor, Tensor, Tensor]] = []

    def watch(
        self, index: int, outputs_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        self.seen.append((index, outputs_KHW, prediction_HW, truth_HW))


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
    alone, masks = TASK.scorer.count(LOGITS, batch(native=native), large=LARGE * 10**6)
    watched, same = TASK.scorer.count(
        LOGITS, batch(native=native), [one, other], large=LARGE * 10**6
    )
    assert torch.equal(alone, watched)
    assert alone.shape == (2, 2, 4)
    assert all(torch.equal(a, b) for a, b in zip(masks, same, strict=True))
    assert [index for index, *_ in one.seen] == [index for index, *_ in other.seen] == [7, 3]


@pytest.mark.parametrize("native", [False, True])
def test_what_is_shown_is_what_is_counted(native: bool) -> None:
    given, watch = batch(native=native), Watch()
    counts, _ = TASK.scorer.count(LOGITS, given, [watch], large=LARGE * 10**6)
    truths = given["native"] if native else list(given["mask_BHW"])
    for n, (_, logits, prediction, truth) in enumerate(watch.seen):
        assert torch.equal(truth, truths[n])
        assert logits.shape == (1, *truth.shape)
        assert torch.equal(prediction, TASK.decoder.decode(logits[None])[0])
        assert torch.equal(counts[n], confusion_counts(prediction[None], truth[None], 2)[0])


def test_what_comes_in_bands_is_counted_as_a_whole() -> None:
    truth = torch.randint(0, 2, (8, 8), generator=torch.Generator().manual_seed(3))
    whole, parted = Watch(), Watch()
    counts, found = TASK.scorer.count_parts(5, [(LOGITS[0], truth)], [whole])
    bands = [(LOGITS[0][:, top : top + 3], truth[top : top + 3]) for top in range(0, 8, 3)]
    same, also = TASK.scorer.count_parts(5, bands, [parted])
    assert torch.equal(counts, same)
    assert torch.equal(found, also)
    assert [index for index, *_ in parted.seen] == [5, 5, 5]
    assert torch.equal(torch.cat([band for _, _, band, _ in parted.seen]), whole.seen[0][2])


# Two images of 100 pixels: the second has no edge and none is drawn.
COUNTS = np.array(
    [
        [[70, 5, 5, 20], [10, 3, 5, 82], [8, 4, 2, 86]],
        [[80, 0, 5, 15], [15, 5, 0, 80], [0, 0, 0, 100]],
    ]
)
SEVERAL = SemanticTask(["background", "cell", "edge"]).scorer


def test_the_dice_of_an_image_is_over_its_classes_where_defined() -> None:
    found = SEVERAL.each(COUNTS, "dice")
    assert found == pytest.approx([(20 / 28 + 16 / 22) / 2, 30 / 35])
    assert SEVERAL.each(COUNTS, "iou") == pytest.approx([(10 / 18 + 8 / 14) / 2, 15 / 20])
    nothing = np.array([[[100, 0, 0, 0], [0, 0, 0, 100], [0, 0, 0, 100]]])
    assert np.isnan(SEVERAL.each(nothing, "dice")).all()


@pytest.mark.parametrize("score", ["dice", "iou"])
@pytest.mark.parametrize("units", [["a", "b"], ["a", "a"]], ids=["images", "a group"])
def test_a_score_of_the_split_is_that_of_all_scores(score: str, units: list[str]) -> None:
    every = SEVERAL.scores(COUNTS, units)
    assert list(every) == ["cell", "edge", "all"]
    _, summed = sum_by_group(COUNTS, units)
    by_class = np.nanmean(SEVERAL.by_class(summed, score), axis=0)
    assert by_class == pytest.approx([every["cell"][score], every["edge"][score]], rel=1e-12)
    assert by_class.mean() == pytest.approx(every["all"][score], rel=1e-12)


def test_what_loggers_are_told() -> None:
    several = SEVERAL.scalars(SEVERAL.scores(COUNTS, ["a", "b"]))
    assert {"dice", "iou", "accuracy", "accuracy_all_background", "dice/cell"} <= set(several)
    assert several["dice/cell"] == pytest.approx((20 / 28 + 30 / 35) / 2)
    nothing = np.array([[[100, 0, 0, 0], [0, 0, 0, 100]]])
    binary = TASK.scorer.scalars(TASK.scorer.scores(nothing, ["a"]))
    assert "dice" not in binary, "it is undefined"
    assert binary["accuracy"] == 1
    assert not any("/" in name for name in binary), "one class is all classes"


def test_the_table_of_images_gives_its_counts_back() -> None:
    records = [Record(f"r{i}", f"g{i}", f"{i}.png", (f"{i}_mask.png",)) for i in range(2)]
    made = image_rows(Counted([0, 1], COUNTS, 0.5, {}), records, {}, SEVERAL.image_cells(COUNTS))
    rows = [{key: str(value) for key, value in row.items()} for row in made]
    classes, counts = SEVERAL.counts_of(rows)
    assert classes == ("cell", "edge")
    np.testing.assert_array_equal(counts[:, 1:], COUNTS[:, 1:])
    assert not counts[:, 0].any(), "the table has no row of the background"


def test_what_a_score_is_called_beside_a_picture() -> None:
    captions = [TASK.words.caption(value) for value in (0.12345, math.nan, None)]
    assert captions == ["Dice 0.123", "Dice undefined", ""]
