"""How a run ends at Weights & Biases."""

from pathlib import Path

import pytest

from segkit.training.trackers.wandb import RunWandb
from tests.training.trackers.servers import install_wandb


@pytest.mark.parametrize(
    ("said", "code"), [(["success", "success"], 0), (["success", "failed"], 1), ([], 1)]
)
def test_a_failed_run_is_no_finished_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str], code: int
) -> None:
    codes = install_wandb(monkeypatch)
    logger = RunWandb(str(tmp_path), offline=True)
    for status in said:
        logger.finalize(status)
    logger.close()
    logger.close()
    assert codes == [code]
