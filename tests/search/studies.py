"""What the studies of the tests search, and an objective of no cost."""

from collections.abc import Callable, Mapping
from typing import Any

from optuna import Study, Trial, create_study
from optuna.storages import InMemoryStorage

from segkit.search.space import Scalar, read_space
from segkit.search.storage import FOLDER
from segkit.search.study import run_study
from segkit.search.worker import Objective

SPACE = read_space(
    {"x": {"low": -5.0, "high": 5.0}, "name": ["a", "b"], "n": {"low": 1, "high": 9}}
)


def in_memory() -> Callable[[str], Study]:
    """Makes of a name the same study each time, without a disk to wait for."""
    storage = InMemoryStorage()

    def make(name: str) -> Study:
        return create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )

    return make


def hill(trial: Trial, values: Mapping[str, Scalar]) -> float:
    trial.set_user_attr(FOLDER, f"trial_{trial.number:04d}")
    x = values["x"]
    assert isinstance(x, float)
    return 1 - x**2 / 25 + (values["name"] == "b")


def run(study: Study, objective: Objective = hill, n_trials: int = 5, **more: Any) -> str:
    given: dict[str, Any] = {"sampler": "tpe", "seed": 0, "n_trials": n_trials, **more}
    return run_study(study, objective, SPACE, **given)
