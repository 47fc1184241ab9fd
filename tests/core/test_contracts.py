"""Records, samples, and the check between a reader and everything after it."""

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

from segkit.core.contracts import SPLITS, UNLABELLED, Record, Sample, check_sample
from segkit.core.errors import SegkitError

RECORD = Record("a", "p1", "images/a.png", ("masks/a.png",))


def zeros(*shape: int, dtype: Any = np.uint8) -> Any:
    return np.zeros(shape, dtype)


def test_a_record_is_labelled_when_it_has_a_mask() -> None:
    assert RECORD.labelled
    assert not Record("a", "p1", "images/a.png").labelled


def test_records_do_not_change_and_travel() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECORD.id = "b"  # type: ignore[misc]
    facts = dataclasses.replace(RECORD, facts={"age": "61"})
    assert pickle.loads(pickle.dumps(facts)) == copy.deepcopy(facts) == facts
    assert RECORD.facts == {}


def test_split_names() -> None:
    assert SPLITS == ("train", "val", "test")
    assert UNLABELLED not in SPLITS


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4)])
def test_a_sample_that_keeps_the_contract_passes(shape: tuple[int, ...]) -> None:
    check_sample(Sample(zeros(*shape), None), RECORD, 2)
    mask = zeros(4, 6)
    mask[0, 0] = 1
    check_sample(Sample(zeros(*shape), mask), RECORD, 2)


def test_sizes_that_differ_name_both_files_as_width_by_height() -> None:
    with pytest.raises(SegkitError, match="6×4 against 4×6 pixels") as caught:
        check_sample(Sample(zeros(4, 6, 3), zeros(6, 4)), RECORD, 2)
    assert caught.value.where == "images/a.png and masks/a.png"
    assert "of its own size" in caught.value.remedy


def test_a_class_that_has_no_name_is_refused() -> None:
    mask = zeros(4, 6)
    mask[3, 5] = 2
    check_sample(Sample(zeros(4, 6), mask), RECORD, 3)
    with pytest.raises(SegkitError, match=r"class 2 in a mask.* names 2 classes") as caught:
        check_sample(Sample(zeros(4, 6), mask), RECORD, 2)
    assert caught.value.where == "masks/a.png"


@pytest.mark.parametrize(
    "image",
    [zeros(4, 6, dtype=np.float32), zeros(4, 6, dtype=np.uint16), zeros(6), zeros(1, 4, 6, 3)],
)
def test_a_reader_that_breaks_the_contract_is_a_bug_and_not_a_users_mistake(image: Any) -> None:
    with pytest.raises(TypeError, match="a: a reader must give"):
        check_sample(Sample(image, None), RECORD, 2)
