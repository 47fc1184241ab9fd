"""Which precision a machine is given."""

from typing import Any

import pytest
import torch

from segkit.core.hardware import best_precision


def pretend(
    monkeypatch: pytest.MonkeyPatch,
    *,
    gpu: tuple[int, int] | None = None,
    cpu: dict[str, Any] | None = None,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: gpu)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu or {})


@pytest.mark.parametrize("accelerator", ["auto", "gpu", "cuda"])
@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 5), "32-true"), ((8, 0), "bf16-mixed"), ((9, 0), "bf16-mixed")],
)
def test_gpus(
    monkeypatch: pytest.MonkeyPatch, accelerator: str, capability: tuple[int, int], expected: str
) -> None:
    pretend(monkeypatch, gpu=capability)
    assert best_precision(accelerator) == expected


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": False}, "bf16-mixed"),
        ({"avx512_bf16": True}, "bf16-mixed"),
        ({"avx512_f": True, "avx512_bf16": False}, "32-true"),
        ({}, "32-true"),
    ],
)
def test_processors(monkeypatch: pytest.MonkeyPatch, able: dict[str, Any], expected: str) -> None:
    pretend(monkeypatch, cpu=able)
    assert best_precision("cpu") == expected
    assert best_precision("auto") == expected


def test_the_cpu_is_asked_although_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpu=(9, 0), cpu={"avx512_bf16": False})
    assert best_precision("cpu") == "32-true"


def test_mps_keeps_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, cpu={"avx512_bf16": True})
    assert best_precision("mps") == "32-true"


def test_this_machine_gets_an_answer() -> None:
    assert best_precision("auto") in ("bf16-mixed", "32-true")
