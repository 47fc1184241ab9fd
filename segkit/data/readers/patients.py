"""Groups and order of DICOM files: the patient is what must not be split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from segkit.core.contracts import Listing, Record
from segkit.data.image_files import Open, dicom_headers
from segkit.imaging.dicom_facts import Header
from segkit.imaging.formats.registry import bare


def by_patient(
    found: Listing, known: Mapping[str, Header], open_file: Open, *, grouped: bool
) -> Listing:
    """A listing of which DICOM files are grouped by patient, and the slices of a series in order.

    Args:
        found: records; those whose group is not themselves keep it.
        known: headers that were read before.
        open_file: gives a stream of a file.
        grouped: whether all have their groups already.
    """
    new = (record.image for record in found.records if record.image not in known)
    headers = {**known, **dicom_headers(new, open_file)}
    records = found.records if grouped else _with_patients(found.records, headers)
    return Listing(_in_order(records, headers), found.problems)


def _with_patients(records: Sequence[Record], headers: Mapping[str, Header]) -> list[Record]:
    """A patient is called by a number, in the order of the records: ``patient-001``.

    No hash of an identifier would hide it, since all that there may be are soon tried. A file
    without one belongs to its study (``study-001``), or else its series.
    """
    called: dict[tuple[str, ...], str] = {}
    counts: Counter[str] = Counter()
    found = []
    for record in records:
        group, header = record.group, headers.get(record.image)
        if header and header.person and group in (record.id, bare(record.image)):
            kind = header.person[0]
            if header.person not in called:
                counts[kind] += 1
                called[header.person] = f"{kind}-{counts[kind]:03}"
            group = called[header.person]
        found.append(replace(record, group=group))
    return found


def _in_order(records: Sequence[Record], headers: Mapping[str, Header]) -> list[Record]:
    """Groups and series as they come first, the slices of a series as they lie in the patient."""
    groups: dict[str, int] = {}
    series: dict[tuple[str, str], int] = {}

    def place(record: Record) -> tuple[int, int, float]:
        header = headers.get(record.image)
        own = (record.group, header.series if header else "")
        group = groups.setdefault(record.group, len(groups))
        return group, series.setdefault(own, len(series)), header.place if header else 0.0

    places = [place(record) for record in records]
    return [records[at] for at in sorted(range(len(records)), key=places.__getitem__)]
