"""The same seed trains the same network, bit for bit on a CPU, whatever loads the images."""

from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes"),
]


def result(run: Any, folder: Path) -> tuple[list[list[str]], dict[str, torch.Tensor]]:
    """Losses, scores and rates of the epochs, and the last weights."""
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    rows = [list(row.values())[:6] for row in run.rows(folder)]
    return rows, saved["state_dict"]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_the_same_whatever_the_loader_processes(
    run: Any, here: Any, tmp_path: Path, workers: int
) -> None:
    """The fixture's run had as many as are chosen by themselves, and augmentation."""
    folder = tmp_path / "again"
    given = (f"dataset.num_workers={workers}", f"hydra.run.dir={folder}")
    assert here(*run.arguments(*given)) == 0
    rows, weights = result(run, folder)
    expected_rows, expected = result(run, run.folder)
    assert rows == expected_rows
    assert len({row[1] for row in rows}) == 2, "every epoch came to the same"
    assert all(torch.equal(value, expected[key]) for key, value in weights.items())


def test_deterministic_algorithms_are_enough(run: Any, call: Any, tmp_path: Path) -> None:
    """None that a training needs is without such a form on the CPU."""
    results = []
    for name in ("one", "two"):
        given = ("trainer.deterministic=true", f"hydra.run.dir={tmp_path / name}")
        done = call(*run.arguments("model=unet_mnv2", *given), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        results.append(result(run, tmp_path / name))
    assert results[0][0] == results[1][0]
    assert all(torch.equal(value, results[1][1][key]) for key, value in results[0][1].items())
