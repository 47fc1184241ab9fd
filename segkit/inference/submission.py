"""submission.csv in the form of DSB2018: a row a component, encoded by its run lengths."""

from collections.abc import Iterator, Sequence

import numpy as np

from segkit.core.files import atomic_path
from segkit.core.tables import row_text
from segkit.imaging.pixels import decode
from segkit.inference.names import Input
from segkit.inference.ours import SUBMISSION, SUBMITTED
from segkit.inference.outputs import writing
from segkit.inference.runlength import encode_components
from segkit.inference.table import OK, Table
from segkit.inference.wanted import Wanted


def write_submission(inputs: Sequence[Input], table: Table, wanted: Wanted) -> None:
    """Write ``submission.csv`` in the form of DSB2018 from the masks of all that were predicted.

    A row for each connected component of each class; one without pixels for an empty mask.
    """
    with (
        writing(wanted.folder),
        atomic_path(wanted.folder / SUBMISSION) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        stream.write(row_text(SUBMITTED))
        for one in inputs:
            row = table.rows.get(one.name)
            if row is not None and row["status"] == OK:
                stream.writelines(row_text((one.name, x)) for x in _encoded(one.name, wanted))


def _encoded(image: str, wanted: Wanted) -> Iterator[str]:
    name, found = wanted.mask(image), False
    stored = decode(name.read_bytes(), str(name))
    for value in wanted.values[1:]:
        for text in encode_components(np.asarray(stored == value)):
            found = True
            yield text
    if not found:
        yield ""
