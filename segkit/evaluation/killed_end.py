"""What a process that was killed after its training had still to do."""

from contextlib import suppress

from segkit.core.errors import SegkitError
from segkit.core.files import remove_unfinished
from segkit.core.run_folder import RunFolder
from segkit.evaluation.report import report_or_warn
from segkit.runs.claim import held


def end_killed(folder: RunFolder) -> None:
    """Remove what it left unfinished in a run that is complete, and write the report.

    A lock that nobody holds is what tells; a run that another process is just ending is left to it.
    """
    if folder.lock.exists():
        with suppress(SegkitError, OSError), held(folder):
            remove_unfinished(folder.path)
    if not folder.report.exists():
        report_or_warn(folder)
