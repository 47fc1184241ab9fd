"""The scores against closed forms, and against second implementations of their definitions."""

import math

import numpy as np
import pytest
import torch

from segkit.statistics.intervals import mean_where_defined
from segkit.tasks.instance.matching import COUNTS, PERCENTS, Counts, count, match
from segkit.tasks.instance.metrics import CURVE, each, pooled, scores
from segkit.tasks.semantic import metrics as semantic
from tests.tasks.instance.definitions import kumar, noisy, stardist

IMAGES = [noisy(seed) for seed in range(40)]
COUNTS_NC = np.stack([count(match(*pair)) for pair in IMAGES])
NAMES = [f"image{n}" for n in range(len(IMAGES))]


def test_scores_of_matches_agree_with_stardist() -> None:
    got = scores(COUNTS_NC, NAMES)
    for name, percent in zip(CURVE, PERCENTS, strict=True):
        parts = np.array([stardist(*pair, percent / 100) for pair in IMAGES])
        tp, fp, fn, _ = parts.sum(axis=0)
        assert got[name] == tp / (tp + fp + fn)
        # One side empty is 0, both are left out.
        known = parts[:, :3].sum(axis=1) > 0
        ap_N = parts[known, 0] / parts[known, :3].sum(axis=1)
        assert each(COUNTS_NC, name)[known].tolist() == ap_N.tolist()
        assert np.isnan(each(COUNTS_NC, name)[~known]).all()
        if percent == 50:
            assert 0.3 < got[name] < 0.95  # the images are worth it
            assert got["ap50_image"] == pytest.approx(ap_N.mean(), abs=1e-6)
            assert got["precision_50"] == tp / (tp + fp)
            assert got["recall_50"] == tp / (tp + fn)
            assert got["f1_50"] == 2 * tp / (2 * tp + fp + fn)
            assert got["n_images_both_empty"] == (~known).sum() > 0
    assert got["ap"] == pytest.approx(np.mean([got[name] for name in CURVE]))


def test_means_over_thresholds_of_each_image() -> None:
    curves, strict = np.full((2, len(IMAGES), len(PERCENTS)), np.nan)
    for n, pair in enumerate(IMAGES):
        for k, percent in enumerate(PERCENTS):
            # Past the threshold, and before the next IoU that two small objects can have.
            for into, threshold in ((curves, percent / 100), (strict, percent / 100 + 1e-9)):
                tp, fp, fn, _ = stardist(*pair, threshold)
                into[n, k] = tp / (tp + fp + fn) if tp + fp + fn else np.nan
    assert each(COUNTS_NC, "ap_image") == pytest.approx(curves.mean(axis=1), abs=1e-6, nan_ok=True)
    got = scores(COUNTS_NC, NAMES)
    assert got["ap_image"] == pytest.approx(np.nanmean(curves), abs=1e-6)
    assert got["kaggle_map"] == pytest.approx(np.nanmean(strict), abs=1e-6)
    assert got["kaggle_map"] < got["ap_image"]  # so that some pair is at a threshold


def test_panoptic_quality_agrees_with_kirillov() -> None:
    tp, fp, fn, iou = np.array([stardist(*pair, 0.5 + 1e-9) for pair in IMAGES]).sum(axis=0)
    got = scores(COUNTS_NC, NAMES)
    assert got["sq"] == pytest.approx(iou / tp, abs=1e-6)
    assert got["rq"] == tp / (tp + fp / 2 + fn / 2)
    assert got["pq"] == pytest.approx(iou / (tp + fp / 2 + fn / 2), abs=1e-6)
    assert got["pq"] == pytest.approx(got["sq"] * got["rq"])


def test_aggregated_jaccard_agrees_with_kumar() -> None:
    parts = np.array([kumar(*pair) for pair in IMAGES])
    assert COUNTS_NC[:, COUNTS.index("aji_intersection")].tolist() == parts[:, 0].tolist()
    assert COUNTS_NC[:, COUNTS.index("aji_union")].tolist() == parts[:, 1].tolist()
    assert scores(COUNTS_NC, NAMES)["aji"] == parts[:, 0].sum() / parts[:, 1].sum()


def test_numbers_of_objects() -> None:
    true, found = (np.array([len(np.unique(p[s])) - 1 for p in IMAGES]) for s in (0, 1))
    got = scores(COUNTS_NC, NAMES)
    error = (found[true > 0] - true[true > 0]) / true[true > 0]
    assert got["count_bias"] == pytest.approx(error.mean(), abs=1e-6)
    assert got["count_error"] == pytest.approx(np.abs(error).mean(), abs=1e-6)
    assert (got["n_true"], got["n_found"]) == (true.sum(), found.sum())
    assert (got["n_images"], got["n_images_empty"]) == (len(IMAGES), (true == 0).sum())


def test_shifted_discs() -> None:
    """Two discs of radius r, d apart: a lens of 2r² acos(d/2r) - d/2 √(4r² - d²)."""
    y, x = np.mgrid[:500, :700]
    for distance in (0, 40, 80, 160):
        truth = ((y - 250) ** 2 + (x - 250) ** 2 < 200**2).astype(np.int32)
        found = ((y - 250) ** 2 + (x - 250 - distance) ** 2 < 200**2).astype(np.int32)
        half = distance / 2
        lens = 2 * 200**2 * math.acos(half / 200) - half * math.sqrt(4 * 200**2 - distance**2)
        iou = lens / (2 * math.pi * 200**2 - lens)
        got = scores(count(match(truth, found))[None], ["one"])
        assert got["aji"] == pytest.approx(iou, abs=2e-3)
        assert got["dice"] == pytest.approx(lens / (math.pi * 200**2), abs=2e-3)
        matches = iou > 0.5  # 1, 0.77, 0.60, 0.33
        assert got["pq"] == pytest.approx(iou if matches else 0, abs=2e-3)
        assert got["sq"] == pytest.approx(iou if matches else math.nan, abs=2e-3, nan_ok=True)
        assert [got[name] for name in CURVE] == [float(p / 100 <= iou) for p in PERCENTS]
        assert got["ap"] == pytest.approx(got["ap_image"], abs=1e-6)


def test_dice_is_that_of_the_semantic_task() -> None:
    groups = [f"patient{n // 3}" for n in range(len(IMAGES))]
    truth, found = (torch.from_numpy(np.stack([p[s] > 0 for p in IMAGES])) for s in (0, 1))
    counts = semantic.confusion_counts(found.int(), truth.int(), 2).numpy()
    expected = semantic.score(counts, groups, ("background", "nucleus"))["nucleus"]
    got = scores(COUNTS_NC, groups)
    for name in ("dice", "dice_pooled", "iou", "n", "n_empty"):
        assert got[name] == getattr(expected, name), name
    # Of images and of objects, the groups change nothing.
    by_image = scores(COUNTS_NC, NAMES)
    changed = {name for name in got if got[name] != by_image[name]}
    assert changed == {"dice", "iou", "n", "n_empty", "ap50_image", "ap_image"}
    for name in ("ap50_image", "ap_image"):  # a group of many images counts once
        ap_N = each(COUNTS_NC, name)
        means = [np.nanmean(ap_N[n : n + 3]) for n in range(0, len(IMAGES), 3)]
        assert got[name] == pytest.approx(np.mean(means), abs=1e-6)


def test_two_images_side_by_side_count_like_one() -> None:
    of_images = COUNTS.index("images")
    for (truth, found), (other_truth, other_found) in zip(IMAGES[::2], IMAGES[1::2], strict=True):
        wide = [
            np.hstack([one, np.where(other > 0, other + 100_000, 0)])
            for one, other in ((truth, other_truth), (found, other_found))
        ]
        summed = count(match(truth, found)) + count(match(other_truth, other_found))
        assert count(match(*wide))[:of_images].tolist() == summed[:of_images].tolist()


def test_order_and_processes_change_no_digit() -> None:
    whole = scores(COUNTS_NC, NAMES)
    order = np.random.default_rng(0).permutation(len(IMAGES))
    shuffled = scores(COUNTS_NC[order], [NAMES[n] for n in order])
    assert repr(shuffled) == repr(whole)
    parts = COUNTS_NC[::2].sum(axis=0) + COUNTS_NC[1::2].sum(axis=0)
    again = {n: float(v) for n, v in pooled(parts).items()}
    assert again == pytest.approx({n: whole[n] for n in again}, rel=1e-12)


def test_resamples_are_scores_of_the_drawn_groups() -> None:
    groups = np.arange(len(IMAGES)) // 4
    counts_GC = np.stack([COUNTS_NC[groups == g].sum(axis=0) for g in range(10)])
    drawn_RG = np.random.default_rng(1).multinomial(10, np.full(10, 0.1), size=50)
    resampled = pooled(drawn_RG @ counts_GC)
    floating = pooled(drawn_RG.astype(np.float64) @ counts_GC.astype(np.float64))
    for r, drawn_G in enumerate(drawn_RG):
        images = np.concatenate(
            [np.flatnonzero(groups == g) for g in np.repeat(range(10), drawn_G)]
        )
        one = scores(COUNTS_NC[images], [str(n) for n in range(len(images))])
        again = {n: float(v[r]) for n, v in resampled.items()}
        assert again == pytest.approx({n: one[n] for n in resampled}, rel=1e-12)
        assert {n: float(v[r]) for n, v in floating.items()} == again


def test_what_is_undefined() -> None:
    empty, some = np.zeros((4, 5), np.int32), np.eye(4, 5, dtype=np.int32)
    of: dict[str, Counts] = {
        "neither": count(match(empty, empty)),
        "missed": count(match(some, empty)),
        "false": count(match(empty, some)),
        "right": count(match(some, some)),
    }
    sizes = (
        "n",
        "n_empty",
        "n_images",
        "n_images_empty",
        "n_images_both_empty",
        "n_true",
        "n_found",
    )
    neither = scores(of["neither"][None], ["a"])
    assert all(math.isnan(v) for name, v in neither.items() if name not in sizes)
    assert [neither[name] for name in sizes] == [1, 1, 1, 1, 1, 0, 0]
    undefined = {
        name: {score for score, v in scores(of[name][None], ["a"]).items() if math.isnan(v)}
        for name in ("missed", "false", "right")
    }
    assert undefined == {
        "missed": {"precision_50", "sq"},
        "false": {"recall_50", "sq", "count_error", "count_bias", "merged_share", "split_share"},
        "right": set(),
    }
    for name in ("missed", "false"):
        zero = scores(of[name][None], ["a"])
        for score in (
            *CURVE,
            "ap",
            "ap50_image",
            "ap_image",
            "kaggle_map",
            "f1_50",
            "pq",
            "rq",
            "aji",
        ):
            assert zero[score] == 0, (name, score)
    together = scores(np.stack(list(of.values())), list(of))
    assert together["ap50_image"] == together["kaggle_map"] == pytest.approx(1 / 3)
    assert together["count_bias"] == -0.5
    assert [together[name] for name in sizes] == [4, 2, 4, 2, 1, 2, 2]
    none = scores(np.zeros((0, len(COUNTS)), np.int64), [])
    assert [none[name] for name in sizes] == [0] * 7


def test_each_of_groups_is_the_mean_of_their_images() -> None:
    ap_N = each(COUNTS_NC, "ap50_image")
    ap_G = each(COUNTS_NC.reshape(10, 4, -1).sum(axis=1), "ap50_image")
    assert ap_G == pytest.approx(mean_where_defined(ap_N.reshape(10, 4).T))


def test_counts_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        pooled(np.zeros((3, len(COUNTS) + 1), np.int64))
