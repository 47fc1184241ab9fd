"""The loss of objects: a term for each plane."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from segkit.core.errors import SegkitError
from segkit.tasks.losses import CrossEntropyDice, Dice

# A plane that is nearly empty would be worth nothing, and one that is all but empty everything.
_MOST_WEIGHT = 20.0


class ObjectLoss(nn.Module):
    """A weighted sum over the planes of :mod:`segkit.tasks.instance.targets`.

    - foreground: binary cross entropy and soft Dice, as the semantic task has it;
    - contact: binary cross entropy, whose positive pixels weigh min(negatives / positives, 20), and
      the Dice over the batch, where it has a contact at all;
    - distance: absolute error over the foreground and one pixel around it.

    It is called as ``loss(outputs_B3HW, target_B3HW)``: logits of any floating type, and what
    ``encode`` makes of labels. It returns a float32 scalar, at least 0.

    Args:
        foreground, contact, distance: weight of each term, 0 or more.
    """

    def __init__(
        self, *, foreground: float = 1.0, contact: float = 1.0, distance: float = 2.0
    ) -> None:
        super().__init__()
        self.weights = {"foreground": foreground, "contact": contact, "distance": distance}
        for name, weight in self.weights.items():
            if weight < 0:
                raise SegkitError(
                    "an impossible loss", where=f"loss.{name}={weight}", remedy="choose 0 or more"
                )
        self._foreground, self._dice = CrossEntropyDice(), Dice()

    def forward(self, outputs_B3HW: Tensor, target_B3HW: Tensor) -> Tensor:
        """The loss, a scalar.

        Raises:
            ValueError: the two do not fit together.
        """
        return torch.stack(list(self.terms(outputs_B3HW, target_B3HW).values())).sum()

    def terms(self, outputs_B3HW: Tensor, target_B3HW: Tensor) -> dict[str, Tensor]:
        """What it is the sum of, by plane; arguments and errors as there."""
        if outputs_B3HW.shape != target_B3HW.shape or not target_B3HW.is_floating_point():
            raise ValueError(f"outputs {outputs_B3HW.shape} do not fit target {target_B3HW.shape}")
        outputs, target = outputs_B3HW.float(), target_B3HW.float()
        terms = {
            "foreground": self._foreground(outputs[:, :1], target[:, 0].long()),
            "contact": self._contact(outputs[:, 1:2], target[:, 1]),
            "distance": _distance(outputs[:, 2], target),
        }
        return {name: self.weights[name] * term for name, term in terms.items()}

    def _contact(self, logits_B1HW: Tensor, truth_BHW: Tensor) -> Tensor:
        positive = truth_BHW.sum()
        # Without a contact the weight is of no pixel.
        weight = ((truth_BHW.numel() - positive) / positive.clamp_min(1)).clamp(max=_MOST_WEIGHT)
        entropy = functional.binary_cross_entropy_with_logits(
            logits_B1HW[:, 0], truth_BHW, pos_weight=weight
        )
        dice = self._dice(logits_B1HW, truth_BHW.long())
        # Of a batch without contact the Dice's own term would weigh as much as all the entropy.
        return entropy + torch.where(positive > 0, dice, torch.zeros_like(dice))


def _distance(logits_BHW: Tensor, target_B3HW: Tensor) -> Tensor:
    near = functional.max_pool2d(target_B3HW[:, :1], 3, stride=1, padding=1)[:, 0]
    error = (logits_BHW.sigmoid() - target_B3HW[:, 2]).abs() * near
    return error.sum() / near.sum().clamp_min(1)
