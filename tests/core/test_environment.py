"""Variables of the environment, set for a while."""

import os

import pytest

from segkit.core.environment import environment


def test_all_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGKIT_KEPT", "1")
    monkeypatch.setenv("SEGKIT_LOST", "1")
    monkeypatch.delenv("SEGKIT_NEW", raising=False)
    before = dict(os.environ)

    def work() -> None:
        assert os.environ["SEGKIT_KEPT"] == "2"
        assert os.environ["SEGKIT_NEW"] == "3"
        del os.environ["SEGKIT_LOST"]
        os.environ["SEGKIT_OTHER"] = "4"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), environment(SEGKIT_KEPT="2", SEGKIT_NEW="3"):
        work()
    assert dict(os.environ) == before
