"""Copies are found whatever was done to them; different pictures are not."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.audit.duplicates import find_pairs, pixel_digest, sign
from segkit.data.readers.phantom import KINDS, draw_nuclei

Picture = NDArray[np.uint8]


def phantom(seed: int, kind: str = "fluorescence") -> Picture:
    return draw_nuclei(np.random.default_rng(seed), kind=kind, size=128)[0]


def jpeg(image: Picture) -> Picture:
    packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def brighter(image: Picture) -> Picture:
    return np.minimum(image.astype(np.int16) + 30, 255).astype(np.uint8)


def smaller(image: Picture) -> Picture:
    return np.asarray(cv2.resize(image, None, fx=0.9, fy=0.9), np.uint8)


def turned(image: Picture) -> Picture:
    return np.ascontiguousarray(np.rot90(image))


def mirrored(image: Picture) -> Picture:
    return np.ascontiguousarray(image[:, ::-1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", [jpeg, brighter, smaller, turned, mirrored])
def test_a_changed_copy_is_found(kind: str, change: Callable[[Picture], Picture]) -> None:
    image = phantom(1, kind)
    signatures = [sign(phantom(2, kind)), sign(image), sign(change(image)), sign(phantom(3, kind))]
    (pair,) = find_pairs(signatures)
    assert (pair.first, pair.second, pair.exact) == (1, 2, False)
    assert pair.correlation > 0.95
    assert pair.turned == (change in (turned, mirrored))


def test_a_copy_on_its_side_is_found_where_the_picture_is_not_square() -> None:
    image = phantom(1)[:80]
    (pair,) = find_pairs([sign(image), sign(turned(image))])
    assert pair.turned
    # Squeezed into a square it is no copy: the aspect differs.
    assert (
        find_pairs([sign(image), sign(np.asarray(cv2.resize(image, (128, 128)), np.uint8))]) == []
    )


def test_different_pictures_are_no_copies() -> None:
    assert find_pairs([sign(phantom(s, KINDS[s % 3])) for s in range(60)]) == []


def test_the_same_pixels_are_exact_in_any_wrapping() -> None:
    grey = phantom(4)[..., 0]
    colour = np.repeat(grey[..., None], 3, axis=2)
    pairs = find_pairs([sign(grey), sign(phantom(5)), sign(colour), sign(grey[..., None])])
    assert [(p.first, p.second, p.exact, p.correlation) for p in pairs] == [
        (0, 2, True, 1.0),
        (0, 3, True, 1.0),
    ]


def test_blank_pictures_are_exact_copies_and_no_near_ones() -> None:
    blank = [sign(np.full((64, 64), value, np.uint8)) for value in (0, 0, 9)]
    assert [(p.first, p.second, p.exact) for p in find_pairs(blank)] == [(0, 1, True)]


def test_the_one_of_lowest_rank_stands_for_its_copies() -> None:
    one, near = phantom(4), np.minimum(phantom(4).astype(int) + 9, 255).astype(np.uint8)
    signs = [sign(picture) for picture in (one, near, one, one)]
    rounds: list[int] = []

    def watch(given: Sequence[int]) -> Sequence[int]:
        rounds.extend(given)
        return given

    pairs = find_pairs(signs, priorities=[3, 0, 2, 0], watch=watch)
    assert [(p.first, p.second, p.exact) for p in pairs] == [
        (0, 3, True),
        (1, 3, False),
        (2, 3, True),
    ]
    assert rounds == [0]


def test_no_pictures() -> None:
    assert find_pairs([]) == []
    assert find_pairs([sign(phantom(0))]) == []


def test_the_digest_is_of_values_shape_and_type() -> None:
    row = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert pixel_digest(row) == pixel_digest(row.copy())
    assert pixel_digest(row) != pixel_digest(row.reshape(4, 3))
    assert pixel_digest(row) != pixel_digest(row.astype(np.uint16))
    assert pixel_digest(row) != pixel_digest(row + np.uint8(1))
    assert pixel_digest(row[:, ::2]) == pixel_digest(row[:, ::2].copy())


def test_what_scaling_to_8_bits_makes_equal_still_differs() -> None:
    shallow = np.asarray(phantom(6)[..., 0], np.uint8)
    one, other = shallow.astype(np.uint16) * 16, shallow.astype(np.uint16) * 32
    (pair,) = find_pairs([sign(shallow, one), sign(shallow, other)])
    assert not pair.exact
    assert pair.correlation == pytest.approx(1)
