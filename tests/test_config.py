"""Configuration: which source wins, what is refused and in what words, and that no secret shows anywhere."""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field, SecretStr, ValidationError

from otabridge import ConfigurationError, Module, ModuleVersion, Package, Page, aconnect, config, connect, registry
from otabridge.hookspecs import RequestFinished
from otabridge.plugin import NATIVE, Backend, Capability, HttpSettings, Steps, flow, hookimpl, origin

CANARY = "canary+/=%7Esecret"
ENDPOINT = "https://cloud.example"


class AcmeSettings(HttpSettings):
    environment: ClassVar[dict[str, tuple[str, ...]]] = {
        "key": ("ACME_KEY", "ACME_OLD_KEY"),
        "secret": ("ACME_SECRET",),
        "token": ("ACME_TOKEN",),
        "project": ("ACME_PROJECT",),
    }
    credentials: ClassVar[frozenset[str]] = frozenset({"key", "secret", "token"})

    key: str = "none"
    secret: SecretStr
    token: SecretStr | None = None
    project: str | None = None
    login_endpoint: str | None = None


class AcmeBackend(Backend):
    name = "acme"
    contract = 1
    settings = AcmeSettings
    capabilities: ClassVar[dict[Capability, Any]] = {
        Capability.LIST_MODULES: NATIVE,
        Capability.LIST_PACKAGES: NATIVE,
        Capability.LIST_MODULE_VERSIONS: NATIVE,
    }

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        yield from ()
        return Page((Module(product=product or "", name="m"),))

    @flow
    def list_packages(
        self,
        *,
        product: str | None = None,
        module: str | None = None,
        version: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[Package]]:
        yield from ()
        return Page(())

    @flow
    def list_module_versions(
        self,
        *,
        product: str | None = None,
        device: str | None = None,
        device_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[ModuleVersion]]:
        yield from ()
        return Page(())


Plugins = Callable[..., None]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, no variable and no keyring of the machine that the test runs on."""
    for name in list(os.environ):
        if name.startswith(("OTABRIDGE_", "ACME_")):
            monkeypatch.delenv(name)
    for folder in ("here", "home"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *args, **kwargs: str(tmp_path / "home"))
    monkeypatch.setattr(config, "_keyring", lambda cloud, field: None)


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """Installs the backend `acme`, and on request observers."""
    installed: dict[str, list[EntryPoint]] = {registry.GROUP: [], registry.OBSERVERS: []}

    def install(group: str, name: str, *hooks: Callable[..., Any]) -> None:
        module = ModuleType(f"fake_{name}")
        vars(module).update({hook.__name__: hook for hook in hooks})
        monkeypatch.setitem(sys.modules, module.__name__, module)
        installed[group].append(EntryPoint(name, module.__name__, group))

    @hookimpl
    def otabridge_register_backends() -> list[type[Backend]]:
        return [AcmeBackend]

    monkeypatch.setattr(registry, "_points", installed.__getitem__)
    install(registry.GROUP, "acme", otabridge_register_backends)
    return install


def write(text: str, path: str = "otabridge.toml", mode: int = 0o600) -> Path:
    file = Path(path)
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return file


def settings(cloud: str | None = None, **given: Any) -> Any:
    """The settings that `connect` arrives at."""
    with connect(cloud, **given) as client:
        return client._backend.config


def refused(cloud: str | None = None, **given: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        connect(cloud, **given)
    return str(caught.value)


ACME = f'[clouds.hw]\nbackend = "acme"\nendpoint = "{ENDPOINT}"\n'

# --- precedence -------------------------------------------------------------------------------------------------------

SOURCES = ["customary", "keyring", "file", "environment", "plugin", "code"]


def supply(source: str, monkeypatch: pytest.MonkeyPatch, plugins: Plugins) -> dict[str, str]:
    """Let one source say `secret = <its own name>`; returns what is given in code."""
    match source:
        case "customary":
            monkeypatch.setenv("ACME_SECRET", source)
        case "keyring":
            monkeypatch.setattr(config, "_keyring", lambda cloud, field: f"{source}" if field == "secret" else None)
        case "file":
            write(ACME + 'secret = "file"\n')
        case "environment":
            monkeypatch.setenv("OTABRIDGE_HW_SECRET", source)
        case "plugin":

            @hookimpl
            def otabridge_resolve_credentials(backend: str, cloud: str) -> Mapping[str, Any] | None:
                return {"secret": "plugin"} if (backend, cloud) == ("acme", "hw") else None

            plugins(registry.OBSERVERS, "vault", otabridge_resolve_credentials)
        case "code":
            return {"secret": source}
    return {}


@pytest.mark.parametrize("winner", SOURCES)
def test_of_two_sources_the_later_one_wins(winner: str, monkeypatch: pytest.MonkeyPatch, plugins: Plugins) -> None:
    write(ACME)
    given: dict[str, str] = {}
    for source in SOURCES[: SOURCES.index(winner) + 1]:
        given |= supply(source, monkeypatch, plugins)
    assert settings("hw", **given).secret.get_secret_value() == winner


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_is_enough_alone(source: str, monkeypatch: pytest.MonkeyPatch, plugins: Plugins) -> None:
    write(ACME)
    given = supply(source, monkeypatch, plugins)
    assert settings("hw", **given).secret.get_secret_value() == source


def test_the_first_of_several_customary_variables_that_is_set_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    write(ACME)
    monkeypatch.setenv("ACME_SECRET", "s3")
    monkeypatch.setenv("ACME_OLD_KEY", "old")
    assert settings("hw").key == "old"
    monkeypatch.setenv("ACME_KEY", "new")
    assert settings("hw").key == "new"
    monkeypatch.setenv("ACME_KEY", "")
    assert settings("hw").key == "old"


@pytest.mark.parametrize("line", ['secret = "s3"', 'key = "k"\nsecret = "s3"', 'secret = "s3"\ntoken = "t"'])
def test_customary_variables_never_complete_credentials_that_are_given_elsewhere(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ACME + line)
    for name in ("KEY", "SECRET", "TOKEN", "PROJECT"):
        monkeypatch.setenv(f"ACME_{name}", "environment")
    found = settings("hw")
    assert found.key == ("k" if "key" in line else "none")
    assert found.secret.get_secret_value() == "s3"
    assert (found.token is not None) == ("token" in line)
    assert found.project == "environment", "what is no credential is still taken"


def test_a_customary_secret_is_not_joined_to_a_key_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write(ACME + 'key = "k"')
    monkeypatch.setenv("ACME_SECRET", "of another account")
    assert "secret is missing" in refused("hw")


def test_the_keyring_is_asked_for_secrets_alone_and_by_cloud_and_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "keyring"
    package.mkdir()
    (package / "errors.py").write_text("class KeyringError(Exception): pass\n")
    (package / "__init__.py").write_text(
        "from keyring import errors\nasked = []\n"
        "def get_password(service, name):\n"
        "    asked.append((service, name))\n"
        "    if name.endswith('.token'):\n        raise errors.KeyringError('locked')\n"
        "    return 'kept'\n"
    )
    for name in [name for name in sys.modules if name.partition(".")[0] == "keyring"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(config, "_keyring", KEYRING)
    write(ACME)
    try:
        assert settings("hw").secret.get_secret_value() == "kept"
        assert sorted(sys.modules["keyring"].asked) == [("otabridge", "hw.secret"), ("otabridge", "hw.token")]
    finally:
        for name in ("keyring", "keyring.errors"):
            sys.modules.pop(name, None)


KEYRING = config._keyring  # before the fixture takes it away


def test_without_the_keyring_package_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "_keyring", KEYRING)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    write(ACME)
    assert "secret is missing" in refused("hw")


# --- the environment --------------------------------------------------------------------------------------------------


def test_a_dash_in_a_clouds_name_is_an_underscore_in_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    write(ACME.replace("hw", "prod-hw-1"))
    monkeypatch.setenv("OTABRIDGE_PROD_HW_1_SECRET", "s3")
    assert settings("prod-hw-1").secret.get_secret_value() == "s3"


def test_variables_of_unknown_fields_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    write(ACME + 'secret = "s3"')
    monkeypatch.setenv("OTABRIDGE_HW_COLOUR", "red")
    monkeypatch.setenv("OTABRIDGE_OTHER_SECRET", "x")
    assert settings("hw").secret.get_secret_value() == "s3"


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("VALIDATE", "warn", "validation", "warn"),
        ("TIMEOUT", "2.5", "timeout", 2.5),
        ("QUOTA_SHARE", "0.25", "quota_share", 0.25),
        ("QUOTAS", "off", "quotas", "off"),
        ("QUOTAS", "3", "quotas", 3.0),
        ("QUOTAS", '{"ListThings": 2}', "quotas", {"ListThings": 2.0}),
        ("PRODUCTS", '{"thermostat": "p-1"}', "products", {"thermostat": "p-1"}),
        ("PROJECT", "{not json", "project", "{not json"),
    ],
)
def test_a_variable_is_read_as_its_field_is(
    variable: str, text: str, field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ACME + 'secret = "s3"')
    monkeypatch.setenv(f"OTABRIDGE_HW_{variable}", text)
    assert getattr(settings("hw"), field) == value


def test_settings_given_in_code_alone_look_at_no_cloud_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTABRIDGE_ACME_SECRET", "s3")
    assert "secret is missing" in refused(backend="acme", endpoint=ENDPOINT)


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_the_one_given_then_the_variables_then_here_then_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [
        tmp_path / "home" / "otabridge.toml",
        Path("otabridge.toml"),
        tmp_path / "named.toml",
        tmp_path / "given.toml",
    ]
    assert config.find_file() is None
    for path in paths[:2]:
        path.write_text("")
        assert config.find_file() == path
    paths[2].write_text("")
    monkeypatch.setenv("OTABRIDGE_CONFIG", str(paths[2]))
    assert config.find_file() == paths[2]
    paths[3].write_text("")
    assert config.find_file(paths[3]) == paths[3]


def test_connect_takes_the_file_from_its_argument(tmp_path: Path) -> None:
    file = write(ACME + 'secret = "s3"', str(tmp_path / "given.toml"))
    assert settings("hw", config=file).endpoint == ENDPOINT
    assert settings("hw", config=str(file)).endpoint == ENDPOINT


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_a_file_that_is_named_and_not_there_is_an_error(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "variable":
        monkeypatch.setenv("OTABRIDGE_CONFIG", "gone.toml")
    assert "there is no configuration file 'gone.toml'" in refused(
        "hw", config="gone.toml" if way == "argument" else None
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[clouds.hw\n", "otabridge.toml is not TOML: "),
        (b'a = "\xff"\n', "otabridge.toml is not TOML: "),
        (b"clouds = 3\n", "write [clouds.NAME]"),
        (b"[clouds]\nhw = 3\n", "write [clouds.NAME]"),
        (b"[clouds.hw]\n", '[clouds.hw] says no backend: add backend = "..."'),
        (b"[clouds.hw]\nbackend = 3\n", '[clouds.hw] says no backend: add backend = "..."'),
        (b"[clouds.serve]\nbackend = 'acme'\n", "[clouds.serve]: that name is reserved"),
        (b"[clouds.Trace]\nbackend = 'acme'\n", "[clouds.Trace]: that name is reserved"),
        (
            b"[clouds.other]\nbackend = 'acme'\n",
            "there is no cloud named 'hw'; configured: other. Mend: write [clouds.hw]",
        ),
        (b"", "there is no cloud named 'hw'; configured: none."),
    ],
)
def test_a_file_that_is_wrong_is_told_in_words(content: bytes, words: str) -> None:
    Path("otabridge.toml").write_bytes(content)
    assert words in refused("hw")


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    Path("otabridge.toml").write_bytes(b"\xef\xbb\xbf[clouds.hw]\nbackend = 'acme'\n")
    assert list(config.clouds()) == ["hw"]


def test_the_reserved_names_are_those_of_commands_and_tools() -> None:
    assert set(config.RESERVED) == {"serve", "config", "plugins", "trace", "vectors", "test"}


def test_a_path_given_as_a_name_is_recognised() -> None:
    assert "try local:./depot" in refused("./depot")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "cloud 'hw' (backend acme): secret is missing"),
        ('secret = "s3"\ncolour = "red"', "colour is no setting of this backend; it has validate, quotas, quota_share"),
        ('secret = "s3"\ntimeout = 0', "timeout: Input should be greater than 0"),
        ('secret = "s3"\nquota_share = 1.5', "quota_share: Input should be less than or equal to 1"),
        ('secret = "s3"\nvalidate = "lax"', "validat"),
        ('secret = "s3\\n"', "secret: holds a control character, or white space at an end"),
        ('secret = "s3"\nproject = " p"', "project: holds a control character, or white space at an end"),
        ('secret = "s3"\nproducts = ["a"]', "products: "),
        ('secret = ""\ncolour = "red"\ntimeout = -1', "; "),
    ],
)
def test_settings_that_are_wrong_are_told_by_field(lines: str, words: str) -> None:
    write(ACME + lines)
    assert words in refused("hw")


def test_all_that_is_wrong_is_told_at_once() -> None:
    write(ACME + 'colour = "red"\ntimeout = -1')
    message = refused("hw")
    assert all(field in message for field in ("secret is missing", "colour is no setting", "timeout: "))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes")
@pytest.mark.parametrize("field", ["secret", "token"])
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_a_file_with_secrets_that_others_may_read_warns_and_says_what_to_type(
    field: str, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTABRIDGE_HW_SECRET", "s3")
    write(ACME + f'{field} = "s3"', mode=mode)
    with pytest.warns(UserWarning, match=r"others may read it: chmod 600 otabridge\.toml") as caught:
        settings("hw")
    assert caught[0].filename == __file__, "it points at the line that connects"


@pytest.mark.parametrize(("lines", "mode"), [('secret = "s3"', 0o600), ("", 0o644)])
def test_a_file_that_is_private_or_holds_no_secret_does_not_warn(
    lines: str, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ACME + lines, mode=mode)
    monkeypatch.setenv("OTABRIDGE_HW_SECRET", "s3")
    assert settings("hw").endpoint == ENDPOINT


# --- endpoints --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("cloud.example", "https://cloud.example"),
        ("cloud.example:8443", "https://cloud.example:8443"),
        ("https://cloud.example/", "https://cloud.example"),
        ("HTTPS://cloud.example", "https://cloud.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://emulator.localhost", "http://emulator.localhost"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_an_endpoint_becomes_an_origin(given: str, found: str) -> None:
    assert origin(given) == found
    assert settings(backend="acme", endpoint=given, secret="s3").endpoint == found


BAD_ENDPOINTS = [
    "http://cloud.example",
    "http://10.0.0.1",
    "http://0.0.0.0",
    "http://127.0.0.1.example",
    "http://localhost.example",
    "http://notlocalhost",
    "http://[2001:db8::1]",
    "http://user@127.0.0.1",
    "https://cloud.example/path",
    "https://cloud.example?x=1",
    "https://cloud.example#x",
    f"https://user:{CANARY}@cloud.example",
    f"{CANARY}@cloud.example",
    "ftp://cloud.example",
    "file:///etc/passwd",
    "https://",
    "://",
    "https://[::1",
    "https://cloud.example:port",
    "https://cloud.example:99999",
    "https://cloud.example\r\nX-Evil: 1",
]


@pytest.mark.parametrize("field", ["endpoint", "login_endpoint"])
@pytest.mark.parametrize("bad", BAD_ENDPOINTS)
def test_an_endpoint_that_is_no_origin_or_not_encrypted_is_refused(bad: str, field: str) -> None:
    message = refused(**{"backend": "acme", "secret": "s3", "endpoint": ENDPOINT, field: bad})
    assert f"{field}: " in message
    assert CANARY not in message


# --- the local store --------------------------------------------------------------------------------------------------


def test_memory_and_a_local_path_need_no_file_and_are_named_as_they_were_asked_for(tmp_path: Path) -> None:
    with connect("memory:") as client:
        assert (client.cloud, client._backend.name) == ("memory:", "local")
        assert getattr(client._backend.config, "path") is None  # noqa: B009  # the local backend's own setting
    with connect(f"local:{tmp_path / 'depot'}") as client:
        assert (client.cloud, client._backend.name) == (f"local:{tmp_path / 'depot'}", "local")
        client.modules.create("mcu", product="p")
    assert (tmp_path / "depot").is_dir()


def test_local_without_a_path_is_refused() -> None:
    assert refused("local:") == "local: needs a folder, as in local:./depot"


def test_a_local_store_can_be_a_named_cloud_and_code_overrides_its_path(tmp_path: Path) -> None:
    write('[clouds.depot]\nbackend = "local"\npath = "depot"\nvalidate = "off"')
    found = settings("depot")
    assert (found.path, found.validation) == ("depot", "off")
    found = settings("depot", path=str(tmp_path / "other"))
    assert (found.path, found.validation) == (str(tmp_path / "other"), "off")


# --- settings in code -------------------------------------------------------------------------------------------------


def test_settings_in_code_need_no_file() -> None:
    with connect(backend="acme", endpoint=ENDPOINT, secret="s3") as client:
        assert client.cloud == "acme"
        assert [module.name for module in client.modules.list(product="p")] == ["m"]


def test_settings_in_code_override_a_named_clouds_and_leave_the_others() -> None:
    write(ACME + 'secret = "s3"\ntimeout = 5\nproject = "file"')
    found = settings("hw", timeout=7)
    assert (found.timeout, found.project) == (7, "file")


def test_a_secret_may_be_given_in_its_wrapping() -> None:
    found = settings(backend="acme", endpoint=ENDPOINT, secret=SecretStr("s3"))
    assert found.secret.get_secret_value() == "s3"


def test_neither_a_name_nor_a_backend_is_refused() -> None:
    assert refused() == "name a cloud, or give backend= and its settings"
    assert refused(endpoint=ENDPOINT) == "name a cloud, or give backend= and its settings"


def test_a_backend_in_code_makes_a_cloud_of_any_name() -> None:
    with connect("fresh", backend="acme", endpoint=ENDPOINT, secret="s3") as client:
        assert client.cloud == "fresh"


def test_a_products_alias_is_what_the_cloud_is_asked_for() -> None:
    write(ACME + 'secret = "s3"\n[clouds.hw.products]\nthermostat = "a1b2"')
    with connect("hw") as client:
        assert [row.product for row in client.modules.list(product="thermostat")] == ["a1b2"]
        assert [row.product for row in client.modules.list(product="other")] == ["other"]


@pytest.mark.parametrize(
    ("quotas", "share", "rates"),
    [
        ("documented", 1.0, {}),
        ("off", 1.0, {}),
        (4, 1.0, {"*": 4.0}),
        (4, 0.25, {"*": 1.0}),
        ({"ListThings": 2}, 0.5, {"ListThings": 1.0}),
    ],
)
def test_quotas_are_a_word_a_number_or_a_table(quotas: Any, share: float, rates: dict[str, float]) -> None:
    with connect(backend="acme", endpoint=ENDPOINT, secret="s3", quotas=quotas, quota_share=share) as client:
        assert client._backend.rates() == rates


def test_aconnect_reads_the_same_configuration_and_needs_no_event_loop() -> None:
    write(ACME + 'secret = "s3"')
    client = aconnect("hw", timeout=3)
    assert client.cloud == "hw"
    assert client._backend.config.timeout == 3


# --- credential plugins -----------------------------------------------------------------------------------------------


def test_a_credential_with_an_expiry_says_until_when_the_settings_hold(plugins: Plugins) -> None:
    write(ACME)
    until = datetime(2030, 1, 1, tzinfo=UTC)

    @hookimpl
    def otabridge_resolve_credentials(backend: str, cloud: str) -> Mapping[str, Any] | None:
        return {"secret": "s3", "expires_at": until}

    plugins(registry.OBSERVERS, "vault", otabridge_resolve_credentials)
    asked = config.target("hw", config.Concealed())
    registered = registry.Registry()
    assert registered.load_observers() == []
    assert config.build(AcmeBackend, asked, registered).expires_at == until


def test_an_expiry_without_a_time_zone_is_refused(plugins: Plugins) -> None:
    write(ACME)

    @hookimpl
    def otabridge_resolve_credentials(backend: str, cloud: str) -> Mapping[str, Any] | None:
        return {"secret": "s3", "expires_at": datetime(2030, 1, 1)}

    plugins(registry.OBSERVERS, "vault", otabridge_resolve_credentials)
    with pytest.raises(ConfigurationError, match="expires_at without a time zone"):
        connect("hw")


def test_a_credential_plugin_that_names_a_wrong_field_is_told_so(plugins: Plugins) -> None:
    write(ACME)

    @hookimpl
    def otabridge_resolve_credentials(backend: str, cloud: str) -> Mapping[str, Any] | None:
        return {"sekret": CANARY}

    plugins(registry.OBSERVERS, "vault", otabridge_resolve_credentials)
    message = refused("hw")
    assert "sekret is no setting of this backend" in message
    assert CANARY not in message


def test_an_observer_that_cannot_be_loaded_is_logged_and_stops_nobody(
    plugins: Plugins, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[RequestFinished] = []

    @hookimpl
    def otabridge_request_finished(event: RequestFinished) -> None:
        seen.append(event)

    @hookimpl
    def otabridge_request_finnished(event: RequestFinished) -> None:
        seen.append(event)

    plugins(registry.OBSERVERS, "broken", otabridge_request_finnished)
    plugins(registry.OBSERVERS, "works", otabridge_request_finished)
    with connect(backend="acme", endpoint=ENDPOINT, secret="s3") as client:
        assert client._runner.exchange._observe is not None
    assert "plugin 'broken' is refused" in caplog.text


# --- secrets ----------------------------------------------------------------------------------------------------------


def everything(error: BaseException) -> Iterator[str]:
    """Every text that a report of this error could hold: messages, locals of all frames, and what lies behind it."""
    seen: BaseException | None = error
    while seen is not None:
        yield from (str(seen), repr(seen), "".join(traceback.format_exception(seen)))
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            if frame.f_code.co_filename != __file__:
                yield from (f"{name} = {value!r}" for name, value in frame.f_locals.items())
        seen = seen.__cause__ or seen.__context__


CANARY_LINE = f'secret = "{CANARY}"\n'
LEAKS: dict[str, tuple[str, dict[str, Any]]] = {
    "a cloud beside it is not there": (ACME.replace("hw", "other") + CANARY_LINE, {}),
    "no backend is named": (f"[clouds.hw]\n{CANARY_LINE}", {}),
    "the backend is not installed": (f'[clouds.hw]\nbackend = "gone"\n{CANARY_LINE}', {}),
    "the file is no TOML": (ACME + CANARY_LINE + "= broken", {}),
    "a cloud beside it has a reserved name": (ACME + CANARY_LINE + "[clouds.test]\n", {}),
    "clouds are no tables": (f"clouds = ['{CANARY}']", {}),
    "a field is unknown": (ACME + CANARY_LINE + f'colour = "{CANARY}"', {}),
    "a secret is malformed": (ACME + f'secret = "{CANARY}\\n"', {}),
    "a secret is of a wrong type": (ACME + f'secret = ["{CANARY}"]', {}),
    "the endpoint holds it": (f'[clouds.hw]\nbackend = "acme"\nendpoint = "https://u:{CANARY}@h"\n{CANARY_LINE}', {}),
    "the proxy holds it": (ACME + f'secret = "{CANARY}"\nproxy = "http://u:{CANARY}@h\\n"', {}),
    "code gives it beside a mistake": (ACME, {"secret": CANARY, "timeout": -1}),
    "code gives it and the backend is not installed": ("", {"backend": "gone", "secret": CANARY}),
    "code gives it and no cloud is named so": ("", {"secret": CANARY}),
    "code gives it malformed": (ACME, {"secret": CANARY + "\n"}),
}


@pytest.mark.parametrize("open_cloud", [connect, aconnect])
@pytest.mark.parametrize(("file", "given"), LEAKS.values(), ids=LEAKS)
def test_no_configuration_error_shows_a_secret_in_message_or_locals(
    file: str, given: dict[str, Any], open_cloud: Callable[..., Any]
) -> None:
    write(file)
    with pytest.raises(ConfigurationError) as caught:
        open_cloud("hw", **given)
    assert not leaks(everything(caught.value))


def leaks(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if CANARY in text]


def test_the_look_for_leaks_finds_one() -> None:
    elsewhere: dict[str, Any] = {}
    exec(compile("def careless(secret):\n    raise ValueError('no')", "elsewhere.py", "exec"), elsewhere)
    with pytest.raises(ValueError, match="no") as caught:
        elsewhere["careless"](CANARY)
    assert leaks(everything(caught.value))


def test_a_secret_is_known_however_its_field_is_annotated() -> None:
    class Odd(AcmeSettings):
        pin: Annotated[SecretStr, Field(min_length=1)] | None = None

    assert Odd.secret_fields() == {"secret", "token", "pin"}


def test_settings_show_no_secret_and_cannot_be_pickled() -> None:
    import pickle

    found = settings(backend="acme", endpoint=ENDPOINT, secret=CANARY, proxy=f"http://u:{CANARY}@127.0.0.1:1")
    assert not leaks([repr(found), str(found)])
    with pytest.raises(TypeError, match="holds secrets and cannot be pickled"):
        pickle.dumps(found)


def test_settings_made_by_hand_hide_what_they_refuse() -> None:
    with pytest.raises(ValidationError) as caught:
        AcmeSettings.model_validate({"endpoint": ENDPOINT, "secret": [CANARY], "colour": CANARY, "timeout": CANARY})
    assert not leaks([str(caught.value), repr(caught.value)])


def test_the_redactor_learns_every_secret_of_the_settings() -> None:
    found = settings(backend="acme", endpoint=ENDPOINT, secret="s3", token="t0", proxy="http://u:pass@127.0.0.1:1")
    assert sorted(found.secrets()) == ["pass", "s3", "t0"]


def test_concealed_settings_show_their_names_alone() -> None:
    assert repr(config.Concealed(secret=CANARY, key="k")) == "<settings secret, key>"
    write(ACME + CANARY_LINE)
    assert not leaks([repr(config.clouds()), repr(config.target("hw", config.Concealed(secret=CANARY)))])


def test_a_cloud_may_be_told_by_the_environment_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OTABRIDGE_MY_DEPOT_BACKEND", "local")
    monkeypatch.setenv("OTABRIDGE_MY_DEPOT_PATH", str(tmp_path / "depot"))
    with connect("my-depot") as cloud:
        cloud.modules.create("mcu", product="p")
    assert (tmp_path / "depot").is_dir()


@pytest.mark.parametrize("proxy", ["proxy.corp:8080", "foo://u:pw@h:1", "socks5://h:1", "http://"])
def test_a_proxy_that_cannot_be_used_is_told_at_once_without_its_password(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy: write it as http") as caught:
        connect(backend="acme", endpoint=ENDPOINT, secret="s3", proxy=proxy)
    assert "pw" not in str(caught.value)


def test_a_named_local_cloud_needs_its_folder() -> None:
    write('[clouds.depot]\nbackend = "local"')
    with pytest.raises(ConfigurationError, match="path is missing"):
        connect("depot")


@pytest.mark.parametrize("answer", [RuntimeError("token s3cr3t denied"), ["s3cr3t"]])
def test_a_credential_plugin_that_fails_is_named_without_its_words(plugins: Plugins, answer: object) -> None:
    write(ACME)

    @hookimpl
    def otabridge_resolve_credentials(backend: str, cloud: str) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    plugins(registry.OBSERVERS, "vault", otabridge_resolve_credentials)
    with pytest.raises(ConfigurationError, match="a credential plugin") as caught:
        connect("hw")
    assert "s3cr3t" not in str(caught.value)


def test_a_variable_that_fits_two_clouds_is_that_of_the_longer_name(monkeypatch: pytest.MonkeyPatch) -> None:
    write(f'[clouds.hw]\nbackend = "acme"\nendpoint = "{ENDPOINT}"\nsecret = "s3"\n[clouds.hw-proxy]\nbackend = "acme"')
    monkeypatch.setenv("OTABRIDGE_HW_PROXY_FILE", "x")
    monkeypatch.setenv("OTABRIDGE_HW_PROXY", "http://h:1")
    monkeypatch.setenv("OTABRIDGE_HW_CA_FILE", "c.pem")
    with connect("hw") as client:
        assert (client._backend.config.proxy, client._backend.config.ca_file) == ("http://h:1", "c.pem")


def test_the_endpoint_of_one_cloud_is_never_taken_for_the_setting_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    write(f'[clouds.hw]\nbackend = "acme"\nendpoint = "{ENDPOINT}"\nsecret = "s3"\n[clouds.hw-ca]\nbackend = "acme"')
    monkeypatch.setenv("OTABRIDGE_HW_CA_FILE", "c.pem")
    with connect("hw") as client:
        assert client._backend.config.ca_file is None
