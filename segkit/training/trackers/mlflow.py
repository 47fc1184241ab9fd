"""A run on an MLflow server: once, however often it was resumed, with its panels."""

import io
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.core.first_process import is_first_process
from segkit.training.trackers.base import (
    Outbox,
    RunLogger,
    keep_id,
    known_id,
    known_ids,
    log,
    run_name,
)

_ADDRESS = "MLFLOW_TRACKING_URI"
_NAME = "mlflow "  # before the address, in the run folder
# By default a request is repeated for minutes, in which nothing is trained; here it comes later.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}


class RunMLflow(MLFlowLogger, RunLogger):
    """Tells an MLflow server of a run.

    Args:
        save_dir: the run folder, which keeps the id that each server gave it.
        experiment_name: what it is filed under.
        tracking_uri: of the server, such as ``http://HOST:5000``, or ``sqlite:///FILE``; None is
            what MLFLOW_TRACKING_URI says.

    Raises:
        SegkitError: no server is named, or a new run finds none there.
    """

    def __init__(
        self, save_dir: str, *, experiment_name: str = "segkit", tracking_uri: str | None = None
    ) -> None:
        # A server that is away is one warning of ours.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
        for key, value in _IMPATIENT.items():
            os.environ.setdefault(key, value)
        self.folder = Path(save_dir)
        address = tracking_uri or os.environ.get(_ADDRESS, "")
        if not address or address.startswith("file:"):
            raise _no_server(address, self.folder)
        shown = re.sub(r"(?<=:)//[^/@]*@", "//", address).rstrip("/")  # without its password
        self._server = f"{_NAME}{shown}"
        known = known_id(self.folder, self._server)
        self._logged: dict[str, int] | None = {}  # the last steps; None where there are none
        try:
            super().__init__(
                experiment_name=experiment_name,
                run_name=run_name(self.folder),
                tracking_uri=address,
                tags={"segkit.run_dir": str(self.folder)},
                run_id=known,
            )
            if is_first_process() and not known:
                if before := _servers(self.folder):
                    log.warning("%s knew this run; it is a new one at %s", ", ".join(before), shown)
                self._begin()
        except ImportError:
            raise
        except Exception as error:  # MLflow's, or of what it asks with
            raise SegkitError(
                f"MLflow cannot be told of this run: {' '.join(str(error).split())[:300]}",
                where=f"logger.mlflow.tracking_uri={shown}",
                remedy="check that the server runs, and its address; or logger=tensorboard",
            ) from error
        client = self._mlflow_client
        self._initialized = True  # of a resumed run too: a server that is away does not end it
        self._outbox = Outbox(
            f"MLflow at {shown}", lambda: client.search_experiments(max_results=1)
        )
        self._status = "failed"  # unless somebody says otherwise
        if is_first_process() and known:
            self._outbox.send(lambda: self._go_on(known))

    def _begin(self) -> None:
        self._run_id, self._initialized = None, False
        keep_id(self.folder, self._server, str(self.run_id))
        self.anew, self._logged = True, None

    def _go_on(self, known: str) -> None:
        """With the run of this id; with a new one where the server has it no more."""
        try:
            gone = self._mlflow_client.get_run(known).info.lifecycle_stage == "deleted"
        except Exception as error:  # MLflow's own has a code
            if getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
                raise
            gone = True
        if not gone:
            self._mlflow_client.update_run(known, status="RUNNING")
            return
        log.warning("%s does not know run %s any more", self._outbox.tracker, known)
        self._begin()

    def log_hyperparams(self, params: Any) -> None:
        """Or later."""
        self._outbox.send(lambda: super(RunMLflow, self).log_hyperparams(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Or later; what it knows of the epochs after a checkpoint is not said twice."""
        given = dict(metrics)

        def tell() -> None:
            new = {key: value for key, value in given.items() if (step or 0) > self._last(key)}
            if new:
                super(RunMLflow, self).log_metrics(new, step)

        self._outbox.send(tell)

    def _last(self, key: str) -> int:
        """The last step that was logged before this run was resumed."""
        if self._logged is None:
            return -1
        if key not in self._logged:
            history = self._mlflow_client.get_metric_history(str(self._run_id), key)
            self._logged[key] = max((point.step for point in history), default=-1)
        return self._logged[key]

    def log_configuration(
        self, text: str, parameters: Mapping[str, str | float], metrics: Sequence[str]
    ) -> None:
        """The parameters, and the configuration as a file among the artifacts."""
        del metrics  # MLflow compares by all
        self.log_hyperparams(dict(parameters))
        client = self._mlflow_client
        self._outbox.send(lambda: client.log_text(str(self._run_id), text, "config.yaml"))

    def log_picture(self, name: str, png: bytes, epoch: int) -> None:
        """Among the images, by epoch."""

        def tell() -> None:
            if epoch > self._last("train/loss"):
                with Image.open(io.BytesIO(png)) as image:
                    self._mlflow_client.log_image(str(self._run_id), image, key=name, step=epoch)

        self._outbox.send(tell)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Checkpoints stay in the run folder."""

    def finalize(self, status: str = "success") -> None:
        """Remember how it ended: the Trainer says so after each of its parts."""
        self._status = status

    def close(self) -> None:
        """Tell what is left, and how it ended."""
        if is_first_process():
            self._outbox.send(lambda: super(RunMLflow, self).finalize(self._status))
        self._outbox.close()


def _servers(folder: Path) -> list[str]:
    """Which have been told of the run in this folder."""
    return [key.removeprefix(_NAME) for key in known_ids(folder) if key.startswith(_NAME)]


def _no_server(address: str, folder: Path) -> SegkitError:
    before = _servers(folder)
    if address:
        what = "MLflow has given up on folders of files"
    elif before:
        what = "MLflow needs its server anew: where a run folder points is not followed"
    else:
        what = "MLflow needs a server, or a database"
    told = f"; until now {', '.join(before)}" if before else ""
    return SegkitError(
        what,
        where=f"logger.mlflow.tracking_uri={address or 'null'}{told}",
        remedy=f"export {_ADDRESS}=http://HOST:5000 (mlflow server), or give logger=mlflow "
        "logger.mlflow.tracking_uri=sqlite:///mlflow.db (pip install mlflow)",
    )
