"""Ground truths in the pictures of a check: classes painted, objects outlined one by one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.audit.audit import audit
from segkit.audit.findings import Use
from segkit.audit.pictures import thumbnail, truth_of
from segkit.audit.preview import augment_sheet
from segkit.core.contracts import Record, Sample
from segkit.data.augment import Augmentation
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.splits import SplitSpec


def halves() -> Sample:
    """A square of two objects that touch along its middle."""
    labels = np.zeros((40, 40), np.int32)
    labels[10:30, 10:20], labels[10:30, 20:30] = 5, 900
    return Sample(np.full((40, 40, 3), 200, np.uint8), (labels > 0).astype(np.uint8), labels)


def drawn(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(np.ptp(picture, axis=2) > 60, np.bool_)  # coloured


def test_a_thumbnail_outlines_the_mask() -> None:
    image = np.zeros((10, 20), np.uint8)
    mask = np.zeros((10, 20), np.uint8)
    mask[2:8, 5:15] = 1
    small = thumbnail(image, mask, 40, alpha=0)
    assert small.shape == (20, 40, 3)
    assert small[4, 20].any()  # the rim
    assert not small[10, 20].any()  # the inside
    assert not thumbnail(image, None, 40).any()


def test_objects_that_touch_are_outlined_apart() -> None:
    sample = halves()
    seen = drawn(thumbnail(sample.image, truth_of(sample), 40))
    assert seen[12:28, 19:21].all()  # between them, one line each
    assert not seen[12:28, 12:18].any()
    assert not drawn(thumbnail(sample.image, sample.mask, 40, alpha=0))[12:28, 15:25].any()


def test_a_dark_image_is_stretched_below_outlines_but_in_a_preview() -> None:
    sample = halves()
    dark = sample.image // 10
    assert thumbnail(dark, truth_of(sample), 40)[0, 0].tolist() == [255] * 3
    assert thumbnail(dark, truth_of(sample), 40, stretched=False)[0, 0].tolist() == [20] * 3
    assert thumbnail(dark, sample.mask, 40)[0, 0].tolist() == [20] * 3


def test_what_is_shown_is_labels_where_they_tell_more_than_classes() -> None:
    sample = halves()
    assert truth_of(sample) is sample.instances
    assert truth_of(replace(sample, instances=None)) is sample.mask
    assert sample.mask is not None
    classes = replace(sample, mask=sample.mask * 2)  # of two kinds, whose colours say which
    assert truth_of(classes) is classes.mask
    assert truth_of(Sample(sample.image, None)) is None


def test_the_preview_of_an_augmentation_outlines_objects_apart(
    phantom_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Dsb2018(phantom_root)
    found = audit(reader, Use(reader.classes, None, None, skip=False), SplitSpec())

    def read(self: Dsb2018, record: Record) -> Sample:
        del self, record
        return halves()

    monkeypatch.setattr(Dsb2018, "read", read)
    plain = {"seed": 0, "size": None, "crop": None, "channels": 3, "rows": 1, "draws": 1}
    sheet = augment_sheet(reader, found, Augmentation(transforms=()), **plain)  # type: ignore[arg-type]
    as_it_is, augmented = sheet[6:198, 6:198], sheet[6:198, 204:396]
    assert np.array_equal(as_it_is, augmented)
    assert drawn(as_it_is)[70:120, 92:100].any(axis=1).all()  # the line in the middle
