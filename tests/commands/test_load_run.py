"""``load_run``: what the predictor of one run and of several answers, on the run of the session."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from segkit.inference.predictor import Predictor
from segkit.runs import load_run
from tests.commands.predicting import picture


def test_one_tile_is_the_whole_image_at_its_own_size(predictor: Predictor) -> None:
    image = picture(1)
    member = predictor.members[0]
    own = Predictor(
        [type(member)(member.network, None, member.channels)],
        task=predictor.task,
        device="cpu",
        precision="32-true",
    )
    whole, tiled = own(image), own(image, tile=76, overlap=8)
    assert np.array_equal(whole.probability, tiled.probability)
    assert np.array_equal(whole.mask, tiled.mask)
    assert whole.mask.dtype == np.uint8
    assert whole.probability.shape == (1, 60, 76)
    mask, probability = whole
    assert mask is whole.mask
    assert np.array_equal(mask, probability[0] > predictor.task.settings["threshold"])


def test_flips_and_turns_make_the_answer_symmetric(predictor: Predictor) -> None:
    image = picture(8, (48, 48, 3))
    for tta, turned in (("flip", image[:, ::-1]), ("rotate", np.rot90(image))):
        once = predictor(image, tta=tta).probability[0]
        again = predictor(turned, tta=tta).probability[0]
        back = again[:, ::-1] if tta == "flip" else np.rot90(again, -1)
        np.testing.assert_allclose(once, back, atol=1e-4)
    plain = predictor(image).probability
    assert not np.allclose(plain, predictor(image, tta="rotate").probability, atol=1e-4)


def test_several_runs_answer_with_their_mean(run: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run.folder, other)
    config = yaml.safe_load((other / "config.yaml").read_text("utf-8"))
    config["dataset"]["size"] = 64
    (other / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    image = picture(1)
    chances = [
        load_run(path, device="cpu", precision="32-true")(image).probability
        for path in ([run.folder], [other], [run.folder, other])
    ]
    assert not np.allclose(chances[0], chances[1], atol=1e-4)
    np.testing.assert_allclose(chances[2], (chances[0] + chances[1]) / 2, atol=1e-5)


def test_a_scale_shrinks_before_the_tiles_are_cut(predictor: Predictor) -> None:
    found = predictor(picture(1), tile=32, overlap=8, scale=0.5)
    assert found.mask.shape == (60, 76)
