"""What a person is told of a refused call: facts, two texts side by side, and where they part."""

from datetime import UTC, datetime
from typing import get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge.facade import Reason, Verdict
from otabridge.serve.page_help import HELP, Side, compare, facts, first_difference
from otabridge.serve.record import Entry
from otabridge.wire import Pairs
from tests.serve.test_page import shown
from tests.serve.tiny import headers, tiny

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TEXTS = st.text("ab&%26\n ", max_size=60) | st.text("a&", min_size=90, max_size=120)


def refused(reason: Reason, *, parameters: Pairs = (), sent: Pairs = ()) -> list[tuple[str, str, str]]:
    """The facts of a call at noon that was refused."""
    entry = Entry(at=NOON, facade="tiny", method="GET", path="/", parameters=parameters, headers=sent)
    entry.verdict, entry.clock = Verdict(refusal=reason), NOON
    return [(fact.place, fact.name, fact.value) for fact in facts(entry, reason, "the-key")]


def test_every_refusal_has_its_help() -> None:
    assert {*HELP} == {*get_args(Reason)}


@pytest.mark.parametrize(
    ("name", "value", "difference"),
    [
        ("Timestamp", "2026-03-01T20:00:00Z", "8 h 0 min 0 s after the server's time"),
        ("x-date", "20260301T114500Z", "15 min 0 s before the server's time"),
        ("date", "Sun, 01 Mar 2026 12:00:05 GMT", "0 min 5 s after the server's time"),
        ("Expires", "1772366400", "none"),
    ],
)
def test_a_stale_call_is_told_both_times_and_how_far_they_are_apart(name: str, value: str, difference: str) -> None:
    assert refused("bad time", parameters=((name, value), ("Action", "List"))) == [
        ("parameter", name, value),
        ("server", "time", "2026-03-01T12:00:00Z"),
        ("difference", name, difference),
    ]


def test_a_time_that_is_none_is_shown_without_a_difference() -> None:
    assert [row[0] for row in refused("bad time", sent=(("x-date", "yesterday"),))] == ["header", "server"]


def test_an_unknown_key_is_shown_beside_the_servers() -> None:
    assert refused("unknown key", parameters=(("AccessKeyId", "theirs"), ("Format", "JSON"))) == [
        ("parameter", "AccessKeyId", "theirs"),
        ("server", "access key", "the-key"),
    ]


def test_a_nonce_that_was_used_is_shown() -> None:
    assert refused("nonce used", parameters=(("SignatureNonce", "n1"), ("Format", "JSON"))) == [
        ("parameter", "SignatureNonce", "n1")
    ]


def test_of_a_bad_signature_the_signed_headers_are_shown() -> None:
    names = [row[1] for row in refused("bad signature", sent=(("host", "h"), ("authorization", "a"), ("accept", "*")))]
    assert names == ["host", "authorization"]


# --- side by side -----------------------------------------------------------------------------------------------------


def joined(side: Side | None) -> str:
    return side.before + side.marked + side.after if side else ""


@given(TEXTS, TEXTS)
def test_side_by_side_nothing_of_either_text_is_lost(expected: str, received: str) -> None:
    rows = compare(expected, received)
    assert "".join(joined(row.expected) for row in rows) == expected.replace("\n", "")
    assert "".join(joined(row.received) for row in rows) == received.replace("\n", "")


@given(TEXTS, TEXTS)
def test_rows_differ_exactly_where_the_texts_do(expected: str, received: str) -> None:
    rows = compare(expected, received)
    assert all(row.same == (row.expected == row.received) for row in rows)
    assert all(row.same for row in rows) == (expected == received)


def test_what_differs_is_marked_to_the_letter() -> None:
    row = compare("GET\n/modules\nx", "GET\n/Modules\nx")[1]
    assert (row.number, row.expected, row.received) == (2, Side("/", "m", "odules"), Side("/", "M", "odules"))


def test_a_long_line_is_taken_apart_at_its_parameters() -> None:
    pairs = [f"Parameter{number}%3Dvalue{number}" for number in range(9)]
    rows = compare("GET&%2F&" + "%26".join(pairs), "GET&%2F&" + "%26".join([*pairs[:4], *pairs[5:]]))
    assert [(row.expected.marked, row.received) for row in rows if not row.same and row.expected] == [
        (f"{pairs[4]}%26", None)
    ]


def test_a_text_that_begins_further_on_is_compared_from_there() -> None:
    expected = "GET\n/\n\nHMAC\ntime\ndigest"
    assert "line 5, character 2: " in first_difference(expected, "HMAC\ntIme\ndigest")


@pytest.mark.parametrize("received", ["GET\n/", "HMAC\ndigest"])
def test_a_part_that_is_equal_is_told_to_be_one(received: str) -> None:
    assert "equal to a part of the server's" in first_difference("GET\n/\nHMAC\ndigest", received)


@pytest.mark.parametrize(
    ("expected", "received", "words"),
    [
        ("a\nbc", "a\nb+", "line 2, character 2: the server has “c”, the client “+”."),
        ("a b", "a", "line 1, character 2: the server has a space, the client the end of the text."),
        ("a\n", "a\t", "line 1, character 2: the server has the end of a line, the client a tab."),
        ("é", "e\u0301", "line 1, character 1: the server has latin small letter e with acute, the client “e”."),
    ],
)
def test_the_first_difference_is_told_in_words(expected: str, received: str, words: str) -> None:
    assert first_difference(expected, received) == f"They part at {words}"


def test_a_refused_call_shows_both_texts() -> None:
    with tiny() as server:
        signed = "GET\n/modules/P1\n\n"
        httpx.get(f"{server.url}/modules/p1", headers=headers(server, "/modules/p1", text=signed))
        text = shown(server, "request", number=1)
    assert "They part at line 2, character 10: the server has “p”, the client “P”." in text
    assert "2 differs /modules/ p 1 /modules/ P 1" in text
    assert "how it is encoded: space, * , ~ , / , + , and letters beyond ASCII." in text


def test_a_text_of_the_clients_own_can_be_compared() -> None:
    with tiny() as server:
        httpx.get(f"{server.url}/modules/p1", headers=headers(server, "/modules/p1", secret="another", date=""))
        same = shown(server, "request", number=1, mine="GET\r\n/modules/p1\r\n\r\n")
        other = shown(server, "request", number=1, mine="GET\r\n/modules/p1 \r\n")
    assert "The two texts are equal: " in same
    assert "the server has the end of a line, the client a space" in other
    assert "␣" in other
