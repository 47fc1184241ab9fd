"""Outputs at the size of an image, whole or by rows."""

import pytest
import torch

from segkit.tasks import outputs
from segkit.tasks.outputs import outputs_at, scored_parts


def test_outputs_at_a_size_are_bilinear_between_the_middles_of_pixels() -> None:
    drawn = torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(1))
    assert outputs_at(drawn, (20, 11)).shape == (1, 20, 11)
    ramp = torch.tensor([[[0.0, 4.0]]], dtype=torch.float16)
    found = outputs_at(ramp, (1, 4))
    assert found.dtype == torch.float32
    assert found.flatten().tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("size", [(8, 8), (20, 11), (5, 3)])
@pytest.mark.parametrize("large", [0, 10**6], ids=["above the bound", "below it"])
def test_parts_are_the_rows_of_the_whole(
    size: tuple[int, int], large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(2)
    drawn = torch.randn(2, 8, 8, generator=generator)
    truth = torch.randint(0, 2, size, generator=generator).to(torch.uint8)
    monkeypatch.setattr(outputs, "_PART", 3 * size[1])
    parts = list(scored_parts(drawn, truth, large))
    assert [len(part) for _, part in parts] == [3] * (size[0] // 3) + [size[0] % 3]
    assert torch.equal(torch.cat([part for _, part in parts]), truth)
    whole = drawn if size == (8, 8) else outputs_at(drawn, size)
    torch.testing.assert_close(torch.cat([part for part, _ in parts], dim=1), whole)
