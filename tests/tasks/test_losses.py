"""The losses against sums done by hand, other libraries, and the extremes."""

import math

import numpy as np
import pytest
import segmentation_models_pytorch.losses as smp
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from segkit.core.errors import SegkitError
from segkit.tasks import losses

LOSSES: list[losses.SegmentationLoss] = [
    losses.CrossEntropy(),
    losses.Dice(),
    losses.Dice(smooth=0, per_image=True),
    losses.CrossEntropyDice(),
    losses.Focal(),
    losses.Focal(alpha=0.25, gamma=0.5),
    losses.Tversky(),
    losses.Lovasz(),
    losses.Lovasz(per_image=True),
]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=[type(loss).__name__ for loss in LOSSES])
every_task = pytest.mark.parametrize("classes", [1, 4])


def _case(classes: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, classes, 6, 5, generator=generator)
    return logits, torch.randint(0, max(2, classes), (2, 6, 5), generator=generator)


def _value(loss: nn.Module, logits: Tensor, target: Tensor) -> float:
    value: Tensor = loss(logits, target)
    assert value.shape == ()
    return value.item()


def _numpy_tversky(
    logits: Tensor, target: Tensor, costs: tuple[float, float], smooth: float, per_image: bool
) -> float:
    """Work the formula out pixel sum by pixel sum, in float64 and without torch."""
    scores, truth = logits.numpy().astype(np.float64), target.numpy()
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    probability = np.moveaxis(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), 1, 0)
    terms = []
    for part in np.split(np.arange(2), 2 if per_image else 1):
        for index in range(1, len(probability)):
            p, true = probability[index][part], truth[part] == index
            tp, fp, fn = p[true].sum(), p[~true].sum(), (1 - p)[true].sum()
            score = (tp + smooth) / (tp + costs[0] * fp + costs[1] * fn + smooth)
            terms.append(1 - score if true.any() else p.mean())
    return float(np.mean(terms))


@pytest.mark.parametrize(
    ("loss", "target", "expected"),
    [
        (losses.CrossEntropy(), (1, 1, 0), -math.log(0.75 * 0.5 * 0.75) / 3),
        (losses.CrossEntropy(weight=[1, 3]), (1, 1, 0), -math.log(0.375**3 * 0.75) / 7),
        # Σ p·t = 1.25, Σ p = 1.5, Σ t = 2
        (losses.Dice(smooth=0), (1, 1, 0), 1 - 2.5 / 3.5),
        (losses.Dice(smooth=1), (1, 1, 0), 1 - 3.5 / 4.5),
        (losses.Dice(smooth=0), (0, 0, 0), 0.5),
        (losses.Dice(smooth=1), (0, 0, 0), 0.5),
        # TP = 1.25, FP = 0.25, FN = 0.75
        (losses.Tversky(alpha=0.2, beta=0.8, smooth=0.5), (1, 1, 0), 1 - 1.75 / 2.4),
        (losses.Focal(alpha=0.2), (1, 0, 0), -(math.log(0.75) / 16 + math.log(0.5) / 5) / 3),
        # Hinges 1 + log 3 (drawn wrongly), 1 (missed) and none; the Jaccard loss is 1/2 after the
        # first error and 1 after both.
        (losses.Lovasz(), (0, 1, 0), (1 + math.log(3)) / 2 + 1 / 2),
    ],
)
def test_by_hand(loss: nn.Module, target: tuple[int, ...], expected: float) -> None:
    logits = torch.tensor([0.75, 0.5, 0.25]).logit().view(1, 1, 1, 3)
    assert _value(loss, logits, torch.tensor([[target]])) == pytest.approx(expected)


@every_task
@pytest.mark.parametrize("per_image", [False, True])
def test_overlap_losses_agree_with_numpy(classes: int, per_image: bool) -> None:
    logits, target = _case(classes)
    target[0] = 0  # the first image is empty
    dice = losses.Dice(smooth=2.0, per_image=per_image)
    expected = _numpy_tversky(logits, target, (0.5, 0.5), 1.0, per_image)
    assert _value(dice, logits, target) == pytest.approx(expected, rel=1e-5)
    tversky = losses.Tversky(alpha=0.3, beta=0.7, smooth=0.0, per_image=per_image)
    expected = _numpy_tversky(logits, target, (0.3, 0.7), 0.0, per_image)
    assert _value(tversky, logits, target) == pytest.approx(expected, rel=1e-5)


def test_losses_agree_with_torch_and_smp() -> None:
    logits, target = _case(4)
    weight = [0.5, 1.0, 2.0, 3.0]
    expected = F.cross_entropy(logits, target, weight=torch.tensor(weight)).item()
    assert _value(losses.CrossEntropy(weight=weight), logits, target) == pytest.approx(expected)
    expected = F.cross_entropy(logits, target).item()
    assert _value(losses.Focal(gamma=0), logits, target) == pytest.approx(expected)
    logits, target = _case(1)
    focal = smp.FocalLoss("binary", alpha=0.3, gamma=1.5)(logits, target).item()
    assert _value(losses.Focal(alpha=0.3, gamma=1.5), logits, target) == pytest.approx(focal)
    dice = smp.DiceLoss("binary", smooth=0.5)(logits, target).item()
    assert _value(losses.Dice(smooth=1.0), logits, target) == pytest.approx(dice, rel=1e-5)
    entropy = F.binary_cross_entropy_with_logits(logits[:, 0], target.float()).item()
    assert _value(losses.BinaryCrossEntropy(), logits, target) == pytest.approx(entropy)
    both = losses.CrossEntropyDice(entropy_weight=0.5, dice_weight=2.0)
    assert _value(both, logits, target) == pytest.approx(0.5 * entropy + 2 * dice, rel=1e-5)


def test_one_logit_is_two_class_softmax() -> None:
    logits, target = _case(1)
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    weighted = losses.CrossEntropy(weight=[1, 5])
    for loss in (weighted, losses.Dice(), losses.Focal(alpha=0.2), losses.Tversky()):
        assert _value(loss, logits, target) == pytest.approx(_value(loss, two, target), rel=1e-5)


@every_loss
@every_task
def test_perfect_prediction_is_near_zero(loss: nn.Module, classes: int) -> None:
    _, target = _case(classes)
    truth = F.one_hot(target, max(2, classes)).movedim(-1, 1).float()[:, -classes:]
    assert 0 <= _value(loss, 40 * truth - 20, target) < 1e-4
    assert _value(loss, 20 - 40 * truth, target) > 0.2


@every_loss
@every_task
@pytest.mark.parametrize("filling", ["mixed", "empty", "full"])
def test_value_and_gradient_are_finite(loss: nn.Module, classes: int, filling: str) -> None:
    logits, target = _case(classes)
    if filling != "mixed":
        target = torch.full_like(target, 0 if filling == "empty" else max(1, classes - 1))
    one = torch.ones_like(logits)
    for extreme in (1e4 * logits.sign(), 1e4 * one, -1e4 * one, 0 * one, logits):
        given = extreme.clone().requires_grad_()
        value = loss(given, target)
        (gradient,) = torch.autograd.grad(value, given)
        assert value.isfinite()
        assert value >= 0
        assert gradient.isfinite().all()


@every_loss
@every_task
def test_descent_on_the_logits_finds_the_truth(loss: nn.Module, classes: int) -> None:
    logits, target = _case(classes)
    optimizer = torch.optim.Adam([logits.requires_grad_()], lr=0.3)
    for _ in range(150):
        optimizer.zero_grad()
        loss(logits, target).backward()
        optimizer.step()
    found = logits.argmax(dim=1) if classes > 1 else (logits[:, 0] > 0).long()
    assert torch.equal(found, target)


@every_task
def test_an_empty_batch_still_teaches(classes: int) -> None:
    logits = torch.zeros(2, classes, 64, 64, requires_grad=True)
    target = torch.zeros(2, 64, 64, dtype=torch.uint8)
    (gradient,) = torch.autograd.grad(losses.Dice()(logits, target), logits)
    (entropy,) = torch.autograd.grad(losses.CrossEntropy()(logits, target), logits)
    ratio = (gradient / entropy)[:, min(1, classes - 1) :]
    # Down, and of cross entropy's size, although it is shared among the foreground classes.
    assert (ratio > 0.05).all()
    assert (ratio < 5).all()


@every_loss
@every_task
def test_types(loss: nn.Module, classes: int) -> None:
    logits, target = _case(classes)
    half = logits.bfloat16()
    expected = _value(loss, half.float(), target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(half, target.to(torch.uint8))
    assert value.dtype == torch.float32
    assert value.item() == expected
    assert _value(loss, half.double(), target) == expected


@every_task
def test_no_loss_but_lovasz_waits_for_the_device(classes: int) -> None:
    # Meta tensors have no values, so whatever needs one on the host fails.
    logits, target = (tensor.to("meta") for tensor in _case(classes))
    for loss in LOSSES:
        if not isinstance(loss, losses.Lovasz):
            assert loss(logits, target).shape == ()


def test_what_does_not_fit_is_refused() -> None:
    logits, target = _case(3)
    with pytest.raises(ValueError, match="do not fit"):
        losses.Dice()(logits, target[:, :-1])
    with pytest.raises(ValueError, match="class indices"):
        losses.Dice()(logits, target.float())
    with pytest.raises(SegkitError, match="bce_dice"):
        losses.BinaryCrossEntropy()(logits, target)
    with pytest.raises(SegkitError, match="2 numbers for 3 classes"):
        losses.CrossEntropy(weight=[1, 2])(logits, target)
