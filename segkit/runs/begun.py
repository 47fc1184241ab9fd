"""Which run a call resumes, and whether that has finished."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from segkit.config.keys import MAY_CHANGE, ONCE_DEFAULT, flatten, key_of, within
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.runs.call import Call
from segkit.runs.jobs import swept_keys
from segkit.runs.resolvers import config_digest
from segkit.runs.started import queued_again


def folder_to_resume(composed: DictConfig, call: Call) -> Path | None:
    """The run that this call resumes, or None where it begins one.

    Args:
        composed: of this call. ``resume=true`` resumes what lies in its output folder, if
            anything does: the same command begins a run, resumes it, and leaves it alone
            once done. A job that Slurm has queued again does so unasked.
        call: how the command was called.

    Raises:
        SegkitError: ``resume=true`` where the clock names the folder, which is then always new;
            ``debug=`` with a folder that is resumed.
    """
    if composed.resume is None and queued_again() and (call.chosen_by_user or call.multirun):
        composed.resume = True  # nobody else has begun what lies there
    if composed.resume is not True:
        debug = [each for each in call.overrides if key_of(each) == "debug"]
        if composed.resume and debug:
            raise SegkitError(
                "a run that is resumed has its own configuration, debugged or not",
                where=f"resume={composed.resume}, {debug[0]}",
                remedy=f"leave {debug[0]} out, or leave resume= out for a new run",
            )
        return Path(str(composed.resume)) if composed.resume else None
    output = call.output
    if not call.chosen_by_user and not queued_again():
        key = "hydra.sweep.dir" if call.multirun else "hydra.run.dir"
        raise SegkitError(
            "there is nothing to find by the clock's name",
            where="resume=true",
            remedy=f"name the folder too: {key}=DIR; or resume a run by resume=DIR",
        )
    return begun(output, composed, multirun=call.multirun)


def begun(output: Path, composed: DictConfig, *, multirun: bool) -> Path | None:
    """The run that has begun in a job's folder, if one has.

    Args:
        output: the folder.
        composed: configuration of the job.
        multirun: whether it is of a job of a sweep. A grid that has grown numbers its jobs
            otherwise; the hash at the end of their names stays.
    """
    if RunFolder(output).config.is_file():
        return output
    digests = [output.name.rsplit("-", 1)[-1]]
    given = {key_of(str(each)) for each in composed.get("overrides") or ()}
    # Begun when another value was the default.
    if before_now := {key: value for key, value in ONCE_DEFAULT.items() if key not in given}:
        digests.append(config_digest(composed, **before_now))
    # A sweep over epochs has jobs of one hash, too.
    free = [key for key in swept_keys() if within(key, MAY_CHANGE)] if multirun else []
    named = [path for each in digests for path in sorted(output.parent.glob(f"*-{each}"))]
    for path in named if multirun else []:
        if RunFolder(path).config.is_file():
            before = flatten(RunFolder(path).read_config()) if free else {}
            if all(before.get(key) == OmegaConf.select(composed, key) for key in free):
                return path
    return None


def is_done(folder: RunFolder, config: dict[str, Any]) -> bool:
    """Whether a run has finished, and is not asked for more epochs."""
    before = folder.read_config()
    return bool(folder.read_summary()) and all(
        before["trainer"].get(key) == config["trainer"].get(key)
        for key in ("max_epochs", "max_time")
    )
