"""Whether what is scored are the run's own data: by their pixels, since names tell nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.core.checksums import Checksums, content_hash, differing
from segkit.core.errors import SegkitError
from segkit.core.first_process import is_first_process
from segkit.core.run_folder import RunFolder
from segkit.core.shell import relative
from segkit.runs.build import build_data, build_reader

if TYPE_CHECKING:
    from segkit.data.datamodule import SegmentationData


def are_own(
    data: SegmentationData,
    folder: RunFolder,
    own: Mapping[str, Any] | None,
    *,
    truths: bool = True,
) -> bool:
    """Whether data of the run's names are its own, here or in another place; else says why not.

    Args:
        data: prepared, and divided as the run's.
        folder: of the run.
        own: the run's configuration, where other data than those that it names were asked for.
        truths: whether their ground truth is of the run's kind, and counts too.
    """
    known = folder.read_checksums()
    if known is None:
        # Runs of earlier versions have none: what lies where they were trained has to do.
        if own is None:
            return True
        known = _found(own)
    if known is None:
        why = (
            "nothing shows that these are the run's own data, which it kept no checksums of "
            "and which are not where they were"
        )
    elif differ := differing(known, data.cache.checksums, masks=truths):
        why = f"{differ} are not what this run has seen under their names"
    else:
        return True
    if is_first_process():
        where = relative(place(folder, data))
        root = f"dataset.root={data.reader.root}"
        print(f"warning: {root}: {why}; scored as other data, into {where}", file=sys.stderr)
    return False


def place(folder: RunFolder, data: SegmentationData) -> Path:
    """Where results on other data go: beside each other, and never over those of the run.

    Args:
        folder: of the run.
        data: the other data, prepared; a hash of what they hold is in the name.
    """
    safe = re.sub(r"[^\w.-]", "_", data.dataset_name)
    digest = content_hash(data.cache.checksums, data.split_csv())
    return folder.pictures / f"{safe}-{digest[:8]}"


def _found(own: Mapping[str, Any]) -> dict[str, Checksums] | None:
    """Of the data at the run's own root as they are now; None where they are not there."""
    with suppress(SegkitError):
        data = build_data(own, build_reader(own))
        data.prepare_data()
        return data.cache.checksums
    return None
