"""The jobs of a sweep: what became of each, in a table and in ``jobs.csv``."""

import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from segkit.config.plain import unresolved
from segkit.core.errors import SegkitError
from segkit.core.files import write_text
from segkit.core.quoting import unquoted
from segkit.core.run_folder import RunFolder
from segkit.core.shell import argument, command
from segkit.core.tables import table_text
from segkit.tasks.named import task_kind

_SWEPT, _LONGEST = "SEGKIT_SWEPT", 80
Row = dict[str, Any]


class RememberSweep(Callback):
    """Remembers where a sweep lies, for the table at its end, and what it sweeps over.

    Hydra forgets the one when a job fails, and tells no job the other.
    """

    folder: Path | None = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before the first job."""
        del kwargs
        RememberSweep.folder = Path(str(config.hydra.sweep.dir)).absolute()
        told = unresolved(config.hydra.overrides)["task"]
        given = OverridesParser.create().parse_overrides(told)
        keys = [each.get_key_element().lstrip("+~") for each in given if each.is_sweep_override()]
        params = config.hydra.sweeper.get("params") or {}
        # Jobs may run in other processes, on other machines too.
        os.environ[_SWEPT] = ",".join([*keys, *map(str, params)])


def swept_keys() -> list[str]:
    """What the sweep that this job is part of sweeps over; none outside a sweep."""
    return [key for key in os.environ.get(_SWEPT, "").split(",") if key]


def job_name(overrides: Sequence[str], otherwise: str) -> str:
    """What a job's folder is called: the values that the sweep gives it.

    >>> os.environ[_SWEPT] = "model.encoder,seed"
    >>> job_name(["dataset=dsb2018", "model.encoder=resnet18", "seed=2"], "dsb2018-unet")
    'resnet18-seed2'

    Args:
        overrides: of this job.
        otherwise: its name where nothing is swept.
    """
    keys = swept_keys()
    given = dict(each.split("=", 1) for each in overrides if "=" in each)
    given = {key: unquoted(value) for key, value in given.items()}
    parts = [_part(key, given[key]) for key in dict.fromkeys(keys) if key in given]
    return "-".join(part for part in parts if part)[:_LONGEST].strip("-.") or otherwise


def _part(key: str, value: str) -> str:
    """A word says enough alone, the name of a file by its end; a number needs its key."""
    said = re.sub(r"[^A-Za-z0-9_.]+", "_", value.rsplit("/", 1)[-1]).strip("_")
    word = value[:1].isalpha() and value not in ("true", "false", "null")
    name = key.rsplit(".", 2 if key.endswith(".seed") else 1)[-1 if "." not in key else 1 :]
    return said if word else f"{'_'.join(name)}{said}"


def record_failure(folder: Path, error: BaseException) -> None:
    """Write down why a job failed, beside whatever it had written; the sweep continues."""
    told = str(error)
    if not isinstance(error, SegkitError):
        told = f"{type(error).__name__}: {error}\n{''.join(traceback.format_exception(error))}"
    print(f"this job failed: {told.splitlines()[0]} ({folder})", file=sys.stderr)
    if RunFolder(folder).read_summary():
        return  # of the run that lies there, and has finished
    folder.mkdir(parents=True, exist_ok=True)
    write_text(RunFolder(folder).error, f"{told}\n")


def jobs(sweep: Path) -> list[Row]:
    """A row a job, in their order."""
    folders = [path for path in sweep.iterdir() if path.is_dir() and _is_job(path)]
    return [_job(path) for path in sorted(folders, key=_number)]


def _is_job(path: Path) -> bool:
    run = RunFolder(path)
    return run.config.is_file() or run.log.is_file() or run.error.is_file()


def _number(path: Path) -> tuple[int, str]:
    first = path.name.split("-", 1)[0]
    return (int(first) if first.isdigit() else -1, path.name)


def _job(path: Path) -> Row:
    run = RunFolder(path)
    summary = run.read_summary()
    test = (summary.get("test") or {}).get("all") or {}
    row: Row = {"job": path.name, "state": "done" if summary else "not finished"}
    if not summary and run.error.is_file():
        text = run.error.read_text(encoding="utf-8", errors="replace")
        row |= {"state": "failed", "error": text.splitlines()[0] if text else ""}
    seconds = summary.get("wall_seconds")
    # Of a fold without foreground it is a loss, which the scores of the others say nothing of.
    fell_back = "monitor" in (summary.get("chosen") or {})
    return row | {
        "best_epoch": summary.get("best_epoch"),
        "best_score": summary.get("best_score"),
        **({"monitor": summary.get("monitor")} if fell_back else {}),
        **{name: test.get(name) for name in _headline(run)},
        "minutes": None if seconds is None else seconds / 60,
    }


def _headline(run: RunFolder) -> tuple[str, ...]:
    """The scores that a run is known by; of a job without a configuration those of most."""
    with suppress(SegkitError):
        return task_kind(run.read_config()).headline
    return task_kind({}).headline


def show_jobs(sweep: Path) -> None:
    """Print the table, write ``jobs.csv``, and name the next steps.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    from segkit.core.terminal import console, show_line, show_table

    rows = jobs(sweep)
    if not rows:
        return
    own = dict.fromkeys(key for row in rows for key in row)
    columns = [key for key in own if key not in ("minutes", "error")] + ["minutes", "error"]
    write_text(sweep / "jobs.csv", table_text(columns, rows))
    out = console()
    names = columns if any(row.get("error") for row in rows) else columns[:-1]
    headings = [name.replace("_", " ") for name in names]
    cells = [[_shown(row.get(name)) for name in names] for row in rows]
    show_table(out, headings, cells, words=("job", "state", "monitor", "error"))
    if any(row["state"] != "done" for row in rows):
        said = "the same command with resume=true and hydra.sweep.dir= runs what is missing"
        show_line(out, f"{said}: {argument('hydra.sweep.dir', sweep)}")
    if sum(row["state"] == "done" for row in rows) > 1:
        show_line(out, f"compare: {command('compare', f'sweep={sweep}')}")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
