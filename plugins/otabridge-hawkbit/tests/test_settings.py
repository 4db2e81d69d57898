"""The settings, each checked before anything is sent, and the command that tries them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clients import settings
from hawkbit_server import Hawkbit

from otabridge import ConfigurationError, aconnect, connect
from otabridge.cli import main

GIVEN: dict[str, Any] = {
    "backend": "hawkbit",
    "endpoint": "https://h.test",
    "username": "admin",
    "password": "PassExample-0001",
}


def refused(**changes: Any) -> str:
    """What is said of settings with these changes; None leaves one out."""
    given = {name: value for name, value in (GIVEN | changes).items() if value is not None}
    with pytest.raises(ConfigurationError) as caught:
        connect(**given)
    assert "PassExample-0001" not in str(caught.value)
    return str(caught.value)


REFUSED: dict[str, tuple[str, Any]] = {
    "no endpoint": ("endpoint", None),
    "no user": ("username", None),
    "no password": ("password", None),
    "the path of the API": ("endpoint", "https://h.test/rest/v1"),
    "credentials in the endpoint": ("endpoint", "https://admin:x@h.test"),
    "no TLS": ("endpoint", "http://h.test"),
    "another scheme": ("endpoint", "ftp://h.test"),
    "another mode": ("product_mode", "both"),
    "no module in the template": ("version_attribute", "version"),
    "something else in the template": ("version_attribute", "{module}_{device}"),
    "a number in the template": ("version_attribute", "{module}{0}"),
    "an open brace": ("version_attribute", "{module"),
    "the module's class": ("version_attribute", "{module.__class__}"),
    "a tenant with a backslash": ("tenant", "a\\b"),
    "a tenant with a blank": ("tenant", "a b"),
    "a line end pasted with the password": ("password", "secret\n"),
    "a colon in the user's name": ("username", "a:b"),
    "an unknown setting": ("token", "x"),
    "an unknown check": ("validate", "maybe"),
    "no share": ("quota_share", 0),
    "too large a share": ("quota_share", 1.5),
    "no time": ("timeout", 0),
    "a proxy without scheme": ("proxy", "proxy.test"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_setting_that_is_wrong_is_named(case: str) -> None:
    field, value = REFUSED[case]
    assert field in refused(**{field: value})


TAKEN: list[dict[str, Any]] = [
    {},
    {"endpoint": "h.test"},
    {"endpoint": "http://127.0.0.1:8080/"},
    {"endpoint": "http://localhost:8080"},
    {"tenant": "DEFAULT"},
    {"product_mode": "prefix"},
    {"version_attribute": "{product}/{module}"},
    {"version_attribute": "fw.{module}.version"},
    {"validate": "warn", "quotas": "off", "quota_share": 0.5, "timeout": 5},
    {"quotas": 10},
    {"quotas": {"read": 5, "write": 1}},
    {"proxy": "http://user:x@proxy.test:3128"},
    {"products": {"mine": "DEFAULT"}},
]


@pytest.mark.parametrize("changes", TAKEN)
def test_settings_that_fit_are_taken(changes: dict[str, Any]) -> None:
    with connect(**GIVEN | changes) as cloud:
        assert "hawkbit" in repr(cloud)


def test_the_products_name_is_the_tenants(hawkbit: Hawkbit) -> None:
    with connect(**settings(hawkbit), tenant="acme") as cloud:
        assert [product.id for product in cloud.products.list()] == ["acme"]


def test_the_password_is_in_no_repr() -> None:
    with connect(**GIVEN) as cloud:
        backend = cloud._backend
        shown = [repr(each) for each in (cloud, backend, backend.config, vars(backend), vars(cloud))]
    assert GIVEN["password"] not in " ".join(shown) + repr(aconnect(**GIVEN))


# --- the command ------------------------------------------------------------------------------------------------------

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hawkbit: Hawkbit, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run `otabridge` beside a file that names the server: its exit code, and what it prints."""
    for name in [name for name in os.environ if name.startswith("OTABRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTABRIDGE_MINE_PASSWORD", hawkbit.password)

    def run(*words: str, **changes: str) -> tuple[int, str, str]:
        named = {"backend": "hawkbit", "endpoint": hawkbit.url, "username": hawkbit.username} | changes
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in named.items())
        tmp_path.joinpath("otabridge.toml").write_text(f"[clouds.mine]\n{text}")
        capsys.readouterr()
        code = main([*words])
        return (code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("mode", ["single", "prefix"])
def test_a_cloud_that_works_is_said_to(ask: Ask, mode: str) -> None:
    code, out, err = ask("clouds", "check", "mine", "--output", "json", product_mode=mode)
    assert (code, json.loads(out)["ok"]) == (0, True), err


@pytest.mark.parametrize("mode", ["single", "prefix"])
def test_a_wrong_password_is_found_out(ask: Ask, monkeypatch: pytest.MonkeyPatch, hawkbit: Hawkbit, mode: str) -> None:
    monkeypatch.setenv("OTABRIDGE_MINE_PASSWORD", "Wrong-Password-1")
    code, out, err = ask("clouds", "check", "mine", product_mode=mode)
    assert (code, out) == (5, "")
    assert "credentials" in err
    assert "Wrong-Password-1" not in err


def test_an_endpoint_where_nobody_listens_is_found_out(ask: Ask) -> None:
    code, _, err = ask("clouds", "check", "mine", endpoint="http://127.0.0.1:9")
    assert (code, "check the endpoint" in err) == (8, True), err


def test_an_endpoint_with_the_path_of_the_api_is_found_out(ask: Ask, hawkbit: Hawkbit) -> None:
    code, _, err = ask("clouds", "check", "mine", endpoint=f"{hawkbit.url}/rest/v1")
    assert (code, "no path" in err) == (2, True), err


def test_a_password_in_the_file_of_others_is_warned_of(ask: Ask, hawkbit: Hawkbit) -> None:
    code, out, err = ask("clouds", "list", "--output", "json", password=hawkbit.password)
    assert code == 0, err
    assert hawkbit.password not in out + err
