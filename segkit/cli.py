"""How a command runs: Hydra composes, mistakes become a message of three parts and exit code 2."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from segkit.config_errors import explain
from segkit.errors import SegkitError
from segkit.run_folder import remove_if_empty

Command = Callable[[DictConfig], Any]


def config_dir() -> Path:
    """The folder of YAML files: in the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def run(command: Command, config_name: str) -> None:
    """Run a command as a Hydra application and end the process.

    Args:
        command: takes the composed configuration.
        config_name: of the primary YAML file.
    """
    OmegaConf.register_new_resolver("config_hash", _config_hash, replace=True)
    # Hydra then hands every exception on, instead of printing it in a form of its own.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # The parser beneath Hydra takes the flag only before or after all keys, not among them.
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda given: given not in ("-m", "--multirun"))
    begun = False

    def job(config: DictConfig) -> Any:
        nonlocal begun
        begun = True
        try:
            with _by_itself():
                return command(config)
        except (SegkitError, OmegaConfBaseException) as error:
            remove_if_empty(Path(HydraConfig.get().runtime.output_dir))
            # One job of a sweep: the others still run, and then the sweep fails.
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise
            _fail(error, config_name)

    application = hydra.main(
        version_base="1.3", config_path=str(config_dir()), config_name=config_name
    )
    try:
        application(job)()
    except BrokenPipeError:
        # Whoever read our words (head, a pager) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None  # as the shell counts SIGPIPE
    except Exception as error:
        # Hydra's own MissingConfigException is an OSError too.
        in_the_way = isinstance(error, OSError) and not isinstance(error, HydraException)
        _fail(_not_writable(error) if in_the_way and not begun else error, config_name)


@contextmanager
def _by_itself() -> Iterator[None]:
    """Let a job of a sweep run as if it had been started alone.

    The processes of a distributed training are started with this one's arguments; with those of
    the sweep each would start a sweep of its own. And what they leave in this process, the next
    job would take for processes that wait for it.
    """
    arguments, environment = sys.argv, dict(os.environ)
    hydra_config: Any = HydraConfig.get()
    if hydra_config.mode == RunMode.MULTIRUN:
        sys.argv = [arguments[0], *hydra_config.overrides.task]
        OmegaConf.set_readonly(hydra_config, False)
        hydra_config.run.dir = hydra_config.runtime.output_dir
    try:
        yield
    finally:
        sys.argv = arguments
        os.environ.clear()
        os.environ.update(environment)
        distributed: Any = sys.modules.get("torch.distributed")
        if distributed and distributed.is_available() and distributed.is_initialized():
            distributed.destroy_process_group()


def _fail(error: Exception, config_name: str) -> NoReturn:
    """End with a message where the user can mend it; anything else keeps its traceback."""
    told = error
    if not isinstance(error, SegkitError):
        told = explain(error, config_dir(), config_name, sys.argv[1:]) or error
    if not isinstance(told, SegkitError):
        raise error
    print(f"error: {told}", file=sys.stderr)
    raise SystemExit(2)


def _not_writable(error: Exception) -> SegkitError:
    """Hydra makes the folder before it starts the job."""
    return SegkitError(
        f"the run folder cannot be made: {getattr(error, 'strerror', None) or error}",
        where=str(getattr(error, "filename", None) or Path.cwd()),
        remedy="name a folder that you may write to: hydra.run.dir=PATH",
    )


def _config_hash(*, _root_: DictConfig) -> str:
    """Eight hexadecimal digits over the configuration as composed, Hydra's own part left out."""
    parts = {key: value for key, value in _root_.items_ex(resolve=False) if key != "hydra"}
    text = OmegaConf.to_yaml(OmegaConf.create(parts), resolve=False, sort_keys=True)
    overrides = OmegaConf.select(_root_, "hydra.overrides.task", default=[])
    return hashlib.sha256(f"{text}{list(overrides)}".encode()).hexdigest()[:8]
