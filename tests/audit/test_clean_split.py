from segkit.audit.clean_split import bring_together
from segkit.core.contracts import Record


def record(name: str, group: str) -> Record:
    return Record(name, group, f"{name}.png", (f"{name}_mask.png",))


RECORDS = [
    record("a", "A"),
    record("b", "B"),
    record("b2", "B"),
    record("c", "C"),
    record("d", "D"),
]
SPLITS = {"a": "train", "b": "val", "b2": "val", "c": "test", "d": "unlabelled"}


def test_without_copies_nothing_moves() -> None:
    assert bring_together(RECORDS, SPLITS, []) == SPLITS


def test_a_copy_takes_its_whole_group_to_the_training_part() -> None:
    moved = bring_together(RECORDS, SPLITS, [(2, 0)])
    assert moved == {**SPLITS, "b": "train", "b2": "train"}


def test_of_validation_and_test_it_goes_to_validation() -> None:
    assert bring_together(RECORDS, SPLITS, [(1, 3)]) == {**SPLITS, "c": "val"}


def test_copies_of_copies_come_along() -> None:
    moved = bring_together(RECORDS, SPLITS, [(3, 1), (2, 0)])
    assert {moved[name] for name in ("a", "b", "b2", "c")} == {"train"}


def test_what_is_in_no_split_stays_there() -> None:
    assert bring_together(RECORDS, SPLITS, [(4, 0)]) == SPLITS


def test_a_group_in_two_splits_is_brought_together() -> None:
    apart = {**SPLITS, "b2": "test"}
    assert bring_together(RECORDS, apart, []) == SPLITS
