"""The losses: logits and class indices in, one number out.

Every loss is called as ``loss(logits_BKHW, target_BHW)``:

- ``logits_BKHW``: (B, K, H, W) of any floating type, unbounded. K = 1 means binary: one logit,
  whose sigmoid is the probability of the foreground. K > 1 means softmax over K classes, of which
  class 0 is the background.
- ``target_BHW``: (B, H, W) integers (uint8, int64, …): 0 or 1 when K = 1, else 0…K-1. Values are
  not checked, for that would make a GPU wait; the readers have checked them.

It returns a float32 scalar, computed in float32 under autocast too, that is at least 0, finite for
finite logits, and near 0 for a perfect prediction.
Arguments outside their ranges raise :class:`~segkit.core.errors.SegkitError`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from segmentation_models_pytorch.losses import LovaszLoss
from torch import Tensor, nn

from segkit.core.errors import SegkitError


class SegmentationLoss(nn.Module, ABC):
    """What the losses share: shapes are checked, the arithmetic is in full precision."""

    def forward(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        """Return the loss, a scalar; the module's docstring gives shapes, types and ranges.

        Raises:
            ValueError: the two tensors do not fit together, or the target is not of integers.
        """
        batch, _, rows, columns = logits_BKHW.shape
        if target_BHW.shape != (batch, rows, columns):
            raise ValueError(f"logits {logits_BKHW.shape} do not fit target {target_BHW.shape}")
        if target_BHW.is_floating_point():
            raise ValueError(f"target must hold class indices, got {target_BHW.dtype}")
        # Autocast lowers matrix products and convolutions alone, of which the losses have none.
        return self._loss(logits_BKHW.float(), target_BHW.long())

    @abstractmethod
    def _loss(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        """Return the loss of float32 logits against int64 indices."""


class CrossEntropy(SegmentationLoss):
    """Cross entropy, the mean over pixels of −log p(true class).

    With ``weight`` it is Σ w(t) · −log p(t) / Σ w(t) over the pixels, t being a pixel's true
    class: the definition of :func:`torch.nn.functional.cross_entropy`, for one logit as well.

    Args:
        weight: a positive weight for each class, background first (two of them when K = 1); None
            weighs all pixels alike.
    """

    weight: Tensor | None

    def __init__(self, *, weight: Sequence[float] | None = None) -> None:
        super().__init__()
        _require(all(w > 0 for w in weight or ()), f"weight={weight}", "give positive weights")
        tensor = None if weight is None else torch.tensor([float(w) for w in weight])
        # Not persistent: a setting, which a checkpoint must not bring back.
        self.register_buffer("weight", tensor, persistent=False)

    def _loss(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        entropy_BHW = _cross_entropy(logits_BKHW, target_BHW)
        if self.weight is None:
            return entropy_BHW.mean()
        given, classes = len(self.weight), max(2, logits_BKHW.shape[1])
        remedy = f"give {classes}, one for each class, background first"
        _require(given == classes, f"weight, {given} numbers for {classes} classes", remedy)
        weight_BHW = self.weight.to(entropy_BHW.dtype)[target_BHW]
        return (weight_BHW * entropy_BHW).sum() / weight_BHW.sum()


class BinaryCrossEntropy(CrossEntropy):
    """:class:`CrossEntropy` for K = 1; more classes are refused, so that the name stays true."""

    def _loss(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        setting = f"_target_=BinaryCrossEntropy, for {logits_BKHW.shape[1]} classes"
        _require(logits_BKHW.shape[1] == 1, setting, "take loss=cross_entropy or loss=bce_dice")
        return super()._loss(logits_BKHW, target_BHW)


class Focal(SegmentationLoss):
    """Focal loss: the mean over pixels of a(t) · (1 − p)^γ · −log p, p = p(true class).

    a(t) is α for foreground and 1 − α for background, or 1 without α. Source: Lin et al. 2017,
    arXiv:1708.02002, equation 5, with the mean over pixels in place of the number of anchors.
    Not SMP's, which turns K classes into K independent sigmoids where the prediction is a softmax.

    Args:
        alpha: weight of the foreground, 0 < α < 1; None weighs both sides alike.
        gamma: how much well-classified pixels fade, 0 or more; 0 gives cross entropy.
    """

    def __init__(self, *, alpha: float | None = None, gamma: float = 2.0) -> None:
        super().__init__()
        _require(alpha is None or 0 < alpha < 1, f"alpha={alpha}", "choose 0 < alpha < 1, or null")
        _require(gamma >= 0, f"gamma={gamma}", "choose 0 or more")
        self.alpha = alpha
        self.gamma = gamma

    def _loss(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        entropy_BHW = _cross_entropy(logits_BKHW, target_BHW)
        # The floor keeps the gradient finite where p = 1 and γ < 1.
        missing_BHW = (-torch.expm1(-entropy_BHW)).clamp_min(1e-12)
        loss_BHW = missing_BHW.pow(self.gamma) * entropy_BHW
        if self.alpha is not None:
            loss_BHW = loss_BHW * torch.where(target_BHW > 0, self.alpha, 1 - self.alpha)
        return loss_BHW.mean()


class Tversky(SegmentationLoss):
    """Tversky loss: 1 minus the soft Tversky index, the mean over the foreground classes.

    For each class, with p its probability and t its truth (0 or 1), summed over pixels:
    TP = Σ p·t, FP = Σ p·(1 − t), FN = Σ (1 − p)·t, and the term is

        1 − (TP + s) / (TP + α·FP + β·FN + s)      where Σ t > 0,
        Σ p / number of pixels                     where Σ t = 0.

    The index says nothing of a class that the truth does not hold: the term is then the mean
    probability given to it, whose gradient is of cross entropy's size. Smoothing alone would leave
    Σp / (Σp + s), which is flat once Σp is some hundred pixels; SMP's losses leave 0, from which
    nothing is learnt, and average over the background too: hence our own. Source: Salehi et al.
    2017, arXiv:1706.05721 (without s and the empty case).

    Args:
        alpha: cost of a false positive, positive.
        beta: cost of a false negative, positive; above ``alpha`` it buys recall with precision.
        smooth: s, in pixels, 0 or more: softens the term of a class of few pixels.
        per_image: sum over each image and average the images' terms; else sum over the batch.
    """

    def __init__(
        self, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0, per_image: bool = False
    ) -> None:
        super().__init__()
        _require(alpha > 0, f"alpha={alpha}", "choose a positive number")
        _require(beta > 0, f"beta={beta}", "choose a positive number")
        _require(smooth >= 0, f"smooth={smooth}", "choose 0 or more")
        self.alpha = alpha
        self.beta = beta
        self.smooth = smooth
        self.dims = (2, 3) if per_image else (0, 2, 3)

    def _loss(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        probability, truth = _foreground(logits_BKHW, target_BHW)
        size = truth.sum(self.dims)
        hit = (probability * truth).sum(self.dims)
        false_positive = probability.sum(self.dims) - hit
        denominator = hit + self.alpha * false_positive + self.beta * (size - hit) + self.smooth
        absent = size == 0
        # Divided by 1 where the quotient is not used: 0/0 would reach the gradient as NaN.
        tversky = (hit + self.smooth) / torch.where(absent, 1.0, denominator)
        return torch.where(absent, probability.mean(self.dims), 1 - tversky).mean()


class Dice(Tversky):
    """Soft Dice loss, 1 − (2·Σ p·t + s) / (Σ p + Σ t + s), the mean over the foreground classes.

    :class:`Tversky` with α = β = ½ and half the smoothing; arguments, and the term of a class that
    the truth does not hold, are as there. Source: Drozdzal et al. 2016, arXiv:1608.04117, linear
    in the denominator (without s and the empty case).
    """

    def __init__(self, *, smooth: float = 1.0, per_image: bool = False) -> None:
        super().__init__(alpha=0.5, beta=0.5, smooth=smooth / 2, per_image=per_image)


class CrossEntropyDice(Dice):
    """``entropy_weight`` · :class:`CrossEntropy` + ``dice_weight`` · :class:`Dice`.

    Cross entropy (binary when K = 1) gives every pixel a gradient, Dice keeps a small foreground
    from being drowned. ``smooth`` and ``per_image`` are those of Dice.
    """

    def __init__(
        self,
        *,
        entropy_weight: float = 1.0,
        dice_weight: float = 1.0,
        smooth: float = 1.0,
        per_image: bool = False,
    ) -> None:
        super().__init__(smooth=smooth, per_image=per_image)
        _require(entropy_weight >= 0, f"entropy_weight={entropy_weight}", "choose 0 or more")
        _require(dice_weight >= 0, f"dice_weight={dice_weight}", "choose 0 or more")
        self.entropy_weight = entropy_weight
        self.dice_weight = dice_weight

    def _loss(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        entropy = _cross_entropy(logits_BKHW, target_BHW).mean()
        dice = super()._loss(logits_BKHW, target_BHW)
        return self.entropy_weight * entropy + self.dice_weight * dice


class Lovasz(SegmentationLoss):
    """Lovász extension of the Jaccard loss 1 − IoU, as SMP has it.

    K = 1: the Lovász hinge on the logit, 0 once every logit is on its side by a margin of 1, and
    without an upper bound. K > 1: Lovász-Softmax, the mean over the classes in the truth,
    background included. Source: Berman et al. 2018, arXiv:1705.08790. An empty binary truth sends
    its gradient to the most wrong pixel alone. Sorts the pixels; on a GPU, K > 1 waits for it.

    Args:
        per_image: the mean of the images' losses, instead of one loss over the batch's pixels.
    """

    def __init__(self, *, per_image: bool = False) -> None:
        super().__init__()
        self.binary = LovaszLoss(mode="binary", per_image=per_image)
        self.multiclass = LovaszLoss(mode="multiclass", per_image=per_image)

    def _loss(self, logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
        binary = logits_BKHW.shape[1] == 1
        loss: Tensor = (self.binary if binary else self.multiclass)(logits_BKHW, target_BHW)
        return loss


def _cross_entropy(logits_BKHW: Tensor, target_BHW: Tensor) -> Tensor:
    """Return −log p(true class) of every pixel, (B, H, W)."""
    if logits_BKHW.shape[1] > 1:
        return F.cross_entropy(logits_BKHW, target_BHW, reduction="none")
    logits_BHW = logits_BKHW[:, 0]
    target = target_BHW.to(logits_BHW.dtype)
    return F.binary_cross_entropy_with_logits(logits_BHW, target, reduction="none")


def _foreground(logits_BKHW: Tensor, target_BHW: Tensor) -> tuple[Tensor, Tensor]:
    """Return probability and truth (0 or 1) of each foreground class, both (B, K-1 or 1, H, W)."""
    classes = logits_BKHW.shape[1]
    if classes == 1:
        return logits_BKHW.sigmoid(), target_BHW.unsqueeze(1).to(logits_BKHW.dtype)
    index_K11 = torch.arange(1, classes, device=target_BHW.device)[:, None, None]
    truth = (target_BHW.unsqueeze(1) == index_K11).to(logits_BKHW.dtype)
    return logits_BKHW.softmax(dim=1)[:, 1:], truth


def _require(condition: bool, setting: str, remedy: str) -> None:
    if not condition:
        raise SegkitError("an impossible loss", where=f"loss.{setting}", remedy=remedy)
