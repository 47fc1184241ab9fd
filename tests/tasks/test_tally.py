"""Counts by record: whatever the batches, their order or the processes, the same table."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed
from torch.multiprocessing.spawn import spawn

from segkit.tasks.tally import Counted, Tally

RECORDS, CLASSES = 11, 2
NONE = np.zeros((0, CLASSES, 4), np.int64)


def split() -> tuple[Tensor, Tensor, list[Tensor]]:
    """Counts (N, K, 4), losses (N,) and predicted masks of a made-up split."""
    rng = np.random.default_rng(0)
    counts = torch.from_numpy(rng.integers(0, 1000, (RECORDS, CLASSES, 4)))
    losses = torch.from_numpy(rng.random(RECORDS))
    masks = [torch.full((2, 3), i, dtype=torch.uint8) for i in range(RECORDS)]
    return counts, losses, masks


def tallied(batches: list[list[int]], keep: tuple[int, ...] = (2, 7)) -> Tally:
    counts, losses, masks = split()
    tally = Tally(keep=frozenset(keep))
    for batch in batches:
        index = torch.tensor(batch)
        tally.add(index, counts[index], losses[index].mean())
        tally.keep_answers(index, [masks[i] for i in batch])
    return tally


def kept(counted: Counted) -> dict[int, list[list[int]]]:
    return {index: mask.tolist() for index, mask in sorted(counted.kept.items())}


def check(counted: Counted) -> None:
    counts, losses, _ = split()
    assert counted.indices == list(range(RECORDS))
    np.testing.assert_array_equal(counted.counts, counts.numpy())
    assert counted.loss == pytest.approx(float(losses.mean()), rel=1e-12)
    assert kept(counted) == {i: [[i] * 3] * 2 for i in (2, 7)}


@pytest.mark.parametrize(
    "batches",
    [
        [list(range(RECORDS))],
        [[i] for i in range(RECORDS)],
        [[10, 3, 5], [0, 1], [9, 8, 7, 6], [4, 2]],
    ],
)
def test_any_batches_in_any_order(batches: list[list[int]]) -> None:
    check(tallied(batches).finish(NONE))


def test_finishing_starts_anew() -> None:
    tally = tallied([[0, 1, 2]])
    tally.finish(NONE)
    again = tally.finish(NONE)
    assert again.indices == []
    assert again.counts.shape == (0, CLASSES, 4)
    assert again.kept == {}


def test_nothing_counted_has_no_loss() -> None:
    assert math.isnan(Tally().finish(NONE).loss)


def test_a_loss_keeps_no_graph() -> None:
    tally = Tally()
    loss = torch.ones(1, requires_grad=True).sum()
    tally.add(torch.tensor([0]), torch.zeros(1, CLASSES, 4, dtype=torch.int64), loss)
    assert not tally._losses[0].requires_grad


def _process(rank: int, world_size: int, folder: str) -> None:
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size
    )
    # The second process has one record less: nothing is repeated to even them out.
    mine = list(range(RECORDS))[rank::world_size]
    counted = tallied([mine[:2], mine[2:]]).finish(NONE)
    np.savez(
        Path(folder) / f"{rank}.npz",
        indices=counted.indices,
        counts=counted.counts,
        loss=counted.loss,
        kept=list(counted.kept),
    )
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_give_the_table_of_one(tmp_path: Path) -> None:
    spawn(_process, (2, str(tmp_path)), nprocs=2)  # type: ignore[no-untyped-call]
    alone = tallied([list(range(RECORDS))]).finish(NONE)
    for rank in range(2):
        found: dict[str, NDArray[np.float64]] = dict(np.load(tmp_path / f"{rank}.npz"))
        assert found["indices"].tolist() == alone.indices
        np.testing.assert_array_equal(found["counts"], alone.counts)
        assert float(found["loss"]) == pytest.approx(alone.loss, rel=1e-12)
        assert sorted(found["kept"].tolist()) == [2, 7]
