"""Crops of pictures that the tests draw, changed as crops are."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.audit.crops import find_overlaps, mark
from segkit.data.readers.phantom import KINDS, draw_nuclei

Picture = NDArray[np.uint8]


def picture(seed: int, kind: str = "fluorescence", size: int = 384) -> Picture:
    return draw_nuclei(np.random.default_rng(seed), kind=kind, size=size)[0]


def overlaps(images: Sequence[Picture]) -> list[tuple[int, int, int, int]]:
    found = find_overlaps([mark(i) for i in images], lambda *pair: [images[i] for i in pair])
    assert all(not one.adjoins and one.correlation >= 0.85 for one in found)
    return [(one.first, one.second, one.row, one.column) for one in found]


def same(image: Picture) -> Picture:
    return image


def darker(image: Picture) -> Picture:
    return np.asarray(image * 0.7 + 20, np.uint8)


def jpeg(image: Picture) -> Picture:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def grey_with_alpha(image: Picture) -> Picture:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.stack([grey, np.full_like(grey, 255)], axis=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", [same, darker, jpeg, grey_with_alpha])
def test_a_tile_of_a_larger_image_is_found(kind: str, change: Callable[[Picture], Picture]) -> None:
    whole = picture(1, kind)
    tile = change(whole[70:290, 110:340])
    assert overlaps([picture(2, kind), whole, tile, picture(3, kind)]) == [(1, 2, 70, 110)]
    assert overlaps([tile, whole]) == [(0, 1, -70, -110)]


def test_two_crops_that_overlap_are_found() -> None:
    whole = picture(4, "stained")
    crops = [whole[:260, :260], darker(whole[100:360, 60:320])]
    assert overlaps(crops) == [(0, 1, 100, 60)]


def test_tiles_that_only_adjoin_have_no_pixel_in_common() -> None:
    whole = picture(4, "stained")
    assert overlaps([whole[:, :192], whole[:, 192:]]) == []


def test_different_pictures_have_nothing_in_common() -> None:
    for kind in KINDS:
        assert overlaps([picture(seed, kind, 192) for seed in range(30)]) == []


def test_a_stamp_that_all_carry_makes_no_scene_of_them() -> None:
    images = [picture(seed, "brightfield", 192) for seed in range(6)]
    for number, image in enumerate(images):
        for letter in range(4):
            cv2.putText(
                image, "SITE"[letter], (20 + 9 * number + 30 * letter, 90), 0, 1.0, (0, 0, 0), 3
            )
    assert overlaps(images) == []


def test_images_without_a_mark_are_passed_over() -> None:
    blank = np.full((64, 64), 90, np.uint8)
    small = picture(1)[:20, :20]
    assert overlaps([blank, blank, small, small[:4], picture(1)]) == []
    assert overlaps([]) == []
    assert len(mark(small).places) == 0


def test_what_is_not_wanted_is_not_read() -> None:
    whole = picture(1)
    marks = [mark(whole), mark(whole[70:290, 110:340])]

    def read(*_: int) -> list[Picture]:
        raise AssertionError("read")

    assert find_overlaps(marks, read, wanted=lambda first, second: first == second) == []


def test_marks_of_a_crop_are_those_of_its_picture() -> None:
    whole = picture(5)
    large, small = mark(whole), mark(whole[50:306, 60:316])
    at = {(y, x): code for (y, x), code in zip(large.places.tolist(), large.codes, strict=True)}
    shared = [(y + 50, x + 60) in at for y, x in small.places.tolist()]
    assert sum(shared) >= 0.8 * len(shared) >= 5
    assert large.codes.dtype == np.int8
    lengths = np.linalg.norm(large.codes.astype(float), axis=1)
    np.testing.assert_allclose(lengths, 127, atol=4)
