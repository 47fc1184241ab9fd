"""In place of the trackers' packages and their servers: what they were told, and would answer."""

import sys
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class UnknownRunError(Exception):
    """As MLflow raises it."""

    error_code = "RESOURCE_DOES_NOT_EXIST"


class MLflow:
    """Servers by address.

    Attributes:
        runs: of each server, by id.
        away: whether nobody answers.
        tries: how often somebody asked.
    """

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.away = False
        self.tries = 0
        self.numbers = count()

    def client(self, address: str) -> Any:
        return Client(self, self.runs.setdefault(address.rstrip("/"), {}))


class Client:
    """``mlflow.MlflowClient``, as far as it is used."""

    def __init__(self, server: MLflow, runs: dict[str, Any]) -> None:
        self.server, self.runs = server, runs

    def _ask(self) -> None:
        self.server.tries += 1
        if self.server.away:
            raise ConnectionError("nobody there")

    def search_experiments(self, max_results: int) -> list[str]:
        self._ask()
        return ["0"][:max_results]

    def get_experiment_by_name(self, name: str) -> Any:
        self._ask()
        return SimpleNamespace(experiment_id=name, lifecycle_stage="active")

    def create_run(self, experiment_id: str, tags: dict[str, str]) -> Any:
        self._ask()
        name = f"run{next(self.server.numbers)}"
        info = SimpleNamespace(run_id=name, experiment_id=experiment_id, lifecycle_stage="active")
        self.runs[name] = SimpleNamespace(
            info=info, tags=tags, status="RUNNING", metrics=[], params={}, images=[], texts={}
        )
        return self.runs[name]

    def get_run(self, run_id: str) -> Any:
        self._ask()
        if run_id not in self.runs:
            raise UnknownRunError(f"no run {run_id}")
        return self.runs[run_id]

    def update_run(self, run_id: str, status: str) -> None:
        self.get_run(run_id).status = status

    set_terminated = update_run

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = ()) -> None:
        run = self.get_run(run_id)
        run.metrics.extend((each.key, each.step) for each in metrics)
        run.params.update((each.key, each.value) for each in params)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        self.get_run(run_id).texts[artifact_file] = text

    def log_image(self, run_id: str, image: Any, key: str, step: int) -> None:
        self.get_run(run_id).images.append((key, step, image.size))

    def get_metric_history(self, run_id: str, key: str) -> list[Any]:
        told = self.get_run(run_id).metrics
        return [SimpleNamespace(step=step) for name, step in told if name == key]


def install_mlflow(patch: pytest.MonkeyPatch) -> MLflow:
    """``import mlflow`` finds this instead."""
    server = MLflow()
    parts: dict[str, dict[str, Any]] = {
        "mlflow": {"set_tracking_uri": lambda _: None},
        "mlflow.entities": {"Metric": SimpleNamespace, "Param": SimpleNamespace},
        "mlflow.tracking": {"MlflowClient": server.client},
        "mlflow.tracking.context": {"resolve_tags": lambda tags: tags},
        "mlflow.utils": {},
        "mlflow.utils.mlflow_tags": {"MLFLOW_RUN_NAME": "mlflow.runName"},
    }
    _install(patch, parts)
    patch.setattr("lightning.pytorch.loggers.mlflow._MLFLOW_AVAILABLE", True)
    return server


def install_wandb(patch: pytest.MonkeyPatch) -> list[int]:
    """``import wandb`` finds this instead; gives the exit codes that its runs ended with."""
    codes: list[int] = []

    class Run(SimpleNamespace):
        def finish(self, exit_code: int) -> None:
            codes.append(exit_code)

    def begin(**given: Any) -> Run:
        (Path(given["dir"]) / "wandb").mkdir(parents=True, exist_ok=True)
        return Run(id=given["id"])

    parts: dict[str, dict[str, Any]] = {
        "wandb": {
            "Error": RuntimeError,
            "Settings": SimpleNamespace,
            "init": begin,
            "run": None,
        },
        "wandb.sdk": {},
        "wandb.sdk.lib": {"RunDisabled": SimpleNamespace},
        "wandb.wandb_run": {"Run": Run},
    }
    _install(patch, parts)
    patch.setattr("lightning.pytorch.loggers.wandb._WANDB_AVAILABLE", True)
    return codes


def _install(patch: pytest.MonkeyPatch, parts: dict[str, dict[str, Any]]) -> None:
    for name, holds in parts.items():
        module = ModuleType(name)
        vars(module).update(holds)
        patch.setitem(sys.modules, name, module)
        above, _, last = name.rpartition(".")
        if above:
            setattr(sys.modules[above], last, module)
