"""What goes wrong between a client and a real server, told in words that say what can be done."""

import asyncio
from typing import Any

import pytest
from clients import Clouds, Used, settings
from hawkbit_server import Hawkbit
from players import Operator

from otabridge import (
    AuthenticationError,
    ConnectError,
    OtaBridgeError,
    ProtocolError,
    QuotaExceededError,
    aconnect,
)
from tests.support.server import RawServer, free_port, reply

MOST_NOTES = 100


def fails(used: Used) -> OtaBridgeError:
    """The error of the first call of a client."""
    with pytest.raises(OtaBridgeError) as caught:
        used.modules.list()
    return caught.value


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "nobody"}])
def test_who_is_not_known_is_told_so(clouds: Clouds, hawkbit: Hawkbit, wrong: dict[str, str]) -> None:
    error = fails(clouds.of(hawkbit, **wrong))
    assert type(error) is AuthenticationError
    assert error.status == 401
    assert "Unauthorized" in error.message


def test_no_secret_is_in_what_is_told(clouds: Clouds, hawkbit: Hawkbit) -> None:
    used = clouds.of(hawkbit, password="Wrong-Password-1")
    error = fails(used)
    shown = f"{error} {error!r} {vars(error)} {used.client!r} {vars(used.client)}"
    assert "Wrong-Password-1" not in shown
    assert hawkbit.password not in shown


def test_the_servers_own_tenant_may_be_named(clouds: Clouds, operator: Operator, hawkbit: Hawkbit) -> None:
    key = operator.type()["key"]
    used = clouds.of(hawkbit, tenant=hawkbit.tenant)
    assert used.modules.get(key, product=hawkbit.tenant).name == key


STRANGERS = {
    "a page": reply(b"<html>Not Found</html>", "404 Not Found", "Content-Type: text/html"),
    "a page that is there": reply(b"<html>hello</html>", "200 OK", "Content-Type: text/html"),
    "other JSON": reply(b'{"items": []}', "200 OK", "Content-Type: application/json"),
    "a redirect": reply(b"", "302 Found", "Location: https://127.0.0.1/login"),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_server_that_is_no_hawkbit_is_told_as_such(clouds: Clouds, hawkbit: Hawkbit, stranger: str) -> None:
    with RawServer(STRANGERS[stranger]) as server:
        error = fails(clouds.of(hawkbit, endpoint=server.url))
        assert type(error) is ProtocolError


def test_a_server_of_the_same_framework_is_told_as_such(clouds: Clouds, hawkbit: Hawkbit) -> None:
    body = b'{"timestamp":"x","status":404,"error":"Not Found","message":"","path":"/rest/v1/softwaremoduletypes"}'
    with RawServer(reply(body, "404 Not Found", "Content-Type: application/json")) as server:
        error = fails(clouds.of(hawkbit, endpoint=server.url))
    assert type(error) is ProtocolError
    assert "endpoint" in str(error)


def test_where_nobody_listens_there_is_no_connection(clouds: Clouds, hawkbit: Hawkbit) -> None:
    error = fails(clouds.of(hawkbit, endpoint=f"http://127.0.0.1:{free_port()}", timeout=5))
    assert type(error) is ConnectError


def test_a_full_quota_of_the_server_is_told_in_words(prefixed: Used, operator: Operator) -> None:
    operator.type(f"{operator.prefix}.mcu")
    made = operator.module(f"{operator.prefix}.mcu", "1")
    notes = [{"key": f"k{number}", "value": "v"} for number in range(MOST_NOTES)]
    assert operator.ask("POST", f"/softwaremodules/{made['id']}/metadata", json=notes).status_code == 201
    with pytest.raises(QuotaExceededError, match="quota") as caught:
        prefixed.packages.update(str(made["id"]), custom_info="one more")
    assert "tooManyEntries" in (caught.value.code or "")
    assert operator.get(f"/softwaremodules/{made['id']}/metadata", limit=500)["total"] == MOST_NOTES


def test_a_client_that_keeps_the_quotas_is_not_refused_by_a_server_that_exempts_nobody(
    lasting_hawkbit: Hawkbit,
) -> None:
    given: dict[str, Any] = settings(lasting_hawkbit) | {"quotas": "documented"}

    async def use() -> None:
        async with aconnect(**given) as cloud:
            await asyncio.gather(*(cloud.modules.list().first_page() for _ in range(300)))

    asyncio.run(use())
