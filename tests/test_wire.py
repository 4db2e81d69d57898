"""Requests, responses, and the one percent-encoder."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge.links import Links
from otabridge.wire import FileBody, Request, Response, encoded_query, http_date, quote3986

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("raw", "encoded"),
    [
        (" ", "%20"),
        ("*", "%2A"),
        ("~", "~"),
        ("+", "%2B"),
        ("/", "%2F"),
        ("=&", "%3D%26"),
        ("%41", "%2541"),
        ("中", "%E4%B8%AD"),
        ("😀", "%F0%9F%98%80"),
        ("é", "%C3%A9"),
        ("Az09-_.", "Az09-_."),
        ("٣", "%D9%A3"),
        ("a\n", "a%0A"),
        ("", ""),
    ],
)
def test_everything_but_the_unreserved_is_encoded(raw: str, encoded: str) -> None:
    assert quote3986(raw) == encoded


@given(TEXT)
def test_encoding_keeps_every_character(text: str) -> None:
    encoded = quote3986(text)
    assert unquote(encoded, errors="strict") == text
    assert set(encoded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%")


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT)))
def test_a_query_keeps_order_repeats_and_empty_values(pairs: list[tuple[str, str]]) -> None:
    assert parse_qsl(encoded_query(pairs), keep_blank_values=True) == pairs


def test_an_empty_value_keeps_its_equals_sign() -> None:
    assert encoded_query([("a", ""), ("b", "1")]) == "a=&b=1"


def test_an_unsigned_request_gets_its_target_from_path_and_query() -> None:
    request = Request(operation="O", path="/a b/~*", query=(("q", "x y"),)).on_wire()
    assert request.target == "/a%20b/~%2A?q=x%20y"


def test_a_target_that_a_signer_has_set_is_left_alone() -> None:
    assert Request(operation="O", path="/other", target="/signed?x=%2a").on_wire().target == "/signed?x=%2a"


def test_a_form_becomes_the_body_with_its_content_type() -> None:
    request = Request(operation="O", form=(("a", "1 2"), ("b", "*"))).on_wire()
    assert (request.body, request.form) == (b"a=1%202&b=%2A", ())
    assert request.headers == (("Content-Type", "application/x-www-form-urlencoded"),)


def test_headers_of_an_answer_are_found_in_any_case() -> None:
    assert Response(200, {"x-request-id": "r1"}).header("X-Request-Id") == "r1"
    assert Response(200, {}).header("Date") is None


def test_a_date_header_is_read_as_an_aware_time() -> None:
    assert http_date("Sun, 01 Mar 2026 12:00:00 GMT") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert http_date("Sun, 01 Mar 2026 12:00:00 -0000") == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "Sun, 99 Mar 2026 12:00:00 GMT",
        "Sun, 01 Mar 99999999999 12:00:00 GMT",
        "Sun, 01 Mar 2026 12:00:00 +999999999999",
        "1 Jan",
    ],
)
def test_a_date_header_that_is_none_is_no_date(text: str | None) -> None:
    assert http_date(text) is None


@given(st.text(max_size=40) | st.from_regex(r"\w{3}, \d+ Mar \d+ \d+:\d+:\d+ [+-]?\d+", fullmatch=True))
def test_no_date_header_breaks_the_reader(text: str) -> None:
    moment = http_date(text)
    assert moment is None or moment.utcoffset() is not None


def test_a_read_date_can_be_compared_with_a_clock() -> None:
    moment = http_date("Sun, 01 Mar 2026 13:00:00 +0100")
    assert moment is not None
    assert moment - datetime(2026, 3, 1, 11, tzinfo=UTC) == timedelta(hours=1)


def test_a_signed_request_keeps_a_form_that_its_signer_did_not_encode() -> None:
    request = Request(operation="op", method="POST", form=(("a", "b c"),)).with_target("/?x=1", headers=(("A", "1"),))
    sent = request.on_wire()
    assert (sent.target, sent.body, sent.form) == ("/?x=1", b"a=b%20c", ())
    assert sent.headers == (("A", "1"), ("Content-Type", "application/x-www-form-urlencoded"))


def test_a_signed_request_with_its_body_is_on_the_wire_already() -> None:
    request = Request(operation="op", method="POST", form=(("a", "b"),)).with_target("/", body=b"a=b")
    assert request.on_wire() is request


def test_a_request_with_a_header_alone_gets_its_target_from_path_and_query() -> None:
    request = Request(operation="op", path="/a b", query=(("q", "*"),), headers=(("Authorization", "Bearer x"),))
    assert request.on_wire().target == "/a%20b?q=%2A"


@pytest.mark.parametrize(("method", "read"), [("GET", True), ("HEAD", True), ("POST", False), ("DELETE", False)])
def test_whether_a_request_only_reads_is_told_by_its_method_unless_it_says_so(method: str, read: bool) -> None:
    assert Request(operation="op", method=method).read is read
    assert Request(operation="op", method=method, read=not read).read is not read


def test_a_signed_request_is_the_same_in_everything_that_signing_does_not_change() -> None:
    values = {"operation": "op", "method": "PUT", "origin": "https://h", "path": "/p", "query": (("a", "b"),)}
    values |= {"headers": (("H", "1"),), "body": b"x", "form": (("f", "g"),), "read": True, "auth": False, "pace": "q"}
    values |= {"file": FileBody(path=Path("a"), size=1), "save_to": object(), "links": Links(hosts=())}
    assert {item.name for item in fields(Request)} == {*values, "target"}
    request = Request(**values)  # type: ignore[arg-type]
    assert request.with_target("/t") == Request(**values, target="/t")  # type: ignore[arg-type]
