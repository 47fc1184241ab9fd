"""Parts that only a checkout has."""

import sys
from pathlib import Path

import pytest

from segkit.benchmarks import beside as module
from segkit.benchmarks.beside import beside, check_beside
from segkit.config.values import PARTS
from segkit.core.errors import SegkitError


def test_a_wheel_says_which_parts_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECKOUT", tmp_path)
    there = [part for part in PARTS if part not in module.PARTS]
    for part in there:
        check_beside(part)
    for part in module.PARTS:
        with pytest.raises(SegkitError, match="checkout") as raised:
            check_beside(part)
        assert f"parts=[{','.join(there)}]" in raised.value.remedy


def test_a_checkout_has_them_wherever_the_command_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchmarks").mkdir()  # one of the user's own
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "benchmarks", raising=False)
    for part in module.PARTS:
        check_beside(part)
        assert callable(getattr(beside(part), part))
    assert callable(beside("rivals").rivals)
