"""Whether segkit wrote what is there already: files of all images, by how they begin."""

from pathlib import Path

from segkit.core.errors import SegkitError
from segkit.core.tables import row_text
from segkit.inference.outputs import writing

SUBMISSION, SUBMITTED = "submission.csv", ("ImageId", "EncodedPixels")  # its columns
_SUBMITTED = row_text(SUBMITTED).rstrip()
REMEDY = "name another folder, output=DIR, or replace what is there: overwrite=true"


def check_submission(folder: Path) -> None:
    """Refuse to overwrite a ``submission.csv`` that is something else; see :func:`check_ours`."""
    check_ours(folder / SUBMISSION, _SUBMITTED)


def drop_submission(folder: Path) -> bool:
    """Remove a ``submission.csv`` that tells of earlier labels; whether there was one."""
    if there := is_ours(folder / SUBMISSION, _SUBMITTED):
        with writing(folder):
            (folder / SUBMISSION).unlink()
    return there


def is_ours(target: Path, begin: str) -> bool:
    """Whether a file is there, and begins as segkit's do."""
    if not target.is_file():
        return False
    with target.open("rb") as stream:
        return stream.read(len(begin)) == begin.encode()


def check_ours(target: Path, begin: str) -> None:
    """Refuse to overwrite a file that does not begin as segkit's do.

    Raises:
        SegkitError: it is something else.
    """
    if target.is_file() and not is_ours(target, begin):
        raise SegkitError(
            "this file is there already, and segkit did not write it",
            where=str(target),
            remedy=REMEDY,
        )
