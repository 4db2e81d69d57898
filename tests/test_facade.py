"""What facades are given to remember with: bounded, and each nonce good once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge import connect
from otabridge.facade import Account, Facade, Nonces, Table, decoded
from otabridge.models import DEFAULT, FIRMWARE, SOFTWARE

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers())))
def test_a_table_keeps_what_was_used_last(rows: list[tuple[int, int]]) -> None:
    table: Table[int, int] = Table(3)
    for key, value in rows:
        table.put(key, value)
    last = list(dict(reversed(rows)))[:3]
    assert sorted(table) == sorted(last)
    assert all(table.get(key) == dict(rows)[key] for key in last)


def test_reading_a_row_keeps_it() -> None:
    table: Table[str, int] = Table(2)
    table.put("a", 1)
    table.put("b", 2)
    table.get("a")
    table.put("c", 3)
    assert list(table) == ["a", "c"]


def test_a_nonce_is_good_once_in_its_window() -> None:
    nonces = Nonces(WINDOW)
    assert nonces.spend("n", NOON)
    assert not nonces.spend("n", NOON + WINDOW)
    assert nonces.spend("n", NOON + WINDOW + timedelta(seconds=1))


def test_nonces_take_a_bounded_place() -> None:
    nonces = Nonces(WINDOW, size=10)
    for number in range(1000):
        nonces.spend(str(number), NOON)
    assert len(nonces._spent) <= 11
    assert not nonces.spend("999", NOON)


def test_an_account_shows_no_secret() -> None:
    account = Account(access_key="AK", secret_key="deep-secret", token="deep-token")
    assert "deep" not in repr(account)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ()),
        ("a=1&b=", (("a", "1"), ("b", ""))),
        ("a+b=%2B+%20", (("a b", "+  "),)),
        ("a=1&a=2", (("a", "1"), ("a", "2"))),
        ("%E4%B8%AD=%E6%96%87", (("中", "文"),)),
    ],
)
def test_a_query_is_decoded_with_plus_as_a_space(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert decoded(text) == pairs


def test_a_query_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="fields"):
        decoded("&".join(["a=1"] * 5000))


@pytest.mark.parametrize(("module", "stored"), [(FIRMWARE, DEFAULT), (DEFAULT, DEFAULT), (SOFTWARE, SOFTWARE)])
def test_a_builtin_module_is_looked_for_under_the_name_that_all_facades_share(module: str, stored: str) -> None:
    with connect("memory:") as cloud:
        facade = object.__new__(_Mirror)
        facade.store = cloud._backend
        assert facade.builtin(module) == stored


class _Mirror(Facade):
    name = "acme"


_Mirror.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
