"""Names that a table can hold."""

from dataclasses import replace

from segkit.core.contracts import Listing, Problem


def tellable(found: Listing) -> Listing:
    """The listing, with records whose names no table could hold as problems.

    Linux allows bytes in a name that are not UTF-8; they cannot be written to ``split.csv``.
    """
    records, problems = [], [replace(p, where=_shown(p.where)) for p in found.problems]
    for record in found.records:
        files = (record.image, *record.sequences, *record.masks)
        names = "\n".join((record.id, record.group, *files))
        if _shown(names) == names:
            records.append(record)
        else:
            problems.append(Problem(_shown(record.image), "a name that is not UTF-8", "rename it"))
    return Listing(records, problems)


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
