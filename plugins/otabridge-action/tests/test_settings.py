"""Settings, and what they put on the wire: hosts, signatures, common parameters, methods, instance, secrets."""

import base64
import json
import logging
import pickle
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx
import pydantic
import pytest
from otabridge_action import __version__, hooks_aliyun, hooks_tuya
from otabridge_action.backend import AliyunBackend, TuyaBackend
from otabridge_action.settings import AliyunSettings, TuyaSettings
from otabridge_action.tables import HOSTS

from otabridge.errors import AuthenticationError
from otabridge.models import Artifact, Checksum, UrlLocation
from otabridge.registry import check_backend

KEYS = {"access_key_id": "AK", "access_key_secret": "sk-1"}
FULL = {"Version": "2018-01-20", "SignatureVersion": "1.0", "Format": "JSON"}
CHANGING = {"Action", "AccessKeyId", "SignatureMethod", "Timestamp", "SignatureNonce", "Signature"}


@pytest.mark.parametrize(("hooks", "kind"), [(hooks_tuya, TuyaBackend), (hooks_aliyun, AliyunBackend)])
def test_each_entry_point_registers_one_class_that_fulfils_the_contract(hooks: Any, kind: Any) -> None:
    assert hooks.otabridge_register_backends() == [kind]
    assert hooks.__name__.endswith(kind.name)
    check_backend(kind)


@pytest.mark.parametrize(("region", "host"), HOSTS.items())
def test_aliyun_finds_its_host_by_region(region: str, host: str) -> None:
    settings = AliyunSettings(region=region, **KEYS)
    assert settings.endpoint == f"https://{host}" == f"https://iot.{region}.aliyuncs.com"


def test_an_endpoint_overrides_the_regions_host() -> None:
    settings = AliyunSettings(region="cn-shanghai", endpoint="http://127.0.0.1:9", **KEYS)
    assert settings.endpoint == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (AliyunSettings, {"region": "mars-1"}, "no host is known for region 'mars-1'"),
        (AliyunSettings, {}, "endpoint or region is missing"),
        (TuyaSettings, {}, "endpoint"),
        (TuyaSettings, {"region": "cn-shanghai"}, "endpoint"),
        (TuyaSettings, {"endpoint": "h:8686", "signature": "acs3"}, "signature\n  Input should be 'rpc'"),
        (AliyunSettings, {"region": "cn-shanghai", "signature": "v4"}, "'rpc' or 'acs3'"),
        (AliyunSettings, {"region": "cn-shanghai", "access_key_secret": ""}, "access_key_secret"),
        (AliyunSettings, {"region": "cn-shanghai", "access_key_id": "A K"}, "access_key_id"),
        (AliyunSettings, {"region": "cn-shanghai", "project_id": "x"}, "project_id"),
        (TuyaSettings, {"endpoint": "http://h:8686"}, "loopback"),
    ],
)
def test_a_wrong_setting_is_named(kind: Any, given: dict[str, Any], told: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=re.escape(told)):
        kind(**(KEYS | given))


def test_the_vendors_customary_variables_belong_to_aliyun_alone() -> None:
    assert AliyunSettings.environment == {
        "access_key_id": ("ALIBABA_CLOUD_ACCESS_KEY_ID",),
        "access_key_secret": ("ALIBABA_CLOUD_ACCESS_KEY_SECRET",),
        "security_token": ("ALIBABA_CLOUD_SECURITY_TOKEN",),
    }
    assert TuyaSettings.environment == {}


class Wire:
    """A service that keeps what it got, and lists nothing."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers.pop(0) if self._answers else httpx.Response(200, json={"Success": True})

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.requests[0].url.query.decode(), keep_blank_values=True))


def listing(cloud: Any) -> Any:
    return cloud.packages.list(product="p").first_page()


OWN = {"ProductKey": "p", "CurrentPage": "1", "PageSize": "100"}
TOKEN = {"security_token": "tok"}
INSTANCE = {"iot_instance_id": "iot-1"}


@pytest.mark.parametrize(
    ("cloud", "settings", "expected"),
    [
        ("tuya", {}, FULL),
        ("tuya", {"minimal": True}, {}),
        ("tuya", {"minimal": True} | TOKEN, {"SecurityToken": "tok"}),
        ("tuya", {"region": "cn-shanghai"} | INSTANCE, FULL),
        ("aliyun", {"signature": "rpc"}, FULL | {"RegionId": "cn-shanghai"}),
        ("aliyun", {"signature": "rpc", "region": None, "endpoint": "https://h"}, FULL),
        ("aliyun", {"signature": "rpc", "minimal": True}, {}),
        ("aliyun", {"signature": "rpc"} | TOKEN, FULL | {"RegionId": "cn-shanghai", "SecurityToken": "tok"}),
        ("aliyun", {"signature": "rpc"} | INSTANCE, FULL | {"RegionId": "cn-shanghai", "IotInstanceId": "iot-1"}),
    ],
)
def test_the_common_parameters_of_an_rpc_call(
    drive: Callable[..., Any], cloud: str, settings: dict[str, Any], expected: dict[str, str]
) -> None:
    wire = Wire()
    drive(cloud, listing, handler=wire, **settings)
    query = wire.query
    assert query.keys() >= CHANGING
    assert {name: value for name, value in query.items() if name not in CHANGING} == OWN | expected
    assert (query["Action"], query["SignatureMethod"]) == ("ListOTAFirmware", "HMAC-SHA1")


@pytest.mark.parametrize("settings", [{}, TOKEN, INSTANCE, {"minimal": True}])
def test_an_acs3_call_has_its_own_parameters_in_the_query_and_all_else_in_headers(
    drive: Callable[..., Any], settings: dict[str, Any]
) -> None:
    wire = Wire()
    drive("aliyun", listing, handler=wire, **settings)
    headers = wire.requests[0].headers
    assert wire.query == OWN | ({"IotInstanceId": "iot-1"} if settings == INSTANCE else {})
    assert (headers["x-acs-action"], headers["x-acs-version"]) == ("ListOTAFirmware", "2018-01-20")
    assert headers.get("x-acs-security-token") == settings.get("security_token")
    assert "user-agent" in headers["authorization"]


@pytest.mark.parametrize(
    ("cloud", "use", "method"),
    [
        ("tuya", listing, "GET"),
        ("tuya", lambda cloud: cloud.modules.delete("m", product="p"), "GET"),
        ("aliyun", listing, "POST"),
        ("aliyun", lambda cloud: cloud.modules.delete("m", product="p"), "POST"),
        ("aliyun", lambda cloud: cloud.modules.list(product="p").first_page(), "GET"),
    ],
)
def test_methods_are_those_of_the_documents_and_the_sdk(
    drive: Callable[..., Any], cloud: str, use: Any, method: str
) -> None:
    wire = Wire()
    drive(cloud, use, handler=wire)
    request = wire.requests[0]
    assert (request.method, request.url.path, request.content) == (method, "/", b"")
    assert (request.headers["accept"], request.headers["user-agent"]) == (
        "application/json",
        f"otabridge/{__version__}",
    )


FILE = Artifact(
    name="a.bin", checksum=Checksum(algorithm="md5", hex="0" * 32), location=UrlLocation(url="https://h/a.bin")
)


@pytest.mark.parametrize(("cloud", "signature"), [("tuya", "rpc"), ("aliyun", "rpc"), ("aliyun", "acs3")])
@pytest.mark.parametrize("length", [1300, 4096])
def test_parameters_too_long_for_a_url_travel_in_a_form(
    drive: Callable[..., Any], cloud: str, signature: str, length: int
) -> None:
    wire = Wire(httpx.Response(200, json={"Success": True, "Data": {"FirmwareId": "1"}}))
    text = "中" * (length // 9) if length < 4000 else "x" * length
    drive(
        cloud,
        lambda client: client.packages.create(product="p", module="m", version="1", custom_info=text, artifacts=[FILE]),
        handler=wire,
        signature=signature,
    )
    request = wire.requests[0]
    form = dict(parse_qsl(request.content.decode()))
    assert (wire.query | form)["Udi"] == text
    if length == 4096:
        assert (request.method, "Udi" in wire.query) == ("POST", False)
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    else:
        assert form == {}


SECRET, STS = "Sk/canary+0001=Zz", "Sts/canary+0002=Zz"


def forms(secret: str) -> set[str]:
    encoded = quote(secret, safe="")
    return {secret, encoded, quote(encoded, safe=""), base64.b64encode(secret.encode()).decode(), secret[::-1]}


@pytest.mark.parametrize(("cloud", "signature"), [("tuya", "rpc"), ("aliyun", "rpc"), ("aliyun", "acs3")])
def test_secrets_are_in_no_log_no_error_no_repr_and_no_pickle(
    drive: Callable[..., Any], caplog: pytest.LogCaptureFixture, cloud: str, signature: str
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"Specified signature is not matched. server string to sign is:GET&SecurityToken%3D{quote(STS)} {SECRET}"
    refused = httpx.Response(400, json={"Code": "SignatureDoesNotMatch", "Message": echo, "RequestId": STS})
    settings = {"access_key_secret": SECRET, "security_token": STS, "signature": signature}
    told: list[str] = []

    def use(client: Any) -> Any:
        told.append(repr(client))
        return listing(client)

    drive(cloud, use, handler=Wire(), **settings)
    with pytest.raises(AuthenticationError) as caught:
        drive(cloud, use, handler=Wire(refused), **settings)
    error = caught.value
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [line for line in shown.format() if "tests/" not in line]
    assert any("/otabridge/_exchange.py" in frame for frame in frames)
    told += [str(error), repr(error.__dict__), pickle.dumps(error).decode("latin-1"), caplog.text, *frames]
    for secret in forms(SECRET) | forms(STS):
        assert secret not in "\n".join(told)


def test_settings_and_backends_show_no_secret(make_backend: Any, cloud_name: str) -> None:
    backend = make_backend(cloud_name, access_key_secret=SECRET, security_token=STS)
    told = (
        repr(backend) + repr(backend.config) + str(backend.config) + json.dumps(backend.config.model_dump(mode="json"))
    )
    assert SECRET not in told
    assert STS not in told
    with pytest.raises(TypeError):
        pickle.dumps(backend.config)


def test_the_version_sent_is_that_of_the_distribution() -> None:
    written = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    assert f'version = "{__version__}"' in written


@pytest.mark.parametrize("wrong", ["https://a.test", "a.test/x", "*", "*.", "a.*.test", "a.test:80", ""])
def test_a_host_of_files_that_is_none_is_refused(make_backend: Any, cloud_name: str, wrong: str) -> None:
    with pytest.raises(ValueError, match="file_hosts"):
        make_backend(cloud_name, file_hosts=(wrong,))


def test_hosts_of_files_may_be_added(make_backend: Any, cloud_name: str) -> None:
    links = make_backend(cloud_name, file_hosts=("Store.example", "*.cdn.example"))._links
    for host in ("store.example", "a.b.cdn.example", "bucket.oss-cn-shanghai.aliyuncs.com"):
        assert links.request("GetObject", f"https://{host}/a").origin == f"https://{host}"
