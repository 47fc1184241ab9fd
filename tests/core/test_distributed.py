"""What each process found is the same in all of them, whoever saw which record."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn

from segkit.core.distributed import all_gather
from segkit.tasks.semantic.calibration import CalibrationTally
from segkit.tasks.semantic.surface import SurfaceTally
from segkit.tasks.semantic.thresholds import ThresholdFit


def test_alone_there_is_one_part() -> None:
    assert all_gather({"a": 1}) == [{"a": 1}]


def found(records: range) -> list[object]:
    """Histograms, surfaces and counts of some records, as plain lists."""
    tallies = (CalibrationTally(), SurfaceTally(2, 1), ThresholdFit())
    for index in records:
        generator = torch.Generator().manual_seed(index)
        logits = torch.randn(1, 12, 9, generator=generator)
        truth = torch.randint(0, 2, (12, 9), generator=generator).to(torch.uint8)
        for tally in tallies:
            tally.watch(index, logits, (logits[0] > 0).to(torch.uint8), truth)
    calibration, surface, threshold = (tally.finish() for tally in tallies)
    assert not isinstance(calibration, dict | tuple)
    assert isinstance(surface, dict)
    assert isinstance(threshold, tuple)
    surfaces = np.stack([surface[i] for i in sorted(surface)])
    return [
        calibration.pixels.tolist(),
        calibration.ece,
        surfaces.tolist(),
        threshold[0],
        threshold[1].tolist(),
    ]


def _process(rank: int, world_size: int, folder: str) -> None:
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size
    )
    result = found(range(rank, 7, world_size))
    (Path(folder) / f"{rank}.json").write_text(json.dumps(result), encoding="utf-8")
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_find_what_one_finds(tmp_path: Path) -> None:
    spawn(_process, (2, str(tmp_path)), nprocs=2)  # type: ignore[no-untyped-call]
    alone = json.loads(json.dumps(found(range(7))))
    for rank in range(2):
        assert json.loads((tmp_path / f"{rank}.json").read_text("utf-8")) == alone
