"""Which images are answered together, and that it changes nothing."""

import threading
import time
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.imaging import bands
from segkit.imaging.bands import ArrayRows, open_rows
from segkit.inference.names import Input
from segkit.inference.predictor import Member, Predictor
from segkit.inference.read_ahead import Opened, ask_together, grouped, open_ahead
from segkit.models.network import wrap
from segkit.tasks.semantic.task import SemanticTask


def opened(name: str, rows: int, columns: int) -> Opened:
    image: Future[bands.Opened] = Future()
    image.set_result(ArrayRows(picture(rows, columns)))
    return Input(Path(name)), image


def broken(name: str) -> Opened:
    image: Future[bands.Opened] = Future()
    image.set_exception(SegkitError("broken", where=name, remedy="none"))
    return Input(Path(name)), image


def picture(rows: int, columns: int) -> NDArray[np.uint8]:
    return np.random.default_rng(rows + columns).integers(0, 256, (rows, columns, 3), np.uint8)


def names(files: list[Opened], most: int) -> list[str]:
    groups = grouped(files, lambda: most, lambda size: size[0] * size[1] <= 5000)
    return ["".join(str(path) for path, _ in group) for group in groups]


def test_neighbours_are_grouped() -> None:
    files = [opened(name, 10, 20) for name in "abcde"]
    assert names(files, 2) == ["ab", "cd", "e"]
    assert names(files, 1) == ["a", "b", "c", "d", "e"]
    assert names([], 2) == []


def test_what_is_tiled_or_broken_is_alone_and_the_order_stays() -> None:
    files = [opened("a", 9, 9), opened("b", 9, 9), opened("L", 900, 900), opened("c", 9, 9)]
    assert names([*files, broken("X"), broken("Y"), opened("d", 9, 9)], 8) == [
        "ab",
        "L",
        "c",
        "X",
        "Y",
        "d",
    ]


def test_a_group_has_a_bound_on_its_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segkit.inference.read_ahead._PIXELS", 500)
    assert names([opened(name, 10, 20) for name in "abcde"], 8) == ["ab", "cd", "e"]
    assert names([opened("a", 9, 9), opened("B", 10, 90), opened("c", 9, 9)], 8) == ["a", "B", "c"]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{number}.png" for number in range(9)]
    for number, path in enumerate(found):
        Image.new("L", (number + 1, 2)).save(path)
    return found


def test_files_are_opened_in_their_order(paths: list[Path]) -> None:
    paths[4].write_bytes(b"")
    found = list(open_ahead([Input(path) for path in paths], 10**6, lambda: 3))
    assert [one.path for one, _ in found] == paths
    sizes = [None if image.exception() else image.result().size for _, image in found]
    assert sizes == [None if number == 4 else (2, number + 1) for number in range(9)]


def asked_for(paths: list[Path], most: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What has been opened once the first file is worked on."""
    seen: list[Path] = []

    def remember(path: Path, large: int) -> bands.Opened:
        seen.append(path)
        return open_rows(path, large)

    monkeypatch.setattr("segkit.inference.names.open_rows", remember)
    with closing(open_ahead([Input(path) for path in paths], 10**6, lambda: most)) as files:
        next(files)
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            time.sleep(0.01)
    assert not [thread for thread in threading.enumerate() if thread.name == "reader"]
    return seen


def test_a_group_is_opened_while_the_last_is_answered(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked_for(paths, 5, monkeypatch) == paths[:6]


def test_large_files_do_not_wait_in_memory(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segkit.inference.read_ahead._PIXELS", 8)
    # 2, 4, 6 and 8 pixels; the second and the third fill the bound.
    assert asked_for(paths, 5, monkeypatch) == paths[:3]


def network() -> Predictor:
    torch.manual_seed(0)
    cores = [torch.nn.Conv2d(channels, 1, 3, padding=1) for channels in (3, 1)]
    members = [
        Member(wrap(core, size[1]).eval(), size[0], size[1])
        for core, size in zip(cores, [((32, 32), 3), ((64, 48), 1)], strict=True)
    ]
    return Predictor(
        members, task=SemanticTask(["background", "cell"]), device="cpu", precision="32-true"
    )


@pytest.mark.parametrize("tta", ["none", "rotate"])
def test_together_is_as_one_by_one(tta: str) -> None:
    predictor = network()
    files = [opened("a", 40, 30), opened("b", 20, 64), opened("c", 32, 32)]
    answers = ask_together(predictor, files, tta)
    for path, image in files:
        [alone] = predictor.whole([image.result().rows(0, 999)], tta)
        assert alone.shape[1:] == image.result().size
        np.testing.assert_allclose(answers[path].outputs, alone, rtol=0, atol=1e-5)
        assert answers[path].seconds > 0


def test_one_that_does_not_fit_is_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = network()

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(predictor, "whole", full)
    before = predictor.together
    assert ask_together(predictor, [opened("a", 4, 4), opened("b", 4, 4)], "none") == {}
    assert predictor.together == before // 2


def test_as_many_as_a_cpu_is_fast_with() -> None:
    predictor = network()
    assert predictor.together == 2**18 // (64 * 48)
    for _ in range(30):
        predictor.halve()
    assert predictor.together == 1
    own = Member(wrap(torch.nn.Conv2d(3, 1, 3, padding=1), 3).eval(), None, 3)
    predictor = Predictor([*predictor.members, own], task=SemanticTask(["a", "b"]), device="cpu")
    assert predictor.together == 1, "images of their own sizes do not make a batch"


def test_an_image_is_never_judged_by_its_neighbours() -> None:
    norm = torch.nn.BatchNorm2d(3, track_running_stats=False)
    core = torch.nn.Sequential(norm, torch.nn.Conv2d(3, 1, 3, padding=1))
    member = Member(wrap(core, 3).eval(), (32, 32), 3)
    assert (
        Predictor([member], task=SemanticTask(["background", "cell"]), device="cpu").together == 1
    )


def test_several_classes_together() -> None:
    torch.manual_seed(0)
    member = Member(wrap(torch.nn.Conv2d(3, 3, 3, padding=1), 3).eval(), (32, 32), 3)
    predictor = Predictor(
        [member], task=SemanticTask(["a", "b", "c"]), device="cpu", precision="32-true"
    )
    images = [picture(40, 30), picture(9, 64)]
    for image, logits in zip(images, predictor.whole(images), strict=True):
        np.testing.assert_array_equal(
            predictor.task.decoder.decode(torch.from_numpy(logits)[None])[0], predictor(image).mask
        )
