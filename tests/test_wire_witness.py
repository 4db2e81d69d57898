"""What arrives on a socket, from the public API down, is judged by the vendors' own signers, by nothing of ours."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otabridge import AuthenticationError, Module, NotFoundError, aconnect, connect
from tests.support.referee import ACCESS_KEY, PROJECT, SECRET_KEY, TOKEN, ActionState, HuaweiState, refereed

NASTY = "rev B: 50% off *~'()!$&+,/:;=?@[] \"<>\\|`^{} \t中文 é 😀 end"
HUAWEI = {"backend": "huawei", "region": "cn-north-4", "project_id": PROJECT, "app_id": "app1", "quotas": "off"}
HUAWEI_KEYS = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
ACTION_KEYS = {"access_key_id": ACCESS_KEY, "access_key_secret": SECRET_KEY, "quotas": "off"}
CASES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "huawei derived": (HuaweiState, {**HUAWEI, **HUAWEI_KEYS}),
    "huawei plain": (HuaweiState, {**HUAWEI, **HUAWEI_KEYS, "auth": "plain"}),
    "huawei temporary key": (HuaweiState, {**HUAWEI, **HUAWEI_KEYS, "security_token": TOKEN, "instance_id": "i-1"}),
    "aliyun acs3": (ActionState, {"backend": "aliyun", **ACTION_KEYS, "iot_instance_id": "iot-cn-1"}),
    "aliyun acs3 temporary key": (ActionState, {"backend": "aliyun", **ACTION_KEYS, "security_token": TOKEN}),
    "aliyun rpc": (ActionState, {"backend": "aliyun", **ACTION_KEYS, "signature": "rpc", "security_token": TOKEN}),
    "tuya": (lambda: ActionState(camel=True), {"backend": "tuya", **ACTION_KEYS}),
    "tuya minimal": (lambda: ActionState(camel=True), {"backend": "tuya", **ACTION_KEYS, "minimal": True}),
}


@pytest.fixture(autouse=True)
def _home(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """huaweicloudsdkcore writes an id into the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(params=CASES.values(), ids=CASES)
def cloud(request: pytest.FixtureRequest) -> Iterator[tuple[Any, dict[str, Any]]]:
    make, settings = request.param
    state = make()
    with refereed(state.answer) as endpoint:
        yield state, {**settings, "endpoint": endpoint, "validate": "off"}


def test_a_module_lives_its_life_under_the_vendors_signers(cloud: tuple[Any, dict[str, Any]]) -> None:
    state, settings = cloud
    with connect(**settings) as client:
        made = client.modules.create(product="p1", name="mcu", alias="主控 unit", description=NASTY)
        assert (made.alias, made.description) == ("主控 unit", NASTY)
        changed = client.modules.update("mcu", product="p1", alias="é*~", description=NASTY[::-1])
        assert (changed.alias, changed.description) == ("é*~", NASTY[::-1])
        (listed,) = client.modules.list(product="p1")
        assert (listed.product, listed.name, listed.alias, listed.description) == ("p1", "mcu", "é*~", NASTY[::-1])
        assert client.modules.get("mcu", product="p1") == listed
    (kept,) = state.modules.values()
    assert NASTY[::-1] in kept.values()


def test_the_async_client_sends_what_the_vendors_sign(cloud: tuple[Any, dict[str, Any]]) -> None:
    _, settings = cloud

    async def live() -> list[Module]:
        async with aconnect(**settings) as client:
            await client.modules.create("ble", product="p/1 *~", alias="é", description=NASTY)
            await client.modules.create("mcu", product="p/1 *~")
            return [module async for module in client.modules.list(product="p/1 *~")]

    assert {(module.name, module.description) for module in asyncio.run(live())} == {("ble", NASTY), ("mcu", None)}


def test_long_texts_still_carry_the_right_signature(cloud: tuple[Any, dict[str, Any]]) -> None:
    _, settings = cloud
    with connect(**settings) as client:
        client.modules.create(product="p1", name="mcu", description=NASTY * 60)
        assert client.modules.get("mcu", product="p1").description == NASTY * 60


def test_a_deleted_module_is_gone(cloud: tuple[Any, dict[str, Any]]) -> None:
    _, settings = cloud
    with connect(**settings) as client:
        client.modules.create(product="p1", name="mcu")
        client.modules.delete("mcu", product="p1")
        with pytest.raises(NotFoundError):
            client.modules.delete("mcu", product="p1")


def test_a_wrong_secret_is_an_authentication_error(cloud: tuple[Any, dict[str, Any]]) -> None:
    _, settings = cloud
    wrong = {name: "wrong-secret" if "secret" in name else value for name, value in settings.items()}
    with connect(**wrong) as client, pytest.raises(AuthenticationError):
        list(client.modules.list(product="p1"))
