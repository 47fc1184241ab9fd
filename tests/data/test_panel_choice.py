"""The validation images that are drawn each epoch."""

from segkit.core.contracts import Record
from segkit.data.panel_choice import spread


def test_spread_takes_from_each_stratum_in_turn() -> None:
    records = [Record(str(n), str(n), "i", ("m",), stratum=s) for n, s in enumerate("yyyyxzx")]
    assert spread(records, range(7), 4) == [4, 0, 5, 6]
    assert spread(records, range(7), 99) == [4, 0, 5, 6, 1, 2, 3]
    assert spread(records, [3, 2], 99) == [3, 2]
    assert spread(records, [], 3) == []
    assert spread(records, range(7), 0) == []


def test_spread_shows_the_middle_of_each_volume() -> None:
    records = [Record(f"{p}{n}", p, "i", ("m",)) for p in "ab" for n in range(5)]
    assert spread(records, range(10), 4) == [2, 7, 1, 6]
