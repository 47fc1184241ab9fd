"""What is wrong with how a data set is divided."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from segkit.audit.findings import Finding
from segkit.audit.measure import Facts
from segkit.core.contracts import SPLITS, Record
from segkit.data.foreground import advice
from segkit.data.splits import SplitSpec, clean_split

# A mean over fewer groups than this says little.
FEW_GROUPS = 5
_FOLDS = 5


def of_groups(
    records: Sequence[Record], splits: Mapping[str, str], spec: SplitSpec
) -> Iterator[Finding]:
    """Groups in two splits (a warning where that was asked for), and splits of few groups."""
    accepted = spec.group_by == "image"
    homes: dict[str, set[str]] = defaultdict(set)
    members: dict[str, set[str]] = defaultdict(set)
    for record in records:
        split = splits.get(record.id, "")
        if split in SPLITS:
            homes[record.group].add(split)
            members[split].add(record.group)
    for group, found in homes.items():
        if len(found) > 1:
            yield Finding(
                "warning" if accepted else "error",
                "groups in two splits",
                f"group {group} lies in {' and '.join(s for s in SPLITS if s in found)}",
                group,
                clean_split(spec),
            )
    may_fold = spec.folds is None and spec.file is None and len(homes) >= _FOLDS
    folds = may_fold * f", or cross-validate: dataset.split.folds={_FOLDS}"
    for split in SPLITS:
        if homes and split != "test" and not members[split]:
            what = "nothing to train on" if split == "train" else "no epoch can be chosen"
            yield Finding("error", "empty splits", what, split, clean_split(spec))
        elif homes and len(members[split]) < FEW_GROUPS:
            yield Finding(
                "warning",
                "small splits",
                f"{len(members[split])} group{'s' * (len(members[split]) != 1)}",
                split,
                "add data" + folds,
            )


def of_classes(
    facts: Sequence[Facts], splits: Mapping[str, str], classes: Sequence[str], spec: SplitSpec
) -> Iterator[Finding]:
    """Classes that a split does not have: wrong where none can be learnt, or no epoch chosen."""
    held: dict[str, set[int]] = {split: set() for split in SPLITS}
    present = {f.record.id: [k for k, share in enumerate(f.shares) if share > 0] for f in facts}
    seen = {splits.get(fact.record.id, "") for fact in facts}
    for fact in facts:
        if (split := splits.get(fact.record.id, "")) in held:
            held[split].update(present[fact.record.id])
    blind = "val" in seen and not held["val"] - {0}
    for number, name in enumerate(classes):
        lacking = [split for split in SPLITS if split in seen and number not in held[split]]
        if lacking:
            unfit = "train" in lacking or (blind and number > 0)
            yield Finding(
                "error" if unfit else "warning",
                "missing classes",
                f"no pixel of class {name!r} in {', '.join(lacking)}",
                f"dataset.classes, {name}",
                advice([fact.record for fact in facts], present, spec, lacking, {number: name}),
            )
