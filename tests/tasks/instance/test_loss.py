"""The loss of objects against sums done by hand, and what each of its terms learns from."""

import math

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

from segkit.core.errors import SegkitError
from segkit.tasks.instance.loss import ObjectLoss
from segkit.tasks.instance.targets import PLANES, encode
from tests.conf.configurations import CONF
from tests.tasks.instance.shapes import discs, sure

TOUCHING = discs((12, 14, 8), (12, 29, 8), (36, 50, 6))
APART = discs((12, 12, 6), (12, 44, 6))


def target(*labels: object) -> Tensor:
    return torch.stack([torch.from_numpy(encode(one)) for one in labels])  # type: ignore[arg-type]


def noise(like: Tensor, seed: int = 0) -> Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))


def tiny(foreground: list[float], contact: list[float], distance: list[float]) -> Tensor:
    """(1, 3, 1, W)."""
    return torch.tensor([foreground, contact, distance])[None, :, None, :]


def test_by_hand() -> None:
    # Four pixels in a row: two objects that touch, a gap. A pixel of rim beside the foreground.
    truth = tiny([1, 1, 0, 0], [1, 0, 0, 0], [1, 0.5, 0, 0])
    probability = tiny([0.8, 0.6, 0.3, 0.1], [0.5, 0.2, 0.1, 0.4], [0.7, 0.5, 0.25, 0.9])
    terms = ObjectLoss().terms(probability.logit(), truth)
    entropy = -(math.log(0.8) + math.log(0.6) + math.log(0.7) + math.log(0.9)) / 4
    dice = 1 - (2 * 1.4 + 1) / (1.8 + 2 + 1)
    assert terms["foreground"].item() == pytest.approx(entropy + dice)
    # Three negatives to one positive: it weighs 3.
    entropy = -(3 * math.log(0.5) + math.log(0.8) + math.log(0.9) + math.log(0.6)) / 4
    dice = 1 - (2 * 0.5 + 1) / (1.2 + 1 + 1)
    assert terms["contact"].item() == pytest.approx(entropy + dice)
    # The last pixel is neither foreground nor beside it.
    assert terms["distance"].item() == pytest.approx(2 * (0.3 + 0 + 0.25) / 3)
    assert list(terms) == list(PLANES)
    assert ObjectLoss()(probability.logit(), truth).item() == pytest.approx(
        sum(term.item() for term in terms.values())
    )


def test_a_rare_contact_weighs_twenty_at_most() -> None:
    side = 100
    truth = torch.zeros(1, 3, side, side)
    truth[0, 1, 0, 0] = 1
    outputs = torch.zeros(1, 3, side, side)  # a half everywhere
    found = ObjectLoss().terms(outputs, truth)["contact"].item()
    entropy = math.log(2) * (20 + side**2 - 1) / side**2
    dice = 1 - (2 * 0.5 + 1) / (0.5 * side**2 + 1 + 1)
    assert found == pytest.approx(entropy + dice, rel=1e-5)


def test_without_a_contact_there_is_no_dice_of_it() -> None:
    """Its absent term would be the mean probability, as large as all the entropy."""
    truth = target(APART)
    assert truth[:, 1].sum() == 0
    outputs = torch.full_like(truth, -1.0).requires_grad_()
    term = ObjectLoss().terms(outputs, truth)["contact"]
    assert term.item() == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-5)
    term.backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    size = truth[:, 1].numel()
    expected = torch.full_like(truth[:, 1], torch.tensor(-1.0).sigmoid().item() / size)
    torch.testing.assert_close(outputs.grad[:, 1], expected)
    # One image of the batch with a contact is enough.
    both = target(APART, TOUCHING)
    with_dice = ObjectLoss().terms(torch.full_like(both, -1.0), both)["contact"].item()
    assert with_dice > 1


@pytest.mark.parametrize("labels", [TOUCHING, APART, discs()], ids=["touching", "apart", "empty"])
def test_each_plane_learns_of_its_own_term_and_downwards(labels: object) -> None:
    truth = target(labels)
    for number, name in enumerate(PLANES):
        outputs = noise(truth).requires_grad_()
        ObjectLoss().terms(outputs, truth)[name].backward()  # type: ignore[no-untyped-call]
        assert outputs.grad is not None
        moved = outputs.grad.abs().sum(dim=(0, 2, 3))
        learns = [plane == number for plane in range(3)]
        if name == "distance" and not truth[:, 0].any():
            learns = [False] * 3  # nothing is known of it where no object is
        assert (moved > 0).tolist() == learns
        assert torch.isfinite(outputs.grad).all()
        if any(learns):
            better = outputs.detach() - 0.1 * outputs.grad
            loss = ObjectLoss()
            assert loss.terms(better, truth)[name] < loss.terms(outputs, truth)[name]


def test_the_distance_learns_over_the_foreground_and_one_pixel_around_it() -> None:
    truth = target(APART)
    outputs = noise(truth).requires_grad_()
    ObjectLoss().terms(outputs, truth)["distance"].backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    rim = torch.nn.functional.max_pool2d(truth[:, :1], 3, 1, 1)[:, 0] > 0
    assert torch.equal(outputs.grad[:, 2] != 0, rim)
    assert rim.sum() > truth[:, 0].sum()


def test_who_knows_the_truth_loses_next_to_nothing() -> None:
    truth = target(TOUCHING, APART, discs())
    known = torch.stack([sure(labels) for labels in (TOUCHING, APART, discs())])
    assert ObjectLoss()(known, truth) < 0.03  # of a smooth Dice
    assert ObjectLoss()(noise(truth), truth) > 2
    swapped = known[:, [1, 0, 2]]
    assert ObjectLoss()(swapped, truth) > 2, "planes are told apart"


@pytest.mark.parametrize("name", PLANES)
def test_a_weight_is_of_its_term_alone(name: str) -> None:
    truth = target(TOUCHING)
    outputs = noise(truth)
    one, other = ObjectLoss(), ObjectLoss(**{name: 3.0})
    before, after = one.terms(outputs, truth), other.terms(outputs, truth)
    for plane in PLANES:
        factor = 3.0 / one.weights[name] if plane == name else 1.0
        assert after[plane].item() == pytest.approx(factor * before[plane].item())
    none = ObjectLoss(**{name: 0})
    assert none.terms(outputs, truth)[name] == 0


@pytest.mark.parametrize("name", PLANES)
def test_a_weight_below_nothing_is_refused(name: str) -> None:
    with pytest.raises(SegkitError, match="an impossible loss") as caught:
        ObjectLoss(**{name: -0.5})
    assert caught.value.where == f"loss.{name}=-0.5"
    assert "0 or more" in caught.value.remedy


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_counted_in_full(kind: torch.dtype) -> None:
    truth = target(TOUCHING, APART)
    outputs = (4 * noise(truth)).to(kind)
    found = ObjectLoss()(outputs, truth)
    assert found.dtype == torch.float32
    assert found == ObjectLoss()(outputs.float(), truth)
    assert torch.isfinite(ObjectLoss()(torch.full_like(outputs, -60000), truth))


def test_what_does_not_fit_is_refused() -> None:
    truth = target(TOUCHING)
    with pytest.raises(ValueError, match="do not fit"):
        ObjectLoss()(truth[:, :, 1:], truth)
    with pytest.raises(ValueError, match="do not fit"):
        ObjectLoss()(truth, truth.long())


def test_the_configuration_has_the_defaults() -> None:
    configured = instantiate(OmegaConf.load(CONF / "loss" / "objects.yaml"))
    assert isinstance(configured, ObjectLoss)
    assert configured.weights == ObjectLoss().weights == {
        "foreground": 1.0,
        "contact": 1.0,
        "distance": 2.0,
    }
