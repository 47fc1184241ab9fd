"""What is said when processes that train together lose one another."""

import pytest

from segkit.runs.lost import lost_another


def test_what_is_said_of_a_process_that_has_gone() -> None:
    error = RuntimeError("[gloo/transport/tcp/pair.cc] Connection closed by peer [127.0.0.1]:1")
    error.add_note("process 1 was killed by SIGKILL")
    told = lost_another(error)
    assert told is not None
    assert told.where == "process 1 was killed by SIGKILL"
    assert "resume=" in told.remedy


@pytest.mark.parametrize(
    "words",
    [
        "Application timeout caused pair closure",
        "[gloo/unbound_buffer.cc:78] Timed out waiting 15000ms for recv operation to complete",
        "wait timeout after 1800000ms, keys: /default_pg/0//cpu//0/0",
        "[gloo/pair.cc] writev [10.0.0.2]:4321: Connection timed out",
        "connect [10.0.0.2]:4321: No route to host",
        "Watchdog caught collective operation timeout: WorkNCCL(SeqNum=7, OpType=ALLREDUCE)",
    ],
)
def test_what_is_said_of_a_process_that_has_fallen_silent(words: str) -> None:
    told = lost_another(RuntimeError(words))
    assert told is not None
    assert "has not answered in time" in told.what
    assert "network" in told.where
    assert "resume=" in told.remedy


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shapes do not fit"),
        RuntimeError("DataLoader timed out after 60 seconds"),
        OSError("connection reset by peer"),
        TimeoutError("timed out waiting"),
    ],
    ids=repr,
)
def test_other_errors_are_told_as_they_are(error: Exception) -> None:
    assert lost_another(error) is None
