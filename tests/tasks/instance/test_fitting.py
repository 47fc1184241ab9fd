"""The decoder's settings, fitted: what is counted is what the decoder gives, the best is found."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from segkit.core.errors import SegkitError
from segkit.tasks.instance.decoder import InstanceDecoder
from segkit.tasks.instance.fitting import CANDIDATES, DecoderFit, best_settings, grid
from segkit.tasks.instance.matching import COUNTS, count, match
from segkit.tasks.instance.metrics import Counts, each
from segkit.tasks.instance.settings import HIGHEST_HALO, Settings
from segkit.tasks.instance.task import InstanceTask
from segkit.tasks.instance.watershed import decode
from tests.tasks.instance.shapes import FITTED, TASK, discs, random_maps, sure

GRID = grid(Settings(), InstanceTask.keys)


def no_units(indices: Sequence[int]) -> list[str]:
    del indices
    raise AssertionError("objects are pooled")


def test_what_is_counted_is_what_the_decoder_gives_at_each_setting() -> None:
    """Holes and islands among them: what goes because it is small leaves a hole to be filled."""
    fit, expected = DecoderFit(FITTED), np.zeros((len(GRID), len(COUNTS)), np.int64)
    for seed in range(3):
        maps = random_maps(seed)
        truth = decode(random_maps(seed + 10), Settings(0.4, 0.4, 5))
        outputs = torch.logit(torch.from_numpy(maps), eps=1e-6)
        seen = TASK.decoder.maps(outputs[None])[0].numpy()
        fit.watch(seed, outputs, torch.zeros(0), torch.from_numpy(truth))
        for place, settings in enumerate(GRID):
            expected[place] += count(match(truth, decode(seen, settings)))
    found, _ = fit.finish()
    assert len({row.tobytes() for row in found}) > len(GRID) // 2, "settings make no difference"
    different = np.flatnonzero((found != expected).any(axis=1))
    assert [GRID[place] for place in different] == []


def test_a_decoder_that_was_planted_is_found() -> None:
    """Foreground is dimly seen, two seeds touch below a high threshold, and dirt is large."""
    truth = discs((12, 14, 9), (12, 30, 9), (34, 20, 8), (34, 48, 9))
    dirt = discs((12, 52, 3))  # 29 pixels
    maps = np.zeros((3, *truth.shape), np.float32)
    maps[0] = np.where((truth > 0) | (dirt > 0), 0.45, 0.35)
    cores = discs((12, 14, 5), (12, 30, 5), (34, 20, 5), (34, 48, 5), (12, 52, 3))
    maps[2] = np.where(cores > 0, 0.9, np.where((truth > 0), 0.35, 0))
    fit = DecoderFit(FITTED)
    fit.watch(0, torch.logit(torch.from_numpy(maps), eps=1e-6), torch.zeros(0), _tensor(truth))
    settings, words = fit.best(no_units)
    assert settings["threshold"] == 0.4
    assert settings["seed_threshold"] == 0.4
    assert settings["min_area"] == 40
    assert "4 validation objects" in words
    assert "ap 1.0000" in words
    assert "threshold 0.4, seed_threshold 0.4, min_area 40" in words
    task = TASK.with_settings(settings)
    assert task.settings == settings
    np.testing.assert_array_equal(decode(maps, task.decoding) > 0, truth > 0)
    default = count(match(truth, decode(maps, Settings())))
    assert each(default[None], "ap")[0] < 0.5, "nothing had to be found"


def test_where_all_are_as_good_the_defaults_stay() -> None:
    truth = discs((12, 14, 9), (34, 44, 10))
    fit = DecoderFit(FITTED)
    fit.watch(0, sure(truth), torch.zeros(0), _tensor(truth))
    # The higher disc has 21 rows.
    assert fit.best(no_units)[0] == asdict(replace(Settings(), halo=32))


@pytest.mark.parametrize("better", range(0, len(GRID), 7))
def test_the_highest_ap_over_all_objects_wins(better: int) -> None:
    """Pooled: many objects in one image outweigh few in another."""
    counts = np.zeros((len(GRID), len(COUNTS)), np.int64)
    at = COUNTS.index
    counts[:, at("true")] = counts[:, at("found")] = 100
    matches = [at(name) for name in COUNTS if name.startswith("tp_")]
    counts[:, matches] = 40
    counts[better, matches] = 41
    settings, found, objects = best_settings(counts, GRID)
    assert (settings, objects) == (GRID[better], 100)
    assert found == pytest.approx(41 / 159)


@pytest.mark.parametrize("invented", [0, 3])
def test_no_true_object_leaves_nothing_to_fit(invented: int) -> None:
    counts: Counts = np.zeros((len(GRID), len(COUNTS)), np.int64)
    counts[:, COUNTS.index("found")] = invented
    with pytest.raises(SegkitError, match="the validation split has no object") as caught:
        best_settings(counts, GRID)
    assert "threshold=0.5" in caught.value.remedy
    with pytest.raises(SegkitError, match="no object"):
        DecoderFit(FITTED).best(no_units)


def test_the_grid_holds_the_defaults_and_rises_in_area_within_each_pair() -> None:
    assert Settings() in GRID
    areas = CANDIDATES["min_area"]
    for place in range(0, len(GRID), len(areas)):
        same = GRID[place : place + len(areas)]
        assert {replace(one, min_area=0) for one in same} == {replace(same[0], min_area=0)}
        assert tuple(one.min_area for one in same) == areas == tuple(sorted(areas))


@pytest.mark.parametrize("key", InstanceTask.keys)
def test_what_was_given_is_kept_and_the_rest_is_fitted(key: str) -> None:
    given = {"threshold": 0.37, "seed_threshold": 0.22, "min_area": 3, "halo": 77}
    auto = [other for other in InstanceTask.keys if other != key]
    start = replace(Settings(), **{key: given[key]})  # type: ignore[arg-type]
    task = InstanceTask(TASK.classes, start, auto=auto)
    fit, maps = DecoderFit(task), random_maps(0)
    truth = decode(random_maps(10), Settings(0.4, 0.4, 5))
    outputs = torch.logit(torch.from_numpy(maps), eps=1e-6)
    fit.watch(0, outputs, torch.zeros(0), _tensor(truth))
    settings, words = fit.best(no_units)
    assert list(settings) == auto
    assert [part.split()[0] for part in words.split("): ")[1].split(", ")] == auto
    assert task.with_settings(settings).settings[key] == given[key]
    kept = grid(start, auto)
    assert {asdict(one)[key] for one in kept} == {given[key]}
    seen = task.decoder.maps(outputs[None])[0].numpy()
    for place in range(0, len(kept), 6):
        expected = count(match(truth, decode(seen, kept[place])))
        np.testing.assert_array_equal(fit.finish()[0][place], expected)


def test_a_halo_that_is_found_is_one_that_may_be_given() -> None:
    fit = DecoderFit(FITTED)
    truth = np.zeros((9000, 4), np.int32)
    truth[:, 1:3] = 1
    fit.watch(0, sure(truth), torch.zeros(0), _tensor(truth))
    settings, _ = fit.best(no_units)
    assert settings["halo"] == HIGHEST_HALO
    assert FITTED.with_settings(settings).settings == {**FITTED.settings, **settings}


def _tensor(labels: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> torch.Tensor:
    return torch.from_numpy(labels)


def test_a_large_object_is_fitted_as_it_is_decoded() -> None:
    truth = discs((200, 32, 30), size=(400, 64))
    outputs = sure(truth)
    fit = DecoderFit(FITTED)
    fit.watch(0, outputs, torch.zeros(0), _tensor(truth))
    place = GRID.index(Settings())
    found = InstanceDecoder(Settings()).decode(outputs[None])[0].numpy()
    counts_SC, rows = fit.finish()
    assert rows == 61
    np.testing.assert_array_equal(counts_SC[place], count(match(truth, found)))
