"""A run on Weights & Biases: once, however often it was resumed, with its panels."""

import io
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.core.first_process import is_first_process
from segkit.training.trackers.base import Outbox, RunLogger, keep_id, known_id, log, run_name

_PATIENCE = 60.0  # seconds at the end, to upload what is left


class RunWandb(WandbLogger, RunLogger):
    """Tells Weights & Biases of a run; its own process keeps what cannot be uploaded yet.

    Args:
        save_dir: the run folder, which keeps the run's id.
        project: what it is filed under.
        entity: user or team; None is wandb's default.
        group: of runs that belong together.
        tags: of the run.
        offline: whether all stays in the run folder, for ``wandb sync``.

    Raises:
        SegkitError: a new run cannot begin there.
    """

    def __init__(
        self,
        save_dir: str,
        *,
        project: str = "segkit",
        entity: str | None = None,
        group: str | None = None,
        tags: list[str] | None = None,
        offline: bool = False,
    ) -> None:
        folder = Path(save_dir)
        known = known_id(folder, "wandb")
        self.anew = known is None
        super().__init__(
            name=run_name(folder),
            save_dir=save_dir,
            version=known or uuid.uuid4().hex[:12],
            offline=offline,
            project=project,
            entity=entity,
            group=group,
            tags=tags,
        )
        self._wandb_init.pop("anonymous", None)  # which wandb warns of
        self._outbox = Outbox("Weights & Biases", lambda: None)
        self._status = "failed"  # unless somebody says otherwise
        if is_first_process():
            self._begin(resumed=known is not None)
            keep_id(folder, "wandb", str(self.version))
            # wandb's own log in the home folder; a run folder with links out of it is not resumed.
            for link in folder.glob("wandb/*/logs/*.log"):
                if link.is_symlink():
                    link.unlink()

    def _begin(self, *, resumed: bool) -> None:
        import wandb

        # What is printed is in train.log, and a progress bar is no log.
        self._wandb_init["settings"] = wandb.Settings(console="off", finish_timeout=_PATIENCE)
        try:
            _ = self.experiment
        except wandb.Error as error:
            said = " ".join(str(error).split())[:300]
            if not resumed:
                raise SegkitError(
                    f"Weights & Biases cannot be told of this run: {said}",
                    where="logger.wandb",
                    remedy="wandb login, or logger.wandb.offline=true and wandb sync later",
                ) from error
            log.warning("Weights & Biases does not answer, so wandb sync later: %s", said)
            self._wandb_init["mode"] = "offline"
            _ = self.experiment

    def log_hyperparams(self, params: Any) -> None:
        """Never at the cost of the run."""
        self._outbox.send(lambda: super(RunWandb, self).log_hyperparams(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Never at the cost of the run."""
        given = dict(metrics)
        self._outbox.send(lambda: super(RunWandb, self).log_metrics(given, step))

    def log_configuration(
        self, text: str, parameters: Mapping[str, str | float], metrics: Sequence[str]
    ) -> None:
        """The parameters; wandb has a config.yaml of its own."""
        del metrics, text  # wandb compares by all
        self.log_hyperparams(dict(parameters))

    def log_picture(self, name: str, png: bytes, epoch: int) -> None:
        """Among the media, by epoch."""

        def tell() -> None:
            with Image.open(io.BytesIO(png)) as image:
                self.log_image(name, [image], step=epoch)

        self._outbox.send(tell)

    def finalize(self, status: str) -> None:
        """Remember how it ended: the Trainer says so after each of its parts."""
        self._status = status

    def close(self) -> None:
        """End wandb's run, well or not: the next job of a sweep is another."""
        if (run := self._experiment) is not None:
            code = 0 if self._status in ("success", "finished") else 1
            self._outbox.send(lambda: run.finish(exit_code=code))
            self._experiment = None
