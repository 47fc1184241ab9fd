"""What a tracker is told while it is away, and afterwards."""

import logging
from functools import partial
from pathlib import Path

import pytest

from segkit.training.trackers.base import Outbox, keep_id, known_id, run_name


class Tracker:
    """Keeps what it is told, unless it is away or refuses it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.away = False

    def tell(self, what: str) -> None:
        if self.away:
            raise ConnectionError("nobody there")
        if what == "bad":
            raise ValueError("not so")
        self.told.append(what)

    def answers(self) -> None:
        if self.away:
            raise ConnectionError("nobody there")


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


@pytest.fixture
def outbox(tracker: Tracker) -> Outbox:
    return Outbox("the tracker", tracker.answers)


def test_what_is_said_meanwhile_is_told_later_and_in_order(
    tracker: Tracker, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.send(lambda: tracker.tell("a"))
    tracker.away = True
    with caplog.at_level(logging.WARNING, logger="segkit"):
        for what in "bcd":
            outbox.send(partial(tracker.tell, what))
        assert caplog.text.count("does not answer") == 1
        tracker.away = False
        outbox.send(lambda: tracker.tell("e"))
        outbox.close()
    assert tracker.told == list("abcde")
    assert "answers again" in caplog.text
    assert "was not told" not in caplog.text


def test_what_it_refuses_does_not_hold_up_the_rest(
    tracker: Tracker, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="segkit"):
        for what in ("a", "bad", "c"):
            outbox.send(partial(tracker.tell, what))
    assert tracker.told == ["a", "c"]
    assert "the tracker refuses something: not so" in caplog.text


def test_one_that_stays_away_is_told_at_the_end_what_it_missed(
    tracker: Tracker, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    tracker.away = True
    with caplog.at_level(logging.WARNING, logger="segkit"):
        for what in "ab":
            outbox.send(partial(tracker.tell, what))
        outbox.close()
    assert "was not told 2 things" in caplog.text


def test_what_is_sent_while_something_is_sent(tracker: Tracker, outbox: Outbox) -> None:
    def picture() -> None:
        outbox.send(lambda: tracker.tell("its caption"))
        tracker.tell("the picture")

    outbox.send(picture)
    assert tracker.told == ["its caption", "the picture"]


def test_ids_outlive_the_process(tmp_path: Path) -> None:
    assert known_id(tmp_path, "mlflow") is None
    keep_id(tmp_path, "mlflow", "a")
    keep_id(tmp_path, "wandb", "b")
    assert (known_id(tmp_path, "mlflow"), known_id(tmp_path, "wandb")) == ("a", "b")
    (tmp_path / "trackers.json").write_text("[", "utf-8")
    assert known_id(tmp_path, "mlflow") is None
    assert run_name(tmp_path / "outputs" / "seeds" / "seed=1") == "seeds/seed=1"
