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
    if len(counts := Counter(fact.channels for fact in facts)) > 1:
        yield Finding(
            "warning",
            "mixed channels",
            ", ".join(f"{count} images of {n}" for n, count in counts.most_common()),
            "the data set",
            "give all images the same channels; grey is given as three equal ones, colour as grey",
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
