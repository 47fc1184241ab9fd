"""Files of the objects of all images, made anew from what each image adds to them.

The parts lie in ``.objects``, each beside its image's row in predictions.csv: an image predicted
earlier is in the files as is one predicted now, and a stop costs none of them.
"""

import csv
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from segkit.core.files import atomic_path
from segkit.core.tables import row_text
from segkit.inference.names import Input
from segkit.inference.objects.coco import BEGIN, write_coco
from segkit.inference.objects.measure import columns
from segkit.inference.ours import SUBMISSION, SUBMITTED, check_ours, is_ours
from segkit.inference.outputs import writing
from segkit.inference.table import OK, Row, Table
from segkit.inference.wanted import Wanted

OBJECTS, COCO = "objects.csv", "coco.json"


def check_joined(wanted: Wanted) -> None:
    """Refuse to overwrite what segkit did not write.

    Raises:
        SegkitError: a file of this name is something else.
    """
    check_ours(wanted.folder / OBJECTS, row_text(["image", *columns()[:2]]).rstrip())
    if wanted.coco:
        check_ours(wanted.folder / COCO, BEGIN)


def write_joined(inputs: Sequence[Input], table: Table, wanted: Wanted, category: str) -> None:
    """Write objects.csv and coco.json of all that the table lists, submission.csv of the inputs.

    A coco.json that is there is kept true, whether it is asked for or not.

    Args:
        inputs: of this command.
        table: of the prediction.
        wanted: which of them.
        category: what the objects are called.

    Raises:
        SegkitError: they cannot be written.
    """
    done = [row for row in table.ordered() if row["status"] == OK]
    with writing(wanted.folder):
        parts = [wanted.part(row["image"], OBJECTS) for row in done]
        _write_objects(wanted.folder / OBJECTS, [part for part in parts if part.is_file()])
        if wanted.coco or is_ours(wanted.folder / COCO, BEGIN):
            shown = [row for row in done if wanted.part(row["image"], COCO).is_file()]
            images = ((_name(row), _size(row), _annotations(row, wanted)) for row in shown)
            write_coco(wanted.folder / COCO, images, category=category)
        if wanted.rle:
            known = {row["image"] for row in done}
            asked = [wanted.part(one.name, SUBMISSION) for one in inputs if one.name in known]
            _write_submission(wanted.folder / SUBMISSION, asked)


def _write_objects(path: Path, parts: Sequence[Path]) -> None:
    """Images may differ in channels, and in whether a pixel's size is known: cells stay empty."""
    headings = [next(_rows(part)) for part in parts] or [["image", *columns(probability=True)]]
    names = list(dict.fromkeys(name for heading in headings for name in heading))

    def rows() -> Iterator[list[str]]:
        for part in parts:
            found = _rows(part)
            heading = next(found)
            for row in found:
                cells: Mapping[str, str] = dict(zip(heading, row, strict=True))
                yield [cells.get(name, "") for name in names]

    _write(path, names, rows())


def _write_submission(path: Path, parts: Sequence[Path]) -> None:
    """Copied, not parsed: a large object is a cell longer than csv reads."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        stream.write(row_text(SUBMITTED).encode())
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, stream)


def _rows(path: Path) -> Iterator[list[str]]:
    """Row by row: there may be more objects than memory holds as text."""
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.reader(stream)


def _write(path: Path, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        stream.write(row_text(names))
        stream.writelines(map(row_text, rows))


def _name(row: Row) -> str:
    return f"{row['image']}{Path(row['file']).suffix}"


def _size(row: Row) -> tuple[int, int]:
    return int(row["height"]), int(row["width"])


def _annotations(row: Row, wanted: Wanted) -> Iterator[dict[str, Any]]:
    with wanted.part(row["image"], COCO).open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)
