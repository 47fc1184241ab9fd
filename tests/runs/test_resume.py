"""What a resumed run says of choices that were made as it began."""

from typing import Any

import pytest

from segkit.runs import settled
from segkit.runs.resume import recorded_choices


@pytest.mark.parametrize(
    ("weights", "given", "expected"),
    [
        ("imagenet", ["seed=1"], {"encoder weights": "imagenet, as the run began"}),
        (None, None, {"encoder weights": "random, as the run began"}),
        ("imagenet", ["model.encoder_weights=imagenet"], {}),  # asked for
        (None, ["++model.encoder_weights=null"], {}),
    ],
)
def test_weights_are_those_of_the_configuration(
    weights: str | None, given: list[str] | None, expected: dict[str, str]
) -> None:
    config: dict[str, Any] = {"model": {"encoder_weights": weights}, "overrides": given}
    assert recorded_choices(config) == expected


def test_a_network_without_an_encoder() -> None:
    assert recorded_choices({"model": {"base_filters": 3}, "overrides": []}) == {}


@pytest.mark.parametrize("rank", ["0", "1"])
def test_the_first_process_tells(
    rank: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", rank)
    settled.tell({"encoder weights": "random: imagenet is not here"}, multirun=True)
    said = capsys.readouterr()
    assert ("encoder weights: random" in said.out) == (rank == "0")
    assert ("model.encoder_weights=null" in said.err) == (rank == "0")


@pytest.mark.parametrize(
    ("why", "multirun"),
    [
        ("imagenet, fetched from the hub", True),
        ("random: none are published for x", True),
        ("random: imagenet is not here", False),
    ],
)
def test_no_warning_where_all_start_alike(
    why: str, multirun: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    settled.tell({"encoder weights": why}, multirun=multirun)
    assert capsys.readouterr().err == ""
