"""predictions.csv: what was found in each image; and what need not be predicted again."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segkit.core.errors import SegkitError
from segkit.core.files import write_text
from segkit.core.stamps import UNREADABLE
from segkit.core.tables import parse_rows, row_text, table_text
from segkit.inference.names import Input
from segkit.inference.ours import REMEDY
from segkit.inference.outputs import writing
from segkit.inference.wanted import FORMATS, KINDS, Wanted

Row = dict[str, str]
OK = "ok"
_LAST = ("beside", "seconds", "input_stamp", "input_checksum", "settings_hash", "status")


def columns(described: Sequence[str], *, labels: bool = False) -> list[str]:
    """Of the table, around those that the task describes an answer by.

    image is what its files are called; mask, of labels, the file that holds them; tile is empty for
    an image that was resized whole; beside names what else was written, as it is asked for;
    input_stamp (size, times and number of the file) tells that an input is as it was, and where it
    is not, input_checksum whether it holds the same.
    """
    mask = ["mask"] if labels else []
    return ["file", "image", *mask, "width", "height", "tile", *described, *_LAST]


def settings_hash(checkpoints: Sequence[Path], settings: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits over the weights and all that changes what is written."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for path in checkpoints:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:12]


class Table:
    """The rows of predictions.csv, each written as soon as its image is predicted.

    It is written just before the image's files appear, and after earlier ones are gone: a stop in
    between leaves a row without files, which is predicted again, and a file without a row is never
    this prediction's.

    Args:
        path: of the file.
        names: its columns.
        mark: the :func:`settings_hash` of this prediction.
        overwrite: whether what this prediction did not write may be replaced.
    """

    def __init__(
        self, path: Path, names: Sequence[str], mark: str, *, overwrite: bool = False
    ) -> None:
        self.path, self.names, self.mark, self._overwrite = path, list(names), mark, overwrite
        self.found, self._foreign = path.is_file(), False
        self._stamps: dict[str, str] = {}
        self.rows = {row["image"]: row for row in self._read()} if self.found else {}
        # Those of other settings too, which are replaced.
        self._masks = {name: _suffix(row) for name, row in self.rows.items()}
        self._beside = {name: row.get("beside", "").split() for name, row in self.rows.items()}

    def _read(self) -> list[Row]:
        """The rows on disk; one that was cut off in the middle is left out."""
        content = self.path.read_bytes()
        header, *rest = parse_rows(content[: content.rfind(b"\n") + 1], "replace") or [[]]
        self._foreign = bool(header) and not {"file", "settings_hash", "status"} <= set(header)
        if self._foreign:
            return []
        rows = [dict(zip(header, row, strict=True)) for row in rest if len(row) == len(header)]
        # Tables of earlier versions lack the name.
        return [{"image": Path(row["file"]).stem} | row for row in rows]

    def check(self, inputs: Sequence[Input], wanted: Wanted) -> None:
        """Refuse to overwrite what this prediction did not write.

        Raises:
            SegkitError: files of another run, of other settings, or of something else.
        """
        # Of images that could not be predicted there is nothing to lose.
        written = (row for row in self.rows.values() if row["status"] == OK)
        if self._foreign or any(row["settings_hash"] != self.mark for row in written):
            raise SegkitError(
                "this table is there already, and not from this run with these settings",
                where=str(self.path),
                remedy=REMEDY,
            )
        for one in inputs:
            row = self.rows.get(one.name)
            known = row is not None and row["status"] == OK
            others = [] if known or one.mask else wanted.masks(one.name)
            files = [*self._files(one, wanted), *others]
            there = [file for file in files if self._is_other(one, file)]
            if there:
                raise SegkitError(
                    "this file is there already, and not from this run with these settings",
                    where=str(there[0]),
                    remedy=REMEDY,
                )

    def _files(self, one: Input, wanted: Wanted) -> list[Path]:
        suffix = one.mask or self._masks.get(one.name, "")
        return [*wanted.files(one.name, suffix).values()]

    def _is_other(self, one: Input, file: Path) -> bool:
        """Whether a file is there that this prediction did not write; it writes no row later."""
        row = self.rows.get(one.name)
        try:
            modified = file.stat().st_mtime_ns
            if row is None or Path(row["file"]).resolve() != one.path.resolve():
                return True
            # Of an image that failed: what was drawn by hand since.
            return row["status"] != OK and modified > self.path.stat().st_mtime_ns
        except OSError:  # not there, or a name too long
            return False

    def done(self, one: Input, wanted: Wanted) -> bool:
        """Whether an image has been predicted and has not changed since."""
        row = self.rows.get(one.name)
        if row is None or row["status"] != OK or row["settings_hash"] != self.mark:
            return False
        if Path(row["file"]).resolve() != one.path.resolve():
            return False
        try:
            written = min(file.stat().st_mtime_ns for file in self._files(one, wanted))
            return _as_it_was(one, row) if row.get("input_stamp") else written >= one.changed()
        except OSError:
            return False

    def known(self, one: Input) -> bool:
        """Whether a row told of an image of this name before this command, of any settings."""
        return one.name in self._masks

    def also(self, one: Input, wanted: Wanted) -> Wanted:
        """What is wanted of an image, and what an earlier prediction wrote that is still there.

        So nothing that tells of earlier labels stays beside the new ones.
        """
        files = wanted.also(KINDS).files(one.name)
        written = self._beside.get(one.name, ())
        return wanted.also(kind for kind in written if kind in files and files[kind].exists())

    def begin(self, inputs: Iterable[Input]) -> None:
        """Write the table as it stands; rows of these inputs are appended to it from here on."""
        self._stamps = {one.name: one.stamp() for one in inputs}
        self.rows = {k: r for k, r in self.rows.items() if r["settings_hash"] == self.mark}
        self.finish()

    def make_way(self, one: Input, wanted: Wanted, suffix: str) -> None:
        """Remove what was written of an image before: what is there then is this prediction's.

        Args:
            one: the image.
            wanted: its files.
            suffix: of its new mask.

        Raises:
            SegkitError: the new mask has another suffix, and would replace what is not ours.
        """
        new, old = wanted.mask(one.name, suffix), self._files(one, wanted)
        if not self._overwrite and new not in old and new.exists():
            raise SegkitError(
                f"{new.name} is there already, and not from this prediction; move it elsewhere, "
                "or replace it: overwrite=true",
                where=str(new),
                remedy=REMEDY,
            )
        # Parts, asked for or not: of other labels they would be joined with what is new.
        for path in {new, *old, *wanted.parts(one.name).values()}:
            path.unlink(missing_ok=True)

    def add(self, one: Input, facts: Mapping[str, object], status: str) -> None:
        """Append one image's row.

        Raises:
            NotWrittenError: for example where the disk is full.
        """
        row = dict.fromkeys(self.names, "") | {"beside": " ".join(self._beside.get(one.name, ()))}
        row |= {k: str(v) for k, v in facts.items()}
        # The same prediction continues from any working folder.
        row |= {"file": str(one.path.absolute()), "image": one.name}
        row |= {"settings_hash": self.mark, "status": status}
        if status == OK:
            row |= self._content(one)
            self._masks[one.name] = _suffix(row)
        elif suffix := self._masks.get(one.name):  # the earlier one lies there still
            row["mask"] = f"{one.name}{suffix}"
        self.rows[one.name] = row
        with writing(self.path.parent), self.path.open("a", encoding="utf-8", newline="") as stream:
            stream.write(row_text(row.get(name) for name in self.names))

    def _content(self, one: Input) -> Row:
        """How it is known again; one that has changed since it was begun is not."""
        stamp, found = self._stamps.get(one.name, UNREADABLE), one.checksum()
        return {"input_stamp": stamp, "input_checksum": found if one.stamp() == stamp else ""}

    def ordered(self) -> list[Row]:
        """Every row once, in the order of the files' names."""
        return sorted(self.rows.values(), key=lambda row: Path(row["file"]))

    def finish(self) -> None:
        """Write every row once."""
        rows = [[row.get(name) for name in self.names] for row in self.ordered()]
        with writing(self.path.parent):
            write_text(self.path, table_text(self.names, rows))


def _suffix(row: Row) -> str:
    """Of the mask that a row tells of; "" where it tells of none."""
    found = Path(row.get("mask", "")).suffix
    return found if found in FORMATS.values() else ""


def _as_it_was(one: Input, row: Row) -> bool:
    """Whether an input holds what was predicted; a row is told the new stamp of a copy."""
    if (stamp := one.stamp()) == row["input_stamp"]:
        return True
    same = bool(row["input_checksum"]) and one.checksum() == row["input_checksum"]
    if same:
        row["input_stamp"] = stamp
    return same
