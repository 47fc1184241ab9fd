"""Counting objects: watched or not, at either size, whole or in bands, the same."""

import math
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from segkit.core.contracts import Batch, Record
from segkit.core.errors import SegkitError
from segkit.core.view import LARGE
from segkit.tasks.instance import examination, scorer
from segkit.tasks.instance.examination import InstanceExamination, ObjectTally
from segkit.tasks.instance.matching import COUNTS, Labels, Matching, count, match
from segkit.tasks.instance.metrics import each
from segkit.tasks.tally import Counted, image_rows, sum_by_group
from tests.tasks.instance.shapes import TASK, discs, random_maps, sure

SCORER = TASK.scorer
MUCH = LARGE * 10**6
AT = {name: place for place, name in enumerate(COUNTS)}


class Watch:
    """Keeps everything that it is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, Tensor, Tensor, Tensor]] = []

    def watch(
        self, index: int, outputs_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        self.seen.append((index, outputs_KHW, prediction_HW, truth_HW))


def logits(seed: int, size: tuple[int, int] = (32, 40)) -> Tensor:
    return torch.logit(torch.from_numpy(random_maps(seed, size)), eps=1e-6)


def truth(seed: int, size: tuple[int, int] = (32, 40)) -> Tensor:
    return TASK.decoder.decode(logits(seed + 50, size)[None])[0]


OUTPUTS = torch.stack([logits(0), logits(1)])


def batch(*, native: bool) -> Batch:
    made = {"image_BCHW": torch.zeros(2, 3, 32, 40), "index_B": torch.tensor([7, 3])}
    made["mask_BHW"] = torch.stack([truth(0), truth(1)])
    more = {"native": [truth(2, (64, 50)), truth(3, (20, 90))]} if native else {}
    return cast("Batch", made | more)


@pytest.mark.parametrize("native", [False, True])
def test_being_watched_changes_no_count(native: bool) -> None:
    one, other = Watch(), Watch()
    alone, labels = SCORER.count(OUTPUTS, batch(native=native), large=MUCH)
    watched, same = SCORER.count(OUTPUTS, batch(native=native), [one, other], large=MUCH)
    assert torch.equal(alone, watched)
    assert alone.shape == (2, len(COUNTS))
    assert alone.dtype == torch.int64
    assert all(torch.equal(a, b) for a, b in zip(labels, same, strict=True))
    assert [index for index, *_ in one.seen] == [index for index, *_ in other.seen] == [7, 3]


@pytest.mark.parametrize("native", [False, True])
def test_what_is_shown_is_what_is_counted(native: bool) -> None:
    given, watch = batch(native=native), Watch()
    counts, _ = SCORER.count(OUTPUTS, given, [watch], large=MUCH)
    truths = given["native"] if native else list(given["mask_BHW"])
    for n, (_, outputs, prediction, shown) in enumerate(watch.seen):
        assert torch.equal(shown, truths[n])
        assert outputs.shape == (3, *shown.shape)
        assert torch.equal(prediction, TASK.decoder.decode(outputs[None])[0])
        expected = count(match(shown.numpy(), prediction.numpy()))
        np.testing.assert_array_equal(counts[n].numpy(), expected)
        assert counts[n][AT["true"]] > 3
        assert counts[n][AT["found"]] > 3


@pytest.mark.parametrize("rows", [1, 5, 31])
def test_what_comes_in_bands_is_counted_as_a_whole(rows: int) -> None:
    whole, parted = Watch(), Watch()
    labels = truth(0)
    counts, found = SCORER.count_parts(5, [(OUTPUTS[0], labels)], [whole])
    bands = [
        (OUTPUTS[0][:, top : top + rows], labels[top : top + rows]) for top in range(0, 32, rows)
    ]
    same, also = SCORER.count_parts(5, bands, [parted])
    assert torch.equal(counts, same)
    assert torch.equal(found, also)
    for shown in (whole, parted):
        assert [index for index, *_ in shown.seen] == [5]
    for a, b in zip(whole.seen[0][1:], parted.seen[0][1:], strict=True):
        assert torch.equal(a, b)


def test_objects_across_many_windows_are_counted_as_a_whole() -> None:
    """Higher than a window of the decoder: objects on every seam, none larger than the halo."""
    labels = torch.from_numpy(
        discs(*((row, 16, 14) for row in range(20, 1980, 29)), size=(2000, 32))
    )
    outputs = sure(labels.numpy())
    whole = count(match(labels.numpy(), TASK.decoder.decode(outputs[None])[0].numpy()))
    for rows in (2000, 333, 64):
        bands = [
            (outputs[:, top : top + rows], labels[top : top + rows]) for top in range(0, 2000, rows)
        ]
        counts, _ = SCORER.count_parts(0, bands, [])
        np.testing.assert_array_equal(counts.numpy(), whole)
    assert whole[AT["true"]] == whole[AT["tp_90"]] == whole[AT["found"]] > 60


def some_counts() -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Of four images: right, half right, nothing to find but something found, and none."""
    pairs = [
        (discs((12, 14, 8), (30, 44, 9)), discs((12, 14, 8), (30, 44, 9))),
        (discs((12, 14, 8), (30, 44, 9)), discs((12, 14, 8))),
        (discs(), discs((20, 20, 6))),
        (discs(), discs()),
    ]
    return np.stack([count(match(a, b)) for a, b in pairs])


def test_outputs_are_held_for_who_looks_at_them_and_objects_are_matched_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matched: list[Matching] = []

    def once(*both: Labels) -> Matching:
        matched.append(match(*both))
        return matched[-1]

    for module in (scorer, examination):
        monkeypatch.setattr(module, "match", once)
    objects, one = ObjectTally(), Watch()
    SCORER.count_parts(7, [(OUTPUTS[0], truth(0))], [objects, one])
    assert torch.equal(one.seen[0][1], OUTPUTS[0])
    assert len(matched) == 1
    _, rows = objects.finish()
    assert [row["kind"] for row in rows[7]].count("true") == len(matched[0].true_ids_T) > 0


def test_scores_of_a_split() -> None:
    counts = some_counts()
    every = SCORER.scores(counts, ["a", "b", "c", "d"])
    assert list(every) == ["nucleus", "all"]
    assert every["nucleus"] == every["all"]
    assert every["all"]["ap50"] == pytest.approx(3 / 5)
    assert every["all"]["ap50_image"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert every["all"]["n_images_both_empty"] == 1
    assert (every["all"]["n_true"], every["all"]["n_found"]) == (4, 4)


def test_a_patient_of_many_images_counts_once() -> None:
    counts = some_counts()
    every = SCORER.scores(counts, ["a", "a", "b", "b"])["all"]
    assert every["ap50_image"] == pytest.approx((0.75 + 0) / 2)
    _, summed = sum_by_group(counts, ["a", "a", "b", "b"])
    for name in TASK.headline:
        values = SCORER.by_class(summed, name)
        assert values.shape == (2, 1)
        assert np.nanmean(values) == pytest.approx(every[name], rel=1e-12)
    assert every["ap50"] == SCORER.scores(counts, list("abcd"))["all"]["ap50"], "it is pooled"


def test_what_loggers_are_told_is_defined() -> None:
    told = SCORER.scalars(SCORER.scores(some_counts(), list("abcd")))
    assert set(TASK.monitors) <= set(told)
    assert {"count_error", "count_bias", "merged_share", "split_share"} <= set(told)
    nothing = SCORER.scalars(SCORER.scores(some_counts()[3:], ["a"]))
    assert "ap" not in nothing
    assert all(math.isfinite(value) for value in {**told, **nothing}.values())


def test_the_worst_are_first_and_the_undefined_are_left_out() -> None:
    counts = some_counts()
    assert SCORER.ranked(counts) == [2, 1, 0]
    # Of images without a match the one with more missed and invented is worse.
    worse = count(match(discs((12, 14, 8), (30, 44, 9)), discs((40, 8, 5), (8, 50, 5))))
    assert SCORER.ranked(np.stack([counts[2], worse])) == [1, 0]


def test_nothing_found_is_said() -> None:
    counts = some_counts()
    assert SCORER.collapsed(counts) == ""
    assert SCORER.collapsed(counts[3:]) == "", "there is nothing to find"
    lost = count(match(discs((12, 14, 8)), discs()))[None]
    assert "no object has been found" in SCORER.collapsed(lost)
    assert "seed_threshold" in SCORER.collapsed(lost)
    assert SCORER.collapsed(np.concatenate([lost, counts])) == ""


def test_the_table_of_images_gives_its_counts_back() -> None:
    counts = some_counts()
    records = [Record(f"r{i}", f"g{i}", f"{i}.png", (f"{i}_mask.png",)) for i in range(4)]
    known = Counted([0, 1, 2, 3], counts, 0.5, {})
    made = image_rows(known, records, {"r1": "test"}, SCORER.image_cells(counts))
    assert [row["split"] for row in made] == ["", "test", "", ""]
    assert all(tuple(row) == SCORER.image_columns for row in made)
    assert made[1]["ap50_image"] == 0.5
    assert made[1]["count_error"] == 0.5
    rows = [{key: str(value) for key, value in row.items()} for row in made]
    classes, found = SCORER.counts_of(rows)
    assert classes == ("nucleus",)
    np.testing.assert_array_equal(found, counts)
    for name in ("ap50", "pq", "aji"):
        np.testing.assert_array_equal(each(found, name), SCORER.each(counts, name))
    assert SCORER.counts_of([])[1].shape == (0, len(COUNTS))


def test_what_a_score_is_called_beside_a_picture() -> None:
    captions = [TASK.words.caption(value) for value in (0.12345, math.nan, None)]
    assert captions == ["AP@.5 0.123", "AP@.5 undefined", ""]


def test_no_record_has_no_count() -> None:
    assert SCORER.none().shape == (0, len(COUNTS))
    nothing = SCORER.scores(SCORER.none(), [])["all"]
    assert math.isnan(nothing["ap50_image"])
    assert nothing["n"] == 0


def test_distances_of_outlines_are_refused() -> None:
    with pytest.raises(SegkitError, match="class masks, not of objects") as caught:
        SCORER.examination(surface_tolerance=2.0)
    assert caught.value.where == "surface=true"
    assert isinstance(SCORER.examination(surface_tolerance=None), InstanceExamination)
