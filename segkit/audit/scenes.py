"""Images that show parts of one scene: tiles that adjoin, and crops."""

from collections.abc import Iterator, Mapping, Sequence

from segkit.audit.adjoining import MOST_IMAGES, by_size
from segkit.audit.findings import Finding
from segkit.audit.measure import Facts
from segkit.audit.placement import Placement
from segkit.core.contracts import SPLITS

_GROUP = "give all parts of one scene one group (dataset=folder: dataset.group_pattern)"


def of_scenes(
    facts: Sequence[Facts],
    placements: Sequence[Placement],
    splits: Mapping[str, str],
    *,
    mended: bool,
) -> Iterator[Finding]:
    """Parts of one scene, a leak where they lie in different splits.

    Those that the data set has in one group already are left out unless they leak. ``mended``:
    whether a split that brings them together is written.
    """
    remedy = _GROUP + mended * ", or dataset.split.file=PATH of the split.csv written here"
    for placed in placements:
        one, other = facts[placed.first], facts[placed.second]
        leak = leaks(facts, placed, splits)
        if not leak and one.record.group == other.record.group:
            continue
        homes = [splits.get(fact.record.id, "") for fact in (one, other)]
        kind = "adjoining images" if placed.adjoins else "overlapping images"
        yield Finding(
            "warning" if leak else "note",
            kind + " in two splits" * leak,
            told(facts, placed),
            f"{one.record.image} ({homes[0]}) and {other.record.image} ({homes[1]})",
            remedy if leak else _GROUP,
        )


def leaks(facts: Sequence[Facts], placed: Placement, splits: Mapping[str, str]) -> bool:
    """Whether the two lie in different ones of train, val and test."""
    homes = {splits.get(facts[i].record.id, "") for i in (placed.first, placed.second)}
    return len(homes) == 2 and homes <= {*SPLITS}


def told(facts: Sequence[Facts], placed: Placement) -> str:
    """How the second lies to the first, in a phrase."""
    if placed.adjoins:
        side = "below" if placed.row else "on the right"
        return f"the second continues the first {side}, borders alike by {placed.correlation:.3f}"
    one, other = facts[placed.first], facts[placed.second]
    height = min(one.height, placed.row + other.height) - max(0, placed.row)
    width = min(one.width, placed.column + other.width) - max(0, placed.column)
    return f"{width}×{height} pixels in common, alike by {placed.correlation:.3f}"


def not_compared(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Images that are too many of one size for their borders to be compared."""
    for (height, width), members in by_size([fact.borders for fact in facts]).items():
        if len(members) > MOST_IMAGES:
            yield Finding(
                "note",
                "borders not compared",
                f"{len(members)} images of {width}×{height}, more than {MOST_IMAGES}: whether "
                "they adjoin was not looked at",
                "the data set",
                "check a part of them, by a dataset.root of fewer images",
            )
