"""What is wrong with how a data set is divided."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from segkit.audit.findings import Finding
from segkit.audit.measure import Facts
from segkit.core.contracts import SPLITS, Record
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
        if homes and len(members[split]) < FEW_GROUPS:
            yield Finding(
                "warning",
                "small splits",
                f"{len(members[split])} groups in {split}",
                split,
                "add data" + folds,
            )


def of_classes(
    facts: Sequence[Facts], splits: Mapping[str, str], classes: Sequence[str], spec: SplitSpec
) -> Iterator[Finding]:
    """Classes that a split does not have."""
    present: dict[str, Counter[int]] = {split: Counter() for split in SPLITS}
    seen = {splits.get(fact.record.id, "") for fact in facts}
    for fact in facts:
        split = splits.get(fact.record.id, "")
        if split in present:
            present[split].update(k for k, share in enumerate(fact.shares) if share > 0)
    redraw = spec.file is None and not any(fact.record.split and spec.published for fact in facts)
    seed = f"; or draw another split: dataset.split.seed={spec.seed + 1}" * redraw
    for number, name in enumerate(classes):
        lacking = [split for split in SPLITS if split in seen and not present[split][number]]
        if lacking:
            yield Finding(
                "error" if "train" in lacking else "warning",
                "missing classes",
                f"no pixel of class {name!r} in {', '.join(lacking)}",
                f"dataset.classes, {name}",
                "see whether the masks are as meant, and add data" + seed,
            )
