from collections import Counter
from dataclasses import replace

from segkit.audit.clean_split import bring_together, draw_together
from segkit.core.contracts import Record
from segkit.data.splits import SplitSpec, assign_splits


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


def test_drawn_anew_shares_and_strata_are_kept() -> None:
    """Moving whole scenes of a split by image to the training part would empty the others."""
    stained = {f"s{n}" for n in range(8)}
    scenes = [f"s{n // 4}" if n < 32 else f"f{n // 4}" for n in range(160)]
    records = [
        replace(record(f"i{n}", f"i{n}"), stratum="stained" if scene in stained else "fluorescence")
        for n, scene in enumerate(scenes)
    ]
    spec = SplitSpec(group_by="image")
    splits = assign_splits(records, spec)
    together = [(n, n + 1) for n in range(159) if scenes[n] == scenes[n + 1]]
    moved, drawn = bring_together(records, splits, together), draw_together(records, spec, together)
    homes = {(scene, drawn[one.id]) for scene, one in zip(scenes, records, strict=True)}
    assert len(homes) == len(set(scenes)), "a scene lies in two splits"
    assert Counter(moved.values())["test"] < 12, "else there would be nothing to mend"
    assert Counter(drawn.values()) == {"train": 112, "val": 24, "test": 24}
    for part in ("val", "test"):
        assert {one.stratum for one in records if drawn[one.id] == part} == {
            "stained",
            "fluorescence",
        }
