"""What is wrong with a data set, judged from the facts of its records."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from segkit.audit.duplicates import Pair
from segkit.audit.measure import Facts, Unreadable
from segkit.core.channels import Channels
from segkit.core.contracts import SKIP, SPLITS, Problem
from segkit.core.errors import SegkitError
from segkit.core.intensity import STORED, Intensity

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_SATURATED, _LOPSIDED, _SHRUNK = 0.25, 1.25, 4.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before training.

    Attributes:
        severity: ``error`` where training would be refused or the test score be wrong,
            ``warning`` where it may mislead, ``note`` where it is good to know.
        kind: what findings of one sort have in common, as a heading.
        what: what is the matter.
        where: a file, a record or a key.
        remedy: what to do about it.
    """

    severity: Severity
    kind: str
    what: str
    where: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Use:
    """How the data set would be trained on.

    Attributes:
        classes: names, background first.
        size: rows and columns that the network is given, or None for each image's own.
        crop: rows and columns of the random crop, or None.
        skip: whether records that cannot be used are left out instead of refused.
        mapped: whether ``dataset.mask_values`` is a key of the data set.
        channels: that the network is given; None where that is not known.
        intensity: how stored values become 0…255.
    """

    classes: tuple[str, ...]
    size: tuple[int, int] | None
    crop: tuple[int, int] | None
    skip: bool
    mapped: bool = False
    channels: Channels | None = None
    intensity: Intensity = STORED


def bad_files(
    problems: Sequence[Problem], unreadable: Sequence[Unreadable], *, skip: bool, some: bool = True
) -> Iterator[Finding]:
    """Files that have no partner or cannot be used.

    Args:
        problems: that were found while listing.
        unreadable: records.
        skip: whether they are left out rather than refused.
        some: whether there are others: what would leave nothing cannot be left out.
    """
    severity: Severity = "warning" if skip and some else "error"
    leave = SKIP if some and not skip else ""
    for problem in problems:
        remedy = (problem.remedy or "add the missing file") + leave
        yield Finding(severity, "unpaired files", problem.what, problem.where, remedy)
    for bad in unreadable:
        # Training never opens an image without a mask.
        grade: Severity = severity if bad.record.labelled else "warning"
        where = bad.error.where or bad.record.image
        remedy = bad.error.remedy + leave
        yield Finding(grade, "records that cannot be used", bad.error.what, where, remedy)


def of_cautions(cautions: Sequence[Problem], failure: SegkitError | None) -> Iterator[Finding]:
    """Settings that work and are probably not meant, and one that cannot work."""
    kind = "settings that do not fit"
    if failure is not None:
        yield Finding("error", kind, failure.what, failure.where, failure.remedy)
    for caution in cautions:
        yield Finding("warning", kind, caution.what, caution.where, caution.remedy)


def no_split(error: SegkitError) -> Finding:
    """The split that cannot be drawn."""
    return Finding("error", "no split", error.what, error.where, error.remedy)


def of_records(facts: Sequence[Facts], use: Use) -> Iterator[Finding]:
    """Single records that stand out."""
    for fact in facts:
        name = fact.record.image
        if fact.blank:
            yield Finding(
                "warning",
                "blank images",
                f"every pixel is {fact.low[0]:g}",
                name,
                "look at the file; a blank image teaches nothing",
            )
        elif fact.saturated > _SATURATED:
            yield Finding(
                "note",
                "saturated images",
                f"{fact.saturated:.0%} of the pixels are at the top of their range",
                name,
                "expected of bright grounds; else shorten the exposure",
            )
        if fact.shares and fact.shares[0] == 0:
            yield Finding(
                "warning",
                "masks without background",
                "every pixel is marked",
                fact.record.masks[0],
                _turned_round(fact.mask_values) if use.mapped else "see whether it is inverted",
            )
        small = use.crop and use.size is None
        if small and use.crop and (fact.height < use.crop[0] or fact.width < use.crop[1]):
            yield Finding(
                "error",
                "images smaller than the crop",
                f"{fact.width}×{fact.height} pixels, the crop is {use.crop[1]}×{use.crop[0]}",
                name,
                "make dataset.crop smaller, or set dataset.size so that images are enlarged first",
            )


def of_copies(
    facts: Sequence[Facts], pairs: Sequence[Pair], splits: Mapping[str, str], *, mended: bool
) -> Iterator[Finding]:
    """Pictures that are there twice; a leak where the two lie in different splits.

    Near copies within a group (the next slice of a volume) are left out. ``mended``: whether a
    split that keeps copies together is written.
    """
    remedy = "leave one out" + mended * ", or dataset.split.file=PATH of the split.csv written here"
    for pair in pairs:
        one, other = facts[pair.first], facts[pair.second]
        homes = [splits.get(fact.record.id, "") for fact in (one, other)]
        leak = homes[0] != homes[1] and {*homes} <= {*SPLITS}
        if not pair.exact and not leak and one.record.group == other.record.group:
            continue
        where = f"{one.record.image} ({homes[0]}) and {other.record.image} ({homes[1]})"
        what = "the same pixels" if pair.exact else f"alike by {pair.correlation:.3f}"
        what += ", turned or mirrored" if pair.turned else ""
        both = one.record.labelled and other.record.labelled
        differ = pair.exact and both and one.mask_digest != other.mask_digest
        what += ", with different masks" if differ else ""
        if leak:
            yield Finding(
                "error" if pair.exact else "warning",
                "copies in two splits" if pair.exact else "near copies in two splits",
                what,
                where,
                remedy,
            )
        else:
            yield Finding(
                "warning" if differ else "note",
                "copies" if pair.exact else "near copies",
                what,
                where,
                "keep the right mask of the two" if differ else "leave one out",
            )


def of_all(facts: Sequence[Facts], use: Use) -> Iterator[Finding]:
    """What the data set as a whole mixes or loses."""
    depths = Counter(f.dtype for f in facts if f.dtype)
    if len(depths) > 1:
        shown = ", ".join(f"{count} of {name}" for name, count in depths.most_common())
        remedy = (
            "8 bits are taken as they are, deeper images by their percentiles: "
            "dataset.intensity=image treats all alike"
            if use.intensity == STORED
            else "dataset.intensity treats all alike; see that brightness stays comparable"
        )
        yield Finding("note", "mixed bit depths", shown, "the data set", remedy)
    if use.size is not None:
        yield from _resized(facts, use.size)


def _resized(facts: Sequence[Facts], size: tuple[int, int]) -> Iterator[Finding]:
    lopsided = [f for f in facts if _stretch(f, size) > _LOPSIDED]
    if lopsided:
        worst = max(lopsided, key=lambda fact: _stretch(fact, size))
        yield Finding(
            "note",
            "stretched images",
            f"{worst.width}×{worst.height} changes its aspect {_stretch(worst, size):.2f} times at "
            f"dataset.size, the most of {len(lopsided)} images",
            worst.record.image,
            "name rows and columns, 'dataset.size=[H,W]'; or dataset.size=null with dataset.crop",
        )
    shrunk = [f for f in facts if (f.height / size[0]) > _SHRUNK]
    if shrunk:
        worst = max(shrunk, key=lambda fact: fact.height)
        yield Finding(
            "note",
            "strongly shrunk images",
            f"{worst.width}×{worst.height} is shrunk more than {_SHRUNK:g} times at dataset.size, "
            f"the most of {len(shrunk)} images",
            worst.record.image,
            "raise dataset.size where small objects matter",
        )


def _stretch(fact: Facts, size: tuple[int, int]) -> float:
    ratio = (fact.width / fact.height) / (size[1] / size[0])
    return max(ratio, 1 / ratio)


def _turned_round(values: str) -> str:
    """How to swap the two classes of a mask, whose stored values are shown as ``0 255``."""
    other = max((int(v) for v in values.split() if v.isdigit()), default=0) or 1
    return f"see whether it is inverted: 'dataset.mask_values={{0: 1, {other}: 0}}' turns it round"
