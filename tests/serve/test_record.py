"""The record of the last calls: bounded, counted, and without secrets."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from otabridge.facade import Account, Call, Verdict
from otabridge.serve.record import LONGEST, MOST, REMEMBERED, SHORT, Entry, Record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "cnry-KEY/7f3a+q=~"
ACCOUNTS = {
    "key": Account(access_key="key", secret_key=SECRET),
    "sts": Account(access_key="sts", secret_key="cnry-2", token="cnry-3"),
}
SITE: Any = SimpleNamespace(master=ACCOUNTS["key"], account=ACCOUNTS.get)


def recorded(verdict: Verdict | None = None, *, target: str = "/", body: bytes = b"", **headers: str) -> Entry:
    """What the record has of one call."""
    record = Record()
    entry = Entry(at=NOW, facade="tiny", method="GET", path="/", verdict=verdict or Verdict())
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    call = Call(method="GET", target=target, headers=named, body=body, now=NOW, id="1", origin="http://h")
    record.add(entry, call, SITE)
    return record.entries[-1]


def test_the_last_calls_are_kept_and_all_are_counted() -> None:
    record = Record()
    for _ in range(REMEMBERED + 7):
        call = Call(method="GET", target="/", headers={}, now=NOW, id="1", origin="http://h")
        record.add(Entry(at=NOW, facade="tiny", method="GET", path="/"), call, SITE)
    assert (len(record.entries), record.calls["tiny"]) == (REMEMBERED, REMEMBERED + 7)
    assert record.find(7) is None
    assert record.find(8) is record.entries[0]


def test_each_call_is_logged_in_a_line_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "otabridge"):
        recorded(target=f"/{SECRET}?a={SECRET}")
    assert [record.getMessage() for record in caplog.records] == ["tiny, call 1: GET no operation: 0 "]


def test_a_secret_s_name_without_its_value_moves_no_other() -> None:
    entry = recorded(target="/?a=token=&b=v1&c=v2&d=v3")
    assert dict(entry.parameters) == {"a": "token=", "b": "v1", "c": "v2", "d": "v3"}


def test_a_large_call_takes_little_room() -> None:
    verdict = Verdict(message="m" * 10**6, expected="e" * 10**6, received="r" * 10**6)
    many = "&".join(f"n{number}={'v' * 2000}" for number in range(1000))
    entry = recorded(verdict, target=f"/{'p' * 9000}?{many}", **{f"h{number}": "v" * 2000 for number in range(1000)})
    assert max(len(entry.verdict.expected), len(entry.verdict.received)) <= LONGEST + 1
    assert max(map(len, (entry.path, entry.verdict.message))) <= SHORT + 1
    for pairs in (entry.parameters, entry.headers):
        assert len(pairs) == MOST
        assert all(len(value) <= SHORT + 1 for _, value in pairs)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        (
            "authorization",
            "V4-HMAC Access=AK, SignedHeaders=host;x-date, Signature=abc",
            ", SignedHeaders=host;x-date, ",
        ),
        ("authorization", "STORE AK:c2ln", "STORE AK:***"),
        ("authorization", "Bearer c2ln", "Bearer ***"),
        ("x-auth-token", "c2ln", "***"),
        ("cookie", "c2ln", "***"),
        ("x-acs-signature-nonce", "c2ln", "c2ln"),
    ],
)
def test_of_a_header_what_proves_identity_is_masked(name: str, value: str, kept: str) -> None:
    assert kept in dict(recorded(**{name: value}).headers)[name]
    assert "Signature=abc" not in repr(recorded(**{name: value}).headers)


def test_parameters_of_query_and_form_are_kept_but_for_what_proves_identity() -> None:
    entry = recorded(
        target="/?Action=List&Signature=abc",
        body=b"SecurityToken=abc&ClientToken=c&Name=%2B",
        content_type="application/x-www-form-urlencoded",
    )
    masked = (("Signature", "***"), ("SecurityToken", "***"), ("ClientToken", "c"), ("Name", "+"))
    assert entry.parameters == (("Action", "List"), *masked)


@pytest.mark.parametrize(
    "text",
    [
        "SecurityToken=cnry-9&Version=1",
        "GET&%2F&SecurityToken%3Dcnry-9%26Version%3D1",
        "x-security-token:cnry-9\nx-version: 1",
        '{"password": "cnry-9", "version": 1}',
        f"the key is {SECRET} and the version 1",
        "signed with cnry-2 and cnry-3, version 1",
        "taken from the call itself: cnry-8, version 1",
        "again from the call, encoded twice: a%252Bcnry-7, version 1",
    ],
)
def test_a_secret_in_a_verdicts_text_is_masked_and_the_rest_stays(text: str) -> None:
    verdict = Verdict(account="sts", refusal="bad signature", message=text, expected=text, received=text)
    entry = recorded(verdict, target="/?token=a%2Bcnry-7", x_token="cnry-8")
    for shown in (entry.verdict.message, entry.verdict.expected, entry.verdict.received):
        assert "cnry" not in shown
        assert "***" in shown
        assert "ersion" in shown


def test_a_long_run_of_letters_is_read_in_no_time() -> None:
    # A pattern that tries each letter as a beginning, and reads to the end from each, would take minutes.
    entry = recorded(Verdict(expected="a" * 10**6), target=f"/?x={'token' * 5000}")
    assert entry.verdict.expected.startswith("aaa")
