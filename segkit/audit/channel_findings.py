"""What the network would be given of each image's channels, and whether there is anything in it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from segkit.audit.findings import Finding
from segkit.audit.measure import Facts


def of_channels(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Images that are blank to the network, channels that are, and images of other channels."""
    seen = [fact for fact in facts if fact.given]
    for fact in seen:
        if not any(fact.given) and not fact.blank:
            yield Finding(
                "warning",
                "images that are blank to the network",
                "every pixel that it would be given is the same",
                fact.record.image,
                "see whether dataset.channels takes those in which something is, and what "
                "dataset.intensity makes of their values",
            )
    if seen and not any(any(fact.given) for fact in seen):
        yield Finding(
            "error",
            "nothing to see",
            "every image is blank to the network",
            "the data set",
            "look at the files; see dataset.channels and dataset.intensity",
        )
    else:
        yield from _blank_channels(seen)
    yield from _mixed_channels(facts)
    yield from _mixed_names(facts)


def _mixed_channels(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Images of other channels than most have."""
    usual = Counter(fact.channels for fact in facts).most_common(1)
    for fact in facts:
        if fact.channels != usual[0][0]:
            yield Finding(
                "warning",
                "mixed channels",
                f"{fact.channels} of them, where most images have {usual[0][0]}",
                fact.record.image,
                "give all images the same channels; grey is given as three equal ones, colour as "
                "grey",
            )


def _mixed_names(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Images that call their channels otherwise than most of as many do, or have another order."""
    named = [fact for fact in facts if fact.layout.channels]
    usual: dict[int, tuple[str, ...]] = {}
    for (count, names), _ in Counter((f.channels, f.layout.channels) for f in named).most_common():
        usual.setdefault(count, names)
    for fact in named:
        own, others = fact.layout.channels, usual[fact.channels]
        if own != others:
            turned = sorted(own) == sorted(others)
            yield Finding(
                "warning",
                "channels in another order" if turned else "channels of other names",
                f"{', '.join(own)}, where most images have {', '.join(others)}",
                fact.record.image,
                "a network knows a channel by its place: write all images with one order of "
                "channels"
                if turned
                else "see whether they show the same; a network knows a channel by its place",
            )


def _blank_channels(seen: Sequence[Facts]) -> Iterator[Finding]:
    count = min((len(fact.given) for fact in seen), default=0)
    blank = [at for at in range(count) if not any(fact.given[at] for fact in seen)]
    if blank:
        yield Finding(
            "warning",
            "blank channels",
            f"of the {count} that the network would be given, from 0: "
            f"{', '.join(map(str, blank))} is the same everywhere in every image",
            "the data set",
            "take the others: 'dataset.channels=[…]', by their places in the files, from 0",
        )
