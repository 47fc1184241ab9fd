"""A worker of a study whose trials cost nothing: ``python -m tests.cluster.workers STORAGE N``."""

import random
import sys
import time
from collections.abc import Mapping

from optuna import Trial

from segkit.search import backends
from segkit.search import study as module
from segkit.search.space import Scalar
from tests.search.studies import SPACE


def objective(_: Trial, values: Mapping[str, Scalar]) -> float:
    time.sleep(0.2 * random.random())
    assert isinstance(values["x"], float)
    return 1 - values["x"] ** 2


def main() -> None:
    """Work with others until so many trials have finished; those that die are noticed sooner."""
    address, n_trials = sys.argv[1], int(sys.argv[2])
    module._LOOK_AGAIN = 0.3
    backends.BEAT, backends.GRACE = 1, 4
    study = module.open_study(address, "shared", mode="max", facts={"monitor": "a score"})
    print("begun", flush=True)
    given = {"sampler": "random", "seed": 0, "n_trials": n_trials}
    assert module.run_study(study, objective, SPACE, **given) == ""  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
