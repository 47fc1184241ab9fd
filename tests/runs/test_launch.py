"""What is said when one of several processes has gone."""

import pytest
from lightning.pytorch.strategies.launchers import subprocess_script

from segkit.runs.launch import _ITS_LOG, lost_another


def test_what_is_said_of_a_process_that_has_gone() -> None:
    error = RuntimeError("[gloo/transport/tcp/pair.cc] Connection closed by peer [127.0.0.1]:1")
    error.add_note("process 1 was killed by SIGKILL")
    told = lost_another(error)
    assert told is not None
    assert told.where == "process 1 was killed by SIGKILL"
    assert "resume=" in told.remedy


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes do not fit"), OSError("connection reset by peer")], ids=repr
)
def test_other_errors_are_told_as_they_are(error: Exception) -> None:
    assert lost_another(error) is None


def test_the_trainers_log_is_where_it_is_listened_to() -> None:
    assert vars(subprocess_script)["_launch_process_observer"].__module__ == _ITS_LOG
