"""From outputs to labels: several networks together, bands, and the objective's planes."""

import numpy as np
import pytest
import torch

from segkit.core.contracts import Batch
from segkit.tasks.instance.decoder import InstanceDecoder
from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.targets import PLANES, encode
from segkit.tasks.instance.watershed import decode
from tests.tasks.instance.shapes import TASK, discs, random_maps, sure

DECODER = InstanceDecoder(Settings())
TWO = discs((12, 14, 8), (12, 29, 8))


def outputs(seed: int) -> torch.Tensor:
    return torch.logit(torch.from_numpy(random_maps(seed)), eps=1e-6)[None]


def test_the_mean_of_several_is_of_their_maps() -> None:
    several = [outputs(seed) for seed in range(3)]
    found = DECODER.maps(DECODER.mean(several))
    expected = torch.stack([one.sigmoid() for one in several]).mean(dim=0)
    torch.testing.assert_close(found, expected, atol=2e-7, rtol=1e-5)
    # Of logits it would be another: 0.5 where one is sure and one is not is not what they say.
    means = torch.stack(several).mean(dim=0).sigmoid()
    assert (means - expected).abs().max() > 0.05


def test_the_mean_of_one_is_itself_to_the_last_bit() -> None:
    one = torch.tensor([1e4, -1e4, 0.1]).view(1, 3, 1, 1)
    assert DECODER.mean([one]) is one


def test_the_mean_of_those_that_are_sure_is_finite_and_sure() -> None:
    far = torch.full((1, 3, 2, 2), 200.0)
    found = DECODER.mean([far, far])
    assert torch.isfinite(found).all()
    assert (DECODER.maps(found) > 0.999999).all()
    assert (DECODER.maps(DECODER.mean([far, -far])) == 0.5).all()


def test_what_is_decoded_is_the_labels() -> None:
    labels = DECODER.decode(torch.stack([sure(TWO), sure(discs())]))
    assert labels.dtype == torch.int32
    assert labels.shape == (2, *TWO.shape)
    # Where they touch, a pixel may be either's.
    assert ((labels[0].numpy() > 0) == (TWO > 0)).all()
    assert (labels[0].numpy() != TWO).sum() <= 2
    assert not labels[1].any()


def test_half_precision_is_decoded_in_full() -> None:
    half = sure(TWO)[None].to(torch.bfloat16)
    assert DECODER.maps(half).dtype == torch.float32
    assert torch.equal(DECODER.decode(half), DECODER.decode(half.float()))


@pytest.mark.parametrize("rows", [1, 7, 64])
@pytest.mark.parametrize("maps", [True, False])
def test_answers_in_bands_are_those_of_the_whole(rows: int, maps: bool) -> None:
    planes = outputs(4)[0]
    bands = [planes[:, top : top + rows].numpy() for top in range(0, planes.shape[1], rows)]
    answers = list(DECODER.answers(bands, maps=maps))
    found = np.concatenate([labels for _, labels in answers])
    expected = DECODER.maps(planes[None])
    np.testing.assert_array_equal(found, decode(expected[0].numpy(), Settings()))
    assert found.max() > 10
    shown = [band for band, _ in answers]
    if maps:
        # torch computes what does not fill a vector in another way, to the last bit.
        together = np.concatenate([band for band in shown if band is not None], axis=1)
        np.testing.assert_allclose(together, expected[0].numpy(), rtol=1e-6)
    else:
        assert shown == [None] * len(answers)


def test_settings_change_what_is_found() -> None:
    found = [
        int(InstanceDecoder(settings).decode(outputs(4)).max())
        for settings in (Settings(), Settings(min_area=60), Settings(threshold=0.9))
    ]
    assert len(set(found)) == 3


def test_the_target_is_of_the_loaders_or_made_of_labels() -> None:
    labels = torch.from_numpy(np.stack([TWO, discs((20, 20, 9), ids=(2**31 - 1,))]))
    batch = Batch(image_BCHW=torch.zeros(0), mask_BHW=labels, index_B=torch.arange(2))
    made = TASK.objective.target(batch)
    assert made.dtype == torch.float32
    for n, planes in enumerate(made):
        np.testing.assert_array_equal(planes.numpy(), encode(labels[n].numpy()))
    given = torch.rand(2, 3, *TWO.shape)
    batch["target"] = given
    assert TASK.objective.target(batch) is given


def test_the_network_gives_a_logit_for_each_plane() -> None:
    objective = TASK.objective
    assert objective.outputs == objective.core_outputs == len(PLANES) == len(TASK.decoder.planes)
    assert objective.example((2, 8, 6)).shape == (2, 3, 8, 6)
    assert TASK.truth().labels
    encode_ = TASK.truth().encode
    assert encode_ is not None
    np.testing.assert_array_equal(encode_(TWO), encode(TWO))
