"""What our own clients make of a cloud that misbehaves: every fault of the mirror against every backend of ours."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from otabridge import (
    AuthenticationError,
    OutcomeUnknownError,
    PagingError,
    RateLimitError,
    ServerError,
    TransportError,
)
from otabridge.serve import Fault, Server, running
from otabridge.signing import World
from tests.support.mirror import Reach, settings

LISTS = {"huawei": "ListOtaModules", "tuya": "ListOTAModuleByProduct", "aliyun": "ListOTAModuleByProduct"}
CREATES = {"huawei": "CreateOtaModule", "tuya": "CreateOTAModule", "aliyun": "CreateOTAModule"}
PAGED = {"huawei": "ListOtaPackageInfo", "tuya": "ListOTAFirmware", "aliyun": "ListOTAFirmware"}
# The call that asks for the second page of a product's packages: this cloud lists two other types of them first.
SECOND = {"huawei": 4, "tuya": 2, "aliyun": 2}


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


HASTY = World(sleep=lambda _: None, asleep=_at_once)  # the clients' waits pass at once


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=list(LISTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def misbehaving(name: str, colour: str, *faults: Fault, way: str = "") -> Iterator[tuple[Server, Reach]]:
    """A cloud with a module in it that misbehaves, and our client of it. Every fault must fire."""
    with running(name, faults=faults) as server:
        server.cloud.modules.create("mcu", product="p")
        reach = Reach(colour, **settings(server, way or name, world=HASTY))
        try:
            yield server, reach
        finally:
            reach.close()
    server.faults.check()


def names(reach: Reach) -> list[str]:
    return [row.name for row in reach.rows(lambda c: c.modules.list(product="p"))]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop"},
        {"kind": "lose"},
        {"kind": "truncate"},
        {"kind": "throttle"},
        {"kind": "throttle", "retry_after": 5},
        {"kind": "answer", "status": 500},
        {"kind": "answer", "status": 503},
        {"kind": "delay", "delay": 0.01},
    ],
)
def test_a_read_is_repeated_until_it_succeeds(name: str, colour: str, fault: dict[str, Any]) -> None:
    once = Fault(operation=LISTS[name], call=1, **fault)
    with misbehaving(name, colour, once) as (server, reach):
        assert names(reach) == ["mcu"]
        asked = sum(entry.operation == LISTS[name] for entry in server.record.entries)
        assert asked == (1 if once.kind == "delay" else 2)


def test_a_read_is_not_repeated_for_ever(name: str, colour: str) -> None:
    with misbehaving(name, colour, Fault(kind="drop", operation=LISTS[name])) as (server, reach):
        with pytest.raises(TransportError):
            names(reach)
        assert len(server.faults.fired) == 4


@pytest.mark.parametrize(
    ("kind", "more", "error"), [("throttle", {}, RateLimitError), ("answer", {"status": 500}, ServerError)]
)
def test_what_the_cloud_says_to_the_end_is_the_error(
    name: str, colour: str, kind: Any, more: dict[str, Any], error: type[Exception]
) -> None:
    fault = Fault(kind=kind, operation=LISTS[name], **more)
    with misbehaving(name, colour, fault) as (_, reach), pytest.raises(error):
        names(reach)


def test_a_create_whose_answer_was_lost_is_looked_for_and_found(name: str, colour: str) -> None:
    with misbehaving(name, colour, Fault(kind="lose", operation=CREATES[name])) as (server, reach):
        made = reach.do(lambda c: c.modules.create("new", product="p", alias="A1"))
        assert (made.name, made.alias) == ("new", "A1")
        assert [fired.call for fired in server.faults.fired] == [1]
        assert {"mcu", "new"} <= {row.name for row in server.cloud.modules.list(product="p")}


def test_a_create_that_never_reached_the_cloud_is_not_taken_for_done(name: str, colour: str) -> None:
    with misbehaving(name, colour, Fault(kind="drop", operation=CREATES[name])) as (server, reach):
        with pytest.raises(OutcomeUnknownError):
            reach.do(lambda c: c.modules.create("new", product="p"))
        assert "new" not in {row.name for row in server.cloud.modules.list(product="p")}
        assert len(server.faults.fired) == 1


def test_a_clock_that_is_off_is_measured_and_allowed_for(name: str, colour: str) -> None:
    with misbehaving(name, colour, Fault(kind="skew", seconds=-5 * 3600)) as (_, reach):
        assert names(reach) == ["mcu"]


def test_a_token_that_has_expired_is_fetched_anew(colour: str) -> None:
    fault = Fault(kind="expire", operation=LISTS["huawei"], call=1)
    with misbehaving("huawei", colour, fault, way="huawei token") as (_, reach):
        assert names(reach) == ["mcu"]


def test_a_token_that_is_always_expired_is_an_error(colour: str) -> None:
    fault = Fault(kind="expire", operation=LISTS["huawei"])
    with misbehaving("huawei", colour, fault, way="huawei token") as (_, reach), pytest.raises(AuthenticationError):
        names(reach)


def test_a_page_that_comes_again_is_not_taken_for_the_next_one(name: str, colour: str) -> None:
    fault = Fault(kind="repeat", operation=PAGED[name], calls=f"{SECOND[name]}-")
    with misbehaving(name, colour, fault) as (server, reach):
        _publish(server, 9)
        with pytest.raises(PagingError):
            reach.rows(lambda c: c.packages.list(product="p", page_size=2))


def test_a_list_that_shrinks_while_it_is_read_lacks_no_row_that_is_still_there(name: str, colour: str) -> None:
    fault = Fault(kind="shrink", operation=PAGED[name], calls=f"{SECOND[name]}-")
    with misbehaving(name, colour, fault) as (server, reach):
        made = _publish(server, 9)
        rows = reach.rows(lambda c: c.packages.list(product="p", page_size=2))
        assert set(made[:-1]) <= {row.version for row in rows} <= set(made)


def _publish(server: Server, count: int) -> list[str]:
    """Packages, and their versions: the newest is the first of every list."""
    versions = [f"1.{number}" for number in range(count)]
    for version in versions:
        server.cloud.packages.create(product="p", module="mcu", version=version, artifacts=[])
    return versions
