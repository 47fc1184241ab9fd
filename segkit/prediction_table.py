"""predictions.csv: what was found in each image; and what need not be predicted again."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segkit.errors import SegkitError
from segkit.files import write_text
from segkit.prediction_files import Wanted

Row = dict[str, str]
OK = "ok"


def columns(classes: Sequence[str]) -> list[str]:
    """Of the table; share is of the image's pixels, components are connected regions."""
    parts = [f"{c}_{what}" for c in classes[1:] for what in ("pixels", "share", "components")]
    return ["file", "width", "height", *parts, "seconds", "settings_hash", "status"]


def settings_hash(checkpoints: Sequence[Path], settings: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits over the weights and all that changes what is written."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for path in checkpoints:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:12]


class Table:
    """The rows of predictions.csv, each written as soon as its image is done.

    Args:
        path: of the file.
        names: its columns.
        mark: the :func:`settings_hash` of this prediction.
    """

    def __init__(self, path: Path, names: Sequence[str], mark: str) -> None:
        self.path, self.names, self.mark = path, list(names), mark
        self.found = path.is_file()
        self.rows = {Path(row["file"]).stem: row for row in self._read()} if self.found else {}

    def _read(self) -> list[Row]:
        """The rows on disk; one that was cut off in the middle is left out."""
        text = self.path.read_text(encoding="utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1]
        reader = csv.DictReader(io.StringIO(whole))
        if reader.fieldnames is None:
            return []
        if "file" not in reader.fieldnames:
            raise SegkitError(
                "this file is not a table of predictions",
                where=str(self.path),
                remedy="name another output folder",
            )
        return [row for row in reader if None not in row and None not in row.values()]

    def check(self, inputs: Sequence[Path], wanted: Wanted) -> None:
        """Refuse to overwrite what this prediction did not write.

        Raises:
            SegkitError: files of another run, of other settings, or of something else.
        """
        # A stop between a mask and its row leaves a file that no row lists.
        other = [row for row in self.rows.values() if row.get("settings_hash") != self.mark]
        for path in inputs:
            row = self.rows.get(path.stem)
            moved = row is not None and Path(row["file"]).resolve() != path.resolve()
            if self.found and not other and not moved:
                continue
            there = [file for file in wanted.files(path.stem).values() if file.exists()]
            if there:
                raise SegkitError(
                    "this file is there already, and not from this run with these settings",
                    where=str(there[0]),
                    remedy="name another output folder, or replace what is there: overwrite=true",
                )

    def done(self, path: Path, wanted: Wanted) -> bool:
        """Whether an image has been predicted and has not changed since."""
        row = self.rows.get(path.stem)
        if row is None or row["status"] != OK or row.get("settings_hash") != self.mark:
            return False
        if Path(row["file"]).resolve() != path.resolve():
            return False
        files = wanted.files(path.stem).values()
        try:
            changed = path.stat().st_mtime_ns
            return all(file.stat().st_mtime_ns >= changed for file in files)
        except OSError:
            return False

    def begin(self) -> None:
        """Write the table as it stands; rows are appended to it from here on."""
        self.rows = {k: r for k, r in self.rows.items() if r.get("settings_hash") == self.mark}
        self.finish()

    def add(self, path: Path, facts: Mapping[str, object], status: str) -> None:
        """Append one image's row."""
        row = dict.fromkeys(self.names, "") | {k: str(v) for k, v in facts.items()}
        row |= {"file": str(path), "settings_hash": self.mark, "status": status}
        self.rows[path.stem] = row
        with self.path.open("a", encoding="utf-8", newline="") as stream:
            self._writer(stream).writerow(row)

    def finish(self) -> None:
        """Write every row once, in the order of the files' names."""
        out = io.StringIO()
        writer = self._writer(out)
        writer.writeheader()
        writer.writerows(sorted(self.rows.values(), key=lambda row: Path(row["file"])))
        write_text(self.path, out.getvalue())

    def _writer(self, stream: Any) -> "csv.DictWriter[str]":
        return csv.DictWriter(stream, self.names, lineterminator="\n", extrasaction="ignore")
