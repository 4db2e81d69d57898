"""Settings: what may be left out, what is chosen by host, and what is refused with the mend."""

from collections.abc import Callable
from typing import Any

import pytest
from otabridge_huawei.settings import HuaweiSettings
from pydantic import ValidationError

Make = Callable[..., HuaweiSettings]
DEDICATED = "https://1a2b3c.st1.iotda-app.cn-north-4.myhuaweicloud.com"
SHARED = "https://iotda.ap-southeast-3.myhuaweicloud.com"
LOOPBACK = "http://127.0.0.1:8080"
PERSON: dict[str, Any] = {"username": "u", "password": "p", "domain": "d"}
NO_KEYS: dict[str, Any] = {"access_key": None, "secret_key": None}


@pytest.mark.parametrize(
    ("given", "scheme"),
    [
        ({"endpoint": SHARED}, "plain"),
        ({"region": "la-south-2"}, "plain"),
        ({"endpoint": DEDICATED}, "derived"),
        ({"endpoint": LOOPBACK}, "derived"),
        ({"endpoint": "https://iot.example.com"}, "derived"),
        ({"endpoint": LOOPBACK, "auth": "plain"}, "plain"),
        ({"endpoint": SHARED, "auth": "derived"}, "derived"),
        (PERSON | NO_KEYS, "token"),
        (PERSON, "plain"),
        (PERSON | {"auth": "token"}, "token"),
    ],
)
def test_auth_is_chosen_by_host_and_by_what_is_given(make_settings: Make, given: dict[str, Any], scheme: str) -> None:
    assert make_settings(**given).scheme == scheme


@pytest.mark.parametrize(
    ("given", "endpoint", "region"),
    [
        ({"region": "cn-north-4"}, "https://iotda.cn-north-4.myhuaweicloud.com", "cn-north-4"),
        ({"region": None, "endpoint": SHARED}, SHARED, "ap-southeast-3"),
        ({"region": None, "endpoint": f"{DEDICATED}:443/"}, f"{DEDICATED}:443", "cn-north-4"),
        ({"region": None, "endpoint": f"{DEDICATED}/"}, DEDICATED, "cn-north-4"),
        ({"region": "sa-brazil-1", "endpoint": DEDICATED}, DEDICATED, "sa-brazil-1"),
        ({"region": None, "endpoint": LOOPBACK, "auth": "plain"}, LOOPBACK, None),
    ],
)
def test_endpoint_and_region_follow_from_each_other(
    make_settings: Make, given: dict[str, Any], endpoint: str, region: str | None
) -> None:
    made = make_settings(**given)
    assert (made.endpoint, made.region) == (endpoint, region)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (NO_KEYS, ("auth plain", "access_key, secret_key", "username, password and domain")),
        ({"secret_key": None}, ("needs secret_key",)),
        ({"endpoint": LOOPBACK, "region": None}, ("auth derived", "needs region", "127.0.0.1:8080")),
        ({"auth": "token"}, ("auth token", "username, password, domain")),
        (NO_KEYS | PERSON | {"domain": None}, ("auth token", "needs domain")),
        ({"region": None}, ("endpoint or region is missing",)),
        ({"endpoint": "http://iot.example.com"}, ("loopback",)),
        ({"iam_endpoint": "http://iam.example.com"}, ("loopback",)),
        ({"project_id": None}, ("project_id",)),
        ({"project_id": "a/b"}, ("project_id",)),
        ({"app_id": "x" * 37}, ("app_id",)),
        ({"instance_id": "a b"}, ("instance_id",)),
        ({"bucket": "AB"}, ("bucket",)),
        ({"obs_addressing": "other"}, ("obs_addressing",)),
        ({"auth": "basic"}, ("auth",)),
        ({"colour": "red"}, ("colour",)),
    ],
)
def test_what_is_missing_or_wrong_is_named(make_settings: Make, given: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        make_settings(**given)
    assert all(word in str(caught.value) for word in named)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({}, "https://iam.cn-north-4.myhuaweicloud.com"),
        ({"iam_endpoint": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
        ({"region": None, "endpoint": "https://iot.example.com"}, "https://iam.myhuaweicloud.com"),
    ],
)
def test_the_identity_service_is_that_of_the_region(make_settings: Make, given: dict[str, Any], origin: str) -> None:
    assert make_settings(**PERSON | NO_KEYS | given).iam == origin


def test_no_secret_is_in_the_repr(make_settings: Make) -> None:
    made = make_settings(**PERSON | {"secret_key": "S3CRET-1", "password": "S3CRET-2", "security_token": "S3CRET-3"})
    assert "S3CRET" not in repr(made)
    assert set(made.secrets()) == {"S3CRET-1", "S3CRET-2", "S3CRET-3"}


def test_the_customary_variables_are_known() -> None:
    assert {name for names in HuaweiSettings.environment.values() for name in names} == {
        f"HUAWEICLOUD_SDK_{word}" for word in ("AK", "SK", "PROJECT_ID", "SECURITY_TOKEN", "IAM_ENDPOINT")
    }
    assert HuaweiSettings.environment.keys() | HuaweiSettings.credentials <= HuaweiSettings.model_fields.keys()
