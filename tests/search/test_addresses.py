"""Addresses of storages: which are refused, and that none of them shows its password."""

from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.search.storage import check_storage, open_storage, without_password


@pytest.mark.parametrize(
    "address",
    [
        "://x",
        "postgresql://me:secret@host:port/name",
        "postgresql+none://me:secret@host/name",
        "mongodb://me:secret@host/name",
        "postgresql+psycopg2://me:secret@host/name",
    ],
)
def test_what_is_no_address_is_told_without_its_password(address: str) -> None:
    with pytest.raises(SegkitError) as error:
        check_storage(address, [])
    assert "secret" not in str(error.value)
    assert "storage=" in error.value.where


def test_a_missing_driver_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(SegkitError, match="driver") as error:
        check_storage("postgresql://me:secret@host/name", [])
    assert "pip install 'segkit[postgresql]'" in error.value.remedy
    with pytest.raises(SegkitError, match="not installed: asyncmy") as error:
        check_storage("mysql+asyncmy://me:secret@host/name", [])
    assert error.value.remedy == "pip install asyncmy"


def test_a_password_is_hidden_wherever_it_stands() -> None:
    for address in (
        "postgresql://me:secret@host/name",
        "postgresql://me:sec@secret@host/name",
        "postgresql://host/name?user=me&password=secret",
        "postgresql://host/name?sslpassword=secret",
        "no address with secret@host",
    ):
        assert "secret" not in without_password(address)
    assert without_password("postgresql://me:secret@host/name") == "postgresql://me:***@host/name"
    assert without_password("journal:////shared/s.journal") == "journal:////shared/s.journal"


def test_a_file_among_the_data_is_refused(tmp_path: Path) -> None:
    for scheme in ("sqlite", "journal"):
        with pytest.raises(SegkitError, match="among the data") as error:
            check_storage(f"{scheme}:///{tmp_path}/s", [("dataset.root", str(tmp_path))])
        assert f"storage={scheme}:///PATH" in error.value.remedy


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://me:se@cr:et@host/name", "@"),
        ("postgresql://me:se@cret@host/name", "@"),
        ("postgresql://me:se@cr/et@host/name", "@"),
        ("postgresql://me:cr@et?ec@host/name", "@"),
        ("postgresql://host:5432/name?user=me&password=cr@et", "@"),
        ("mysql+pymysql://me:cr@et@host/name", "@"),
        ("postgresql://me:cret/name", "port"),
        ("postgresql://me:cret@host:cret/name", "port"),
        ("me:cret@host/name", "not the address"),
    ],
)
def test_no_part_of_a_password_is_shown_that_is_not_percent_encoded(
    address: str, told: str
) -> None:
    for use in (lambda: check_storage(address, []), lambda: open_storage(address)):
        with pytest.raises(SegkitError) as error:
            use()
        assert told in error.value.what
        for part in ("cr", "et", "host/name"):
            assert part not in error.value.what + error.value.where
        assert "%40" in error.value.remedy or "storage=" in error.value.remedy


def test_a_password_that_is_percent_encoded_is_taken() -> None:
    address = "postgresql://me:se%40cr%3A%2F%3Fet@host/name?options=a%40b"
    check_storage(address, [])
    assert "cr" not in without_password(address)


def test_two_slashes_before_a_file_are_told_with_the_right_form(tmp_path: Path) -> None:
    for scheme in ("journal", "sqlite"):
        with pytest.raises(SegkitError, match="two slashes") as error:
            check_storage(f"{scheme}://scratch/study.log", [])
        assert f"storage={scheme}:////scratch/study.log" in error.value.remedy
        assert f"storage={scheme}:///scratch/study.log" in error.value.remedy
        odd = tmp_path / "a@b@c:d"
        odd.mkdir(exist_ok=True)
        check_storage(f"{scheme}:///{odd}/study.log", [])
    assert open_storage(f"journal:///{odd}/study.log")
