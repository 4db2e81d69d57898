"""Faults on purpose: the script, the calls it hits, what a client sees of each kind, and the account of it."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from alibabacloud_iot20180120 import models
from alibabacloud_iot20180120.client import Client as Aliyun
from alibabacloud_tea_openapi.exceptions import ThrottlingException
from alibabacloud_tea_openapi.models import Config
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from otabridge import ConfigurationError
from otabridge.facade import Answer
from otabridge.serve import Fault, Faults, running
from tests.serve.raw import exchange
from tests.serve.toy import ask, make, toy
from tests.support.world import START, FakeWorld

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def hits(fault: Fault, calls: int) -> list[int]:
    """The numbers of the calls that a fault hits, of so many."""
    faults = Faults([fault])
    return [number for number in range(1, calls + 1) if faults.strike("toy", "Do", NOON).ends]


# --- which calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "hit"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"call": 3}, [3]),
        ({"calls": "2-4"}, [2, 3, 4]),
        ({"calls": "4-"}, [4, 5]),
        ({"times": 2}, [1, 2]),
        ({"calls": "2-", "times": 2}, [2, 3]),
        ({"call": 9}, []),
        ({"operation": "Do"}, [1, 2, 3, 4, 5]),
        ({"operation": "Undo"}, []),
        ({"facade": "toy", "call": 1}, [1]),
        ({"facade": "other"}, []),
    ],
)
def test_a_fault_hits_the_calls_it_is_addressed_to(address: dict[str, Any], hit: list[int]) -> None:
    assert hits(Fault(kind="drop", **address), 5) == hit


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["Do", "Undo"])), max_size=30),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from(["*", "Do", "Undo"]),
    st.integers(1, 5),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(1, 3)),
)
def test_a_fault_counts_the_calls_that_it_could_hit_and_no_others(
    calls: list[tuple[str, str]], facade: str | None, operation: str, first: int, more: int, times: int | None
) -> None:
    fault = Fault(kind="drop", facade=facade, operation=operation, calls=f"{first}-{first + more}", times=times)
    faults = Faults([fault])
    struck = [place for place, call in enumerate(calls) if faults.strike(*call, NOON).ends]
    could = [place for place, call in enumerate(calls) if facade in (None, call[0]) and operation in ("*", call[1])]
    assert struck == could[first - 1 : first + more][:times]
    assert [fired.call for fired in faults.fired] == [could.index(place) + 1 for place in struck]
    assert faults.pending == ([] if struck else [fault])


def test_of_two_faults_that_end_a_call_the_first_fires_and_the_other_stays() -> None:
    faults = Faults([Fault(kind="drop", call=1), Fault(kind="lose", call=1), Fault(kind="delay", delay=1, call=1)])
    strike = faults.strike("toy", "Do", NOON)
    assert (str(strike), strike.delay, strike.breaks) == ("delay, drop", 1, "drop")
    assert [fault.kind for fault in faults.pending] == ["lose"]


def test_nothing_is_repeated_before_there_was_an_answer() -> None:
    faults = Faults([Fault(kind="repeat")])
    assert faults.strike("toy", "Do", NOON).ends is None
    assert faults.pending
    faults.remember("toy", "Do", Answer(body=b"1"))
    assert faults.strike("toy", "Undo", NOON).ends is None
    assert faults.strike("toy", "Do", NOON).again == Answer(body=b"1")
    assert faults.pending == []


def test_the_account_is_bounded() -> None:
    faults = Faults([Fault(kind="drop")])
    for _ in range(3000):
        faults.strike("toy", "Do", NOON)
    assert len(faults.fired) == 1000
    assert faults.fired[-1].call == 3000


# --- the script -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ('kind = "explode"', "fault 2, kind: Input should be"),
        ('kind = "explode"', "one of: answer delay drop"),
        ("call = 1", "fault 2, kind: Field required"),
        ('kind = "drop"\ncal = 1', "fault 2: no field is called cal: there are kind, facade"),
        ('kind = "drop"\ncall = 0', "fault 2, call: Input should be greater than or equal to 1: give the number"),
        ('kind = "drop"\ncalls = "4-2"', "fault 2: calls ends before it begins: '4-2'"),
        ('kind = "drop"\ncalls = "x"', 'give "2-4", or "2-"'),
        ('kind = "drop"\ncall = 1\ncalls = "1-2"', "fault 2: give call or calls, not both"),
        ('kind = "answer"', "fault 2: a fault of kind answer needs status"),
        ('kind = "answer"\nstatus = 99', "fault 2, status: "),
        ('kind = "delay"', "fault 2: a fault of kind delay needs delay"),
        ('kind = "delay"\ndelay = inf', "fault 2, delay: "),
        ('kind = "skew"', "fault 2: a fault of kind skew needs seconds"),
        ('kind = "drop"\nretry_after = 3', "fault 2: a fault of kind drop takes no retry_after: leave it out"),
        ('kind = "shrink"\nstatus = 500', "fault 2: a fault of kind shrink takes no status"),
    ],
)
def test_a_bad_script_is_told_by_file_entry_field_and_mend(tmp_path: Path, entry: str, told: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(f'[[fault]]\nkind = "drop"\n\n[[fault]]\n{entry}\n')
    with pytest.raises(ConfigurationError) as caught:
        Faults(file)
    assert str(caught.value).startswith(f"{file}: fault 2")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[fault]", "not TOML"),
        ("[[faults]]\nkind = 'drop'", "faults does not belong there: write each fault as a [[fault]] table"),
        ("fault = 1", "fault does not belong there"),
        ("fault = [1]", "fault 1: Input should be a valid dictionary"),
    ],
)
def test_a_file_that_is_no_script_is_told_as_such(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"faults\.toml: ") as caught:
        Faults(file)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        Faults(tmp_path / "none.toml")


def test_a_file_and_rows_in_python_are_the_same_script(tmp_path: Path) -> None:
    rows = [
        Fault(kind="answer", facade="toy", operation="ListModules", call=3, status=503, code="Busy", message="later"),
        Fault(kind="throttle", calls="2-4", retry_after=5, delay=0.5),
        Fault(kind="skew", times=1, seconds=-3600),
    ]
    tables = (
        "".join(f"{name} = {json.dumps(value)}\n" for name, value in row.model_dump(exclude_unset=True).items())
        for row in rows
    )
    file = tmp_path / "faults.toml"
    file.write_text("".join(f"[[fault]]\n{table}\n" for table in tables))
    assert list(Faults(str(file))) == rows


def test_in_python_a_bad_fault_is_refused_where_it_is_made() -> None:
    with pytest.raises(ValidationError, match="needs status"):
        Fault(kind="answer")


def test_a_fault_for_a_facade_that_is_not_served_is_refused() -> None:
    faults = [Fault(kind="drop", facade="elsewhere")]
    with pytest.raises(ConfigurationError, match="elsewhere, which is not served"), toy(faults=faults):
        pass


# --- what a client sees -----------------------------------------------------------------------------------------------


def test_an_answer_is_given_instead_of_the_work() -> None:
    fault = Fault(kind="answer", operation="CreateModule", call=1, status=507, code="Full", message="no place")
    with toy(faults=[fault]) as server:
        refused = ask(server, "CreateModule", product="p", name="m")
        assert (refused.status_code, refused.json()) == (507, {"error": "Full", "message": "no place"})
        assert list(server.cloud.modules.list(product="p")) == []
        assert ask(server, "CreateModule", product="p", name="m").status_code == 200


@pytest.mark.parametrize("operation", ["CreateModule", "ListModules"])
def test_a_dropped_connection_gives_no_byte_and_nothing_is_done(operation: str) -> None:
    with toy(faults=[Fault(kind="drop", times=1)]) as server:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            ask(server, operation, product="p", name="m")
        assert list(server.cloud.modules.list(product="p")) == []
        assert ask(server).status_code == 200


def test_a_lost_answer_gives_no_byte_and_the_work_is_done() -> None:
    with toy(faults=[Fault(kind="lose", operation="CreateModule")]) as server:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            ask(server, "CreateModule", product="p", name="m")
        assert [module.name for module in server.cloud.modules.list(product="p")] == ["m"]


def test_a_truncated_answer_promises_more_than_comes() -> None:
    with toy(faults=[Fault(kind="truncate")]) as server:
        make(server, "a", "b")
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            ask(server, product="p")
        head, _, body = exchange(server, b"GET /Echo HTTP/1.1\r\nhost: h\r\n\r\n").partition(b"\r\n\r\n")
    (length,) = re.findall(rb"content-length: (\d+)", head)
    assert 0 < len(body) < int(length)


def test_an_answer_without_a_body_that_is_truncated_is_dropped() -> None:
    with toy(faults=[Fault(kind="truncate")]) as server, pytest.raises(httpx.RemoteProtocolError):
        httpx.head(f"{server.url}/Echo", trust_env=False)


@pytest.mark.parametrize(("wait", "header"), [(None, None), (0, "0"), (11, "11")])
def test_a_throttle_comes_with_and_without_retry_after(wait: int | None, header: str | None) -> None:
    with toy(faults=[Fault(kind="throttle", retry_after=wait)]) as server:
        answer = ask(server)
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, header)


def test_a_throttle_that_asks_to_wait_is_one_for_the_vendor_s_client_too() -> None:
    with running("aliyun", faults=[Fault(kind="throttle", retry_after=2)]) as server:
        config = Config(
            access_key_id=server.access_key,
            access_key_secret=server.secret_key,
            endpoint=server.url.removeprefix("http://"),
            protocol="HTTP",
        )
        request = models.QueryProductListRequest(current_page=1, page_size=10)
        with pytest.raises(ThrottlingException) as caught:
            Aliyun(config).query_product_list(request)
    assert caught.value.retry_after == 2000


def test_an_expired_token_is_told_as_such() -> None:
    with toy(faults=[Fault(kind="expire", times=1)]) as server:
        assert ask(server).json()["error"] == "expired token"
        assert ask(server).status_code == 200


def test_a_delay_is_waited_in_the_world_s_time_and_the_call_is_done() -> None:
    clock = FakeWorld()
    faults = [Fault(kind="delay", delay=3600, call=1), Fault(kind="drop", delay=5, call=2)]
    with toy(faults=faults, world=clock.world) as server:
        assert ask(server).status_code == 200
        assert clock.waits == [3600]
        with pytest.raises(httpx.RemoteProtocolError):
            ask(server)
        assert clock.waits == [3600, 5]


def test_a_repeated_page_is_the_last_answer_of_that_operation() -> None:
    with toy(faults=[Fault(kind="repeat", operation="ListModules", call=3)]) as server:
        make(server, "a", "b", "c")
        pages = [ask(server, product="p", limit="1").json()]
        pages.append(ask(server, product="p", limit="1", cursor=pages[0]["next"]).json())
        ask(server, "Echo")
        pages.append(ask(server, product="p", limit="1", cursor=pages[1]["next"]).json())
        assert pages[2] == pages[1] != pages[0]


def test_a_shrunk_list_lacks_its_first_row_and_counts_one_less_from_then_on() -> None:
    with toy(faults=[Fault(kind="shrink", operation="ListModules", calls="2-")]) as server:
        make(server, "a", "b", "c")
        first = ask(server, product="p", limit="2").json()
        assert (first["rows"], first["total"]) == (["c", "b"], 3)
        second = ask(server, product="p", limit="2", cursor=first["next"]).json()
        assert (second["rows"], second["total"]) == (["a"], 2)
        again = ask(server, product="p", limit="2").json()
        assert (again["rows"], again["total"]) == (["b"], 2)
        assert ask(server, product="q").json() == {"rows": [], "next": None, "total": 0}
        assert len(list(server.cloud.modules.list(product="p"))) == 3


def test_a_shrunk_list_makes_what_was_remembered_of_lists_old() -> None:
    with toy(faults=[Fault(kind="shrink", calls="2-")]) as server:
        assert [ask(server).headers["x-changes"] for _ in range(3)] == ["0", "1", "2"]


def test_a_skewed_clock_shows_in_the_call_s_time_and_in_the_date_header() -> None:
    clock = FakeWorld()
    with toy(faults=[Fault(kind="skew", seconds=-3600, call=2)], world=clock.world) as server:
        answers = [ask(server) for _ in range(3)]
    dates = [parsedate_to_datetime(answer.headers["date"]) for answer in answers]
    assert dates == [START, START - timedelta(hours=1), START]
    assert [datetime.fromisoformat(answer.headers["x-now"]) for answer in answers] == dates


# --- the account ------------------------------------------------------------------------------------------------------


def test_the_account_says_what_fired_when_and_at_which_call() -> None:
    clock = FakeWorld()
    faults = [Fault(kind="expire", operation="Echo", call=2), Fault(kind="drop", operation="ListModules")]
    with toy(faults=faults, world=clock.world) as server:
        ask(server, "Echo")
        clock.pass_time(60)
        ask(server, "Echo")
        (fired,) = server.faults.fired
        assert (fired.fault, fired.facade, fired.operation, fired.call) == (faults[0], "toy", "Echo", 2)
        assert fired.at == START + timedelta(minutes=1)
        assert str(fired) == "expire at call 2 of Echo of toy"
        assert server.faults.pending == [faults[1]]
        with pytest.raises(AssertionError, match="never fired: drop at every call of ListModules"):
            server.faults.check()
        with pytest.raises(httpx.RemoteProtocolError):
            ask(server)
        server.faults.check()


def test_the_record_says_which_calls_were_hit() -> None:
    with toy(faults=[Fault(kind="expire", call=2, delay=0.001)]) as server:
        ask(server)
        ask(server)
        assert [(entry.fault, entry.status) for entry in server.record.entries] == [("", 200), ("expire", 403)]


def test_a_call_that_is_not_known_and_one_that_is_not_signed_are_hit_as_well() -> None:
    with toy(faults=[Fault(kind="answer", status=503)]) as server:
        assert ask(server, "Nothing").status_code == 503
        assert ask(server, key="stranger").status_code == 503


def test_what_is_no_fault_is_told_before_anything_is_served() -> None:
    with pytest.raises(ConfigurationError, match="'x' is none: give rows of Fault"):
        Faults(["x"])  # type: ignore[list-item]
