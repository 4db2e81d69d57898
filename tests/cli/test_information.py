"""Clouds, backends and plugins: what is configured and installed, told without a network and without secrets."""

from pathlib import Path

import pytest

from otabridge import registry
from otabridge.capabilities import Capability
from tests.cli.conftest import Ask

AS_JSON = ("--output", "json")


def test_clouds_are_listed_with_where_their_settings_come_from_and_no_secret(
    good: Ask, fake: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (place / "otabridge.toml").open("a") as file:
        file.write('key = "canary-file"\n[clouds.box]\nbackend = "local"\npath = "depot"\n')
    monkeypatch.setenv("OTABRIDGE_FAKE_KEY", "canary-own")
    monkeypatch.setenv("OTABRIDGE_FAKE_UNKNOWN", "x")
    monkeypatch.setenv("OTABRIDGE_FAKE_ENDPOINT", "https://elsewhere.test")
    monkeypatch.setenv("FAKECLOUD_KEY", "canary-customary")
    ran = good("clouds", "list", *AS_JSON)
    assert "canary" not in ran.out + ran.err
    by_name = {row["name"]: row for row in ran.json}
    assert by_name["fake"] == {
        "name": "fake",
        "backend": "fake",
        "endpoint": "https://elsewhere.test",
        "plugin": "installed",
        "settings": ["otabridge.toml", "OTABRIDGE_FAKE_ENDPOINT", "OTABRIDGE_FAKE_KEY", "FAKECLOUD_KEY"],
    }
    assert by_name["other"]["endpoint"] == "https://other.test"
    assert by_name["box"]["endpoint"] == "depot"


def test_a_cloud_whose_plugin_is_missing_is_listed_and_says_so(
    good: Ask, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "otabridge.toml").write_text(
        '[clouds.a]\nbackend = "absent"\nendpoint = "https://user:canary@host"\n[clouds.a-b]\n'
    )
    monkeypatch.setenv("OTABRIDGE_A_KEY", "canary")
    monkeypatch.setenv("OTABRIDGE_A_B_KEY", "canary")
    ran = good("clouds", "list", *AS_JSON)
    first, second = ran.json
    assert first["plugin"] == "not installed"
    assert first["settings"] == ["otabridge.toml", "OTABRIDGE_A_KEY"]
    assert second["settings"] == ["otabridge.toml", "OTABRIDGE_A_B_KEY"]
    assert second["backend"] is None
    assert "canary" not in ran.out + ran.err


def test_no_cloud_at_all_is_an_empty_list_and_a_hint(good: Ask) -> None:
    ran = good("clouds", "list", *AS_JSON)
    assert ran.json == []
    assert "[clouds.NAME]" in ran.err


def test_a_check_says_that_a_cloud_answers(good: Ask, fake: Path, depot: tuple[str, str]) -> None:
    told = good("clouds", "check", "fake", *AS_JSON).json
    assert (told["cloud"], told["ok"], told["call"]) == ("fake", True, "list_modules")
    assert "answered" in told["says"]
    assert good("clouds", "check", depot[1], *AS_JSON).json["call"] == "list_products"


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("ConnectError", 8, "host name"),
        ("RequestTimeoutError", 8, "timeout"),
        ("AuthenticationError", 5, "clock"),
        ("ForbiddenError", 5, "permission"),
        ("ProtocolError", 9, "endpoint"),
        ("RateLimitError", 7, "quota_share"),
        ("ServerError", 8, "later"),
    ],
)
def test_a_check_says_what_to_do_about_a_failure(
    ask: Ask, fake: Path, monkeypatch: pytest.MonkeyPatch, kind: str, code: int, words: str
) -> None:
    monkeypatch.setenv("OTABRIDGE_FAKE_FAILS", kind)
    ran = ask("clouds", "check", "fake")
    assert (ran.code, ran.out) == (code, "")
    error, hint = ran.err.splitlines()
    assert error.startswith("error: ")
    assert words in hint


def test_backends_are_listed_with_those_that_are_broken(good: Ask, fake: Path) -> None:
    (fake / "otabridge_fake-1.2.dist-info" / "entry_points.txt").write_text(
        "[otabridge]\nfake = otabridge_fake\nlame = otabridge_gone\n"
    )
    registry._installed.cache_clear()
    rows = {row["name"]: row for row in good("backends", "list", *AS_JSON).json}
    assert (rows["fake"]["distribution"], rows["fake"]["version"]) == ("otabridge-fake", "1.2")
    assert rows["fake"]["operations"] == f"4 of {len(Capability)}"
    assert rows["local"]["operations"] == f"{len(Capability)} of {len(Capability)}"
    assert "otabridge_gone" in rows["lame"]["broken"]


def test_a_backend_shows_all_that_it_declares(good: Ask, fake: Path) -> None:
    told = good("backends", "show", "fake", *AS_JSON).json
    assert list(told["capabilities"]) == [each.value for each in Capability]
    assert told["capabilities"]["create_module"] == {"level": "emulated", "note": "made up"}
    assert told["capabilities"]["get_module"]["level"] == "unsupported"
    assert told["limits"]["fields"]["module.name"]["max_length"] == 8
    assert told["limits"]["page_size"] == {"list_modules": 50}
    assert told["limits"]["counts"] == {"modules per product": 10}
    assert told["quotas"] == {"ListThings": {"rate": 2.5, "per": "account"}}
    settings = {row["name"]: row for row in told["settings"]}
    assert settings["key"]["secret"]
    assert settings["key"]["environment"] == ["FAKECLOUD_KEY"]
    assert "validate" in settings


@pytest.mark.parametrize("format", ["table", "csv"])
def test_a_backend_is_shown_fact_by_fact_to_people(good: Ask, fake: Path, format: str) -> None:
    out = good("backends", "show", "fake", "--output", format).out
    for words in (
        "create_module",
        "made up",
        "1 to 8 characters",
        "shorten it",
        "modules per product",
        "2.5 requests/s",
        "FAKECLOUD_KEY",
    ):
        assert words in out


def test_a_secret_setting_never_shows_its_default(good: Ask, fake: Path) -> None:
    for format in ("table", "csv", "json"):
        assert "fake-default-key" not in good("backends", "show", "fake", "--output", format).out


def test_an_unknown_backend_names_those_that_are_installed(ask: Ask, fake: Path) -> None:
    ran = ask("backends", "show", "nonsense")
    assert ran.code == 2
    installed = ran.err.partition("installed: ")[2].partition(".")[0].split(", ")
    assert {"fake", "local"} <= set(installed)


def test_plugins_are_listed_with_their_hooks(good: Ask, fake: Path) -> None:
    rows = {row["name"]: row for row in good("plugins", "list", *AS_JSON).json}
    assert rows["fake"] == {
        "name": "fake",
        "group": "otabridge",
        "distribution": "otabridge-fake",
        "version": "1.2",
        "hooks": ["otabridge_register_backends"],
        "broken": None,
    }
