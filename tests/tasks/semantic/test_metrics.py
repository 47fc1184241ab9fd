"""The scores against counts done by hand, torchmetrics and scikit-learn."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
import torchmetrics.functional.classification as tm
from torch import Tensor
from torchmetrics.functional.segmentation import dice_score

from segkit.core.errors import SegkitError
from segkit.tasks.semantic import metrics
from segkit.tasks.semantic.metrics import Counts, Scores
from segkit.tasks.tally import sum_by_group

BINARY = ("background", "nucleus")
TISSUE = ("background", "core", "rim", "scar")


def _masks(classes: int, images: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(classes)
    shape = (2, images, 9, 7)
    drawn, true = torch.randint(0, classes, shape, generator=generator, dtype=torch.uint8)
    # Half agreement, so that no score is near chance.
    agree = torch.rand(true.shape, generator=generator) < 0.5
    return torch.where(agree, true, drawn), true


def _counts(prediction: Tensor, target: Tensor, classes: int) -> Counts:
    counts: Counts = metrics.confusion_counts(prediction, target, classes).numpy()
    return counts


def _binary(*rows: tuple[int, int, int, int]) -> Counts:
    """Counts of both classes from the foreground's TP, FP, FN, TN of each record."""
    foreground = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return np.stack([foreground[:, ::-1], foreground], axis=1)


def _same(one: Scores, other: Scores) -> bool:
    pairs = zip(asdict(one).values(), asdict(other).values(), strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)


def test_counts_by_hand() -> None:
    prediction = torch.tensor([[[0, 1, 1, 2]], [[0, 0, 0, 0]]], dtype=torch.uint8)
    target = torch.tensor([[[0, 1, 2, 2]], [[0, 0, 0, 1]]])
    counts = metrics.confusion_counts(prediction, target, 3)
    assert counts.dtype == torch.int64
    assert counts.tolist() == [
        [[1, 0, 0, 3], [1, 1, 0, 2], [1, 0, 1, 2]],
        [[3, 1, 0, 0], [0, 0, 1, 3], [0, 0, 0, 4]],
    ]


@pytest.mark.parametrize("classes", [2, 4, 15, 16, 40])
def test_counts_agree_with_sklearn_and_do_not_depend_on_the_batch(classes: int) -> None:
    prediction, target = _masks(classes)
    counts = metrics.confusion_counts(prediction, target, classes)
    for index in range(len(target)):
        matrix = sk.multilabel_confusion_matrix(
            target[index].flatten(), prediction[index].flatten(), labels=range(classes)
        )
        assert counts[index].tolist() == matrix[:, [1, 0, 1, 0], [1, 1, 0, 0]].tolist()
        alone = metrics.confusion_counts(prediction[[index]], target[[index]], classes)
        assert torch.equal(alone[0], counts[index])


def test_counting_away_from_the_cpu() -> None:
    prediction, target = _masks(3)
    # Meta tensors have no values, so whatever needs one on the host fails.
    assert metrics.confusion_counts(prediction.to("meta"), target.to("meta"), 3).shape == (6, 3, 4)
    values = (prediction.int() * 3 + target.int()).flatten(1)
    comparing = torch.stack([(values == value).sum(dim=1) for value in range(9)], dim=1)
    assert torch.equal(comparing, metrics._histogram(values, 9))


@pytest.mark.parametrize("stray", [2, 255, -1])
def test_an_index_that_is_no_class_is_refused(stray: int) -> None:
    good, bad = torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 1, stray]]])
    for side, counts in (("truth", _counts(good, bad, 2)), ("prediction", _counts(bad, good, 2))):
        with pytest.raises(ValueError, match=f"pixel of the {side}"):
            metrics.score(counts, ["a"], BINARY)


def test_scores_by_hand() -> None:
    scores = metrics.score(_binary((6, 2, 2, 90), (1, 0, 9, 90)), ["a", "b"], BINARY)
    nucleus = scores["nucleus"]
    assert nucleus.dice == pytest.approx((12 / 16 + 2 / 11) / 2)
    assert nucleus.dice_pooled == pytest.approx(14 / 27)
    assert nucleus.iou == pytest.approx((6 / 10 + 1 / 10) / 2)
    assert nucleus.precision == pytest.approx(7 / 9)
    assert nucleus.recall == pytest.approx(7 / 18)
    assert nucleus.specificity == pytest.approx(180 / 182)
    assert nucleus.accuracy == pytest.approx(187 / 200)
    assert nucleus.accuracy_all_background == pytest.approx(182 / 200)
    assert (nucleus.n, nucleus.n_empty) == (2, 0)
    assert math.isnan(nucleus.empty_false_positive_rate)
    assert _same(nucleus, scores["all"])  # one foreground class is all there is


def test_dice_of_a_volume_is_not_the_mean_of_its_slices() -> None:
    counts = _binary((8, 0, 0, 92), (0, 4, 4, 92))
    by_slice = metrics.score(counts, ["p1_s1", "p1_s2"], BINARY)["nucleus"]
    by_patient = metrics.score(counts, ["p1", "p1"], BINARY)["nucleus"]
    assert (by_slice.n, by_patient.n) == (2, 1)
    assert by_slice.dice == 0.5
    assert by_patient.dice == pytest.approx(16 / 24)
    assert by_patient.dice_pooled == by_slice.dice_pooled


def test_empty_truths() -> None:
    found, nothing, drawn = (5, 0, 0, 5), (0, 0, 0, 10), (0, 3, 0, 7)
    both = metrics.score(_binary(found, nothing, drawn), ["a", "b", "c"], BINARY)["all"]
    assert (both.dice, both.iou) == (0.5, 0.5)  # 1 and 0; the empty agreement is left out
    assert (both.n, both.n_empty, both.empty_false_positive_rate) == (3, 2, 0.5)
    silent = metrics.score(_binary(nothing, nothing), ["a", "b"], BINARY)["all"]
    undefined = [silent.dice, silent.dice_pooled, silent.iou, silent.precision, silent.recall]
    assert np.isnan(undefined).all()
    assert (silent.specificity, silent.accuracy, silent.accuracy_all_background) == (1, 1, 1)
    assert (silent.n_empty, silent.empty_false_positive_rate) == (2, 0.0)


def test_missing_a_patient_never_raises_a_score() -> None:
    good, missed = (5, 1, 1, 93), (0, 0, 7, 93)
    one = metrics.score(_binary(good), ["a"], BINARY)["nucleus"]
    two = metrics.score(_binary(good, missed), ["a", "b"], BINARY)["nucleus"]
    assert two.precision == one.precision
    assert two.dice < one.dice
    assert two.recall < one.recall


def test_empties_of_several_classes() -> None:
    target = torch.tensor([[[0, 1]], [[0, 0]], [[0, 0]]], dtype=torch.uint8)
    prediction = torch.tensor([[[0, 1]], [[0, 2]], [[0, 0]]], dtype=torch.uint8)
    scores = metrics.score(_counts(prediction, target, 4), ["a", "b", "c"], TISSUE)
    assert list(scores) == ["core", "rim", "scar", "all"]
    assert (scores["core"].dice, scores["core"].n_empty) == (1.0, 2)
    assert (scores["rim"].dice, scores["rim"].n_empty) == (0.0, 3)
    assert scores["rim"].empty_false_positive_rate == pytest.approx(1 / 3)
    assert math.isnan(scores["scar"].dice)
    assert scores["all"].dice == 0.5  # of core and rim; scar has none
    assert (scores["all"].n, scores["all"].n_empty) == (3, 2)
    assert scores["all"].empty_false_positive_rate == 0.5
    assert scores["all"].accuracy == scores["all"].accuracy_all_background == pytest.approx(5 / 6)


def test_binary_scores_agree_with_other_libraries() -> None:
    prediction, target = _masks(2)
    scores = metrics.score(_counts(prediction, target, 2), list("abcdef"), BINARY)["nucleus"]
    each = tm.binary_f1_score(prediction, target, multidim_average="samplewise")
    assert scores.dice == pytest.approx(each.mean().item(), rel=1e-6)
    overlap = dice_score(
        prediction.long(), target.long(), 2, include_background=False, input_format="index"
    )
    assert scores.dice == pytest.approx(overlap.mean().item(), rel=1e-6)
    pairs = [(t.flatten(), p.flatten()) for t, p in zip(target, prediction, strict=True)]
    assert scores.iou == pytest.approx(np.mean([sk.jaccard_score(*pair) for pair in pairs]))
    true, drawn = target.flatten().numpy(), prediction.flatten().numpy()
    assert scores.dice_pooled == pytest.approx(sk.f1_score(true, drawn))
    assert scores.precision == pytest.approx(sk.precision_score(true, drawn))
    assert scores.recall == pytest.approx(sk.recall_score(true, drawn))
    assert scores.specificity == pytest.approx(sk.recall_score(true, drawn, pos_label=0))
    assert scores.accuracy == pytest.approx(sk.accuracy_score(true, drawn))
    assert scores.accuracy_all_background == pytest.approx(sk.accuracy_score(true, 0 * true))


def test_multiclass_scores_agree_with_other_libraries() -> None:
    prediction, target = _masks(4)
    scores = metrics.score(_counts(prediction, target, 4), list("abcdef"), TISSUE)
    each = tm.multiclass_f1_score(
        prediction.long(), target.long(), 4, average="none", multidim_average="samplewise"
    )
    true, drawn = target.flatten().numpy(), prediction.flatten().numpy()
    pooled = sk.f1_score(true, drawn, labels=[1, 2, 3], average=None)
    for index, name in enumerate(TISSUE[1:]):
        assert scores[name].dice == pytest.approx(each[:, index + 1].mean().item(), rel=1e-6)
        assert scores[name].dice_pooled == pytest.approx(pooled[index])
        told = (true == index + 1) == (drawn == index + 1)
        assert scores[name].accuracy == pytest.approx(np.mean(told))
    both = scores["all"]
    assert both.dice == pytest.approx(each[:, 1:].mean().item(), rel=1e-6)
    assert both.dice_pooled == pytest.approx(pooled.mean())
    macro = sk.precision_recall_fscore_support(true, drawn, labels=[1, 2, 3], average="macro")
    assert (both.precision, both.recall) == pytest.approx(macro[:2])
    assert both.accuracy == pytest.approx(sk.accuracy_score(true, drawn))
    assert both.accuracy_all_background == pytest.approx(np.mean(true == 0))


def test_order_and_batches_change_nothing() -> None:
    prediction, target = _masks(4, images=40)
    groups = [f"p{index % 7}" for index in range(40)]
    counts = _counts(prediction, target, 4)
    expected = metrics.score(counts, groups, TISSUE)
    order = np.random.default_rng(1).permutation(40)
    parts = [_counts(prediction[o], target[o], 4) for o in np.split(order, [9, 10, 31])]
    shuffled = metrics.score(np.concatenate(parts), [groups[i] for i in order], TISSUE)
    assert all(_same(shuffled[name], expected[name]) for name in expected)


def test_sum_by_group() -> None:
    counts = np.arange(24).reshape(3, 2, 4)
    names, summed = sum_by_group(counts, ["b", "a", "b"])
    assert names == ["a", "b"]
    assert summed.tolist() == [counts[1].tolist(), (counts[0] + counts[2]).tolist()]
    with pytest.raises(ValueError, match="2 records"):
        sum_by_group(counts, ["a", "b"])
    with pytest.raises(ValueError, match="float64"):
        sum_by_group(counts.astype(float), ["a", "b", "c"])


def test_no_records_score_nothing() -> None:
    scores = metrics.score(np.zeros((0, 2, 4), dtype=np.int64), [], BINARY)["all"]
    assert (scores.n, scores.n_empty) == (0, 0)
    assert np.isnan([scores.dice, scores.iou, scores.accuracy]).all()


def test_what_does_not_fit_is_refused() -> None:
    counts = _binary((1, 2, 3, 4))
    with pytest.raises(SegkitError, match="name of its own"):
        metrics.score(counts, ["a"], ("background", "all"))
    with pytest.raises(ValueError, match="for the classes"):
        metrics.score(counts, ["a"], TISSUE)
    with pytest.raises(ValueError, match="against truth"):
        metrics.confusion_counts(torch.zeros(1, 2, 2), torch.zeros(1, 2, 3), 2)
