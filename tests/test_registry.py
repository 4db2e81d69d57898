"""Finding plugins: fake distributions on sys.path, whole and broken in every way."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, PackageNotFoundError
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from otabridge import ConfigurationError, PluginLoadError, registry
from otabridge.hookspecs import RequestFinished
from otabridge.registry import HOME, OBSERVERS, Registry

ROOT = Path(__file__).parents[1]

BACKEND = """
from otabridge.plugin import NATIVE, Backend, Capability, Page, Settings, flow, hookimpl

class Acme(Backend):
    name = "acme"
    contract = 1
    settings = Settings
    capabilities = {
        Capability.LIST_MODULES: NATIVE,
        Capability.LIST_PACKAGES: NATIVE,
        Capability.LIST_MODULE_VERSIONS: NATIVE,
    }

    def list_modules(self, *, product=None, cursor=None, limit=None): ...
    def list_packages(self, *, product=None, module=None, version=None, cursor=None, limit=None): ...
    def list_module_versions(self, *, product=None, device=None, device_id=None, cursor=None, limit=None): ...

@hookimpl
def otabridge_register_backends():
    return [Acme]
"""

OBSERVER = """
from otabridge.plugin import hookimpl
seen = []

@hookimpl
def otabridge_request_finished(event):
    seen.append(event)
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution on sys.path: its name, its modules' sources, and its entry points by group."""
    monkeypatch.delenv("OTABRIDGE_PLUGINS", raising=False)
    before = set(sys.modules)

    def install(dist: str, modules: dict[str, str], **points: str) -> None:
        site = tmp_path / dist
        info = site / f"{dist.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.2\n")
        groups = {"backends": registry.GROUP, "observers": OBSERVERS}
        lines = [f"[{groups[group]}]\n{entries}\n" for group, entries in points.items()]
        (info / "entry_points.txt").write_text("".join(lines))
        for name, source in modules.items():
            (site / f"{name}.py").write_text(dedent(source))
        monkeypatch.syspath_prepend(str(site))
        registry._installed.cache_clear()

    yield install
    registry._installed.cache_clear()
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def load_error(name: str = "acme") -> str:
    with pytest.raises(PluginLoadError) as caught:
        Registry().backend(name)
    return str(caught.value)


def test_a_backend_is_found_by_the_name_of_its_entry_point(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND}, backends="acme = acme_hooks")
    found = Registry()
    assert "acme" in found.names()
    assert found.backend("acme").__name__ == "Acme"
    assert found.backend("acme") is found.backend("acme")


def test_only_the_backend_that_is_named_is_loaded(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND}, backends="acme = acme_hooks")
    install("otabridge-bad", {"bad_hooks": "raise RuntimeError('loaded')"}, backends="bad = bad_hooks")
    Registry().backend("acme")
    assert "bad_hooks" not in sys.modules


def test_an_unknown_backend_is_told_with_what_is_installed_and_how_to_get_it(install: Install) -> None:
    install("otabridge-acme", {}, backends="acme = acme_hooks")
    with pytest.raises(ConfigurationError) as caught:
        Registry({"acme"}).backend("gone")
    told = "no backend named 'gone'; installed: acme, local. Mend: check the spelling, or install its plugin"
    assert str(caught.value) == told


def test_an_extra_of_our_own_is_offered_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Metadata:
        def get_all(self, name: str) -> list[str]:
            return ["gone"]

    monkeypatch.setattr(registry, "metadata", lambda name: Metadata())
    with pytest.raises(ConfigurationError, match=r"pip install 'otabridge\[gone\]'"):
        Registry().backend("gone")


def test_a_source_tree_that_is_not_installed_still_tells_an_unknown_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(registry, "metadata", absent)
    with pytest.raises(ConfigurationError, match="no backend named 'gone'"):
        Registry().backend("gone")


def test_two_distributions_that_offer_one_name_are_both_named(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND}, backends="acme = acme_hooks")
    install("other-acme", {"other_hooks": BACKEND}, backends="acme = other_hooks")
    assert (
        load_error() == ("backend 'acme' is offered by other-acme 1.2 and otabridge-acme 1.2: uninstall one of them")
        or load_error() == "backend 'acme' is offered by otabridge-acme 1.2 and other-acme 1.2: uninstall one of them"
    )


def test_a_name_that_two_offer_breaks_those_two_alone(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND}, backends="acme = acme_hooks")
    install("other-acme", {"other_hooks": BACKEND}, backends="acme = other_hooks")
    install("otabridge-good", {"good_hooks": BACKEND.replace("acme", "good")}, backends="good = good_hooks")
    assert Registry().backend("good").name == "good"
    listed = {info.distribution: info.broken for info in Registry({"acme", "good"}).plugins() if info.name != "local"}
    assert listed.pop("otabridge-good") is None
    assert listed.keys() == {"otabridge-acme", "other-acme"}
    assert all("uninstall one of them" in str(broken) for broken in listed.values())


BROKEN: dict[str, tuple[str, str]] = {
    "import raises": ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
    "import lacks a module": ("import a_module_that_is_not_there", "No module named 'a_module_that_is_not_there'"),
    "syntax": ("def", "SyntaxError"),
    "hook raises": (
        BACKEND.replace("return [Acme]", "raise KeyError('x')"),
        "plugin 'acme' cannot register its backends (KeyError: 'x')",
    ),
    "hook returns no classes": (BACKEND.replace("[Acme]", "[3]"), "plugin 'acme' cannot register its backends"),
    "hook returns a class alone": (BACKEND.replace("[Acme]", "Acme"), "plugin 'acme' cannot register its backends"),
    "misspelt hook": (
        BACKEND.replace("register_backends", "register_backend"),
        "unknown hook 'otabridge_register_backend'",
    ),
    "hook with a wrong argument": (
        BACKEND.replace("register_backends()", "register_backends(colour)"),
        "plugin 'acme' is refused",
    ),
    "two of one name": (
        BACKEND.replace("[Acme]", "[Acme, type('Other', (Acme,), {})]"),
        "plugin 'acme' registers two backends of one name: it has ['acme', 'acme']",
    ),
    "no hook at all": ("", "plugin 'acme' registers no backend of that name; it has []"),
    "another name": (BACKEND.replace('"acme"', '"acne"'), "registers no backend of that name; it has ['acne']"),
    "contract of tomorrow": (
        BACKEND.replace("contract = 1", "contract = 2"),
        "backend 'acme' was written for contract 2, and this otabridge has contract 1: install versions",
    ),
    "no contract": (BACKEND.replace("    contract = 1\n", ""), "was written for contract none"),
    "required and not declared": (
        BACKEND.replace("        Capability.LIST_MODULES: NATIVE,\n", ""),
        "backend 'acme' must have list_modules",
    ),
    "required and not there": (
        BACKEND.replace("def list_modules(", "def list_mods("),
        "backend 'acme' declares list_modules and does not override it",
    ),
    "declared and not there": (
        BACKEND.replace("LIST_MODULES: NATIVE,", "LIST_MODULES: NATIVE, Capability.GET_MODULE: NATIVE,"),
        "backend 'acme' declares get_module and does not override it",
    ),
    "there and not declared": (
        BACKEND.replace("    def list_modules", "    def get_module(self, **key): ...\n    def list_modules"),
        "backend 'acme' overrides get_module and does not declare it in its capabilities",
    ),
    "no capabilities": (BACKEND.replace("    capabilities =", "    powers ="), "backend 'acme' has no capabilities"),
}


@pytest.mark.parametrize(("source", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_told_in_words_and_breaks_itself_alone(source: str, words: str, install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": source}, backends="acme = acme_hooks")
    install("otabridge-good", {"good_hooks": BACKEND.replace("acme", "good")}, backends="good = good_hooks")
    assert words in load_error()
    assert Registry().backend("good").name == "good"
    listed = {plugin.name: plugin.broken for plugin in Registry({"acme", "good"}).plugins()}
    assert listed["good"] is None
    assert words in str(listed["acme"])


def test_a_plugin_that_cannot_be_loaded_is_named_with_its_distribution(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": "1/0"}, backends="acme = acme_hooks")
    assert load_error() == (
        "plugin 'acme' of otabridge-acme 1.2 cannot be loaded (ZeroDivisionError: division by zero): "
        "reinstall or remove it"
    )


def test_the_composed_operations_need_no_declaration(install: Install) -> None:
    override = "    def count_fleet_versions(self, **key): ...\n    def list_modules"
    install(
        "otabridge-acme",
        {"acme_hooks": BACKEND.replace("    def list_modules", override)},
        backends="acme = acme_hooks",
    )
    assert Registry().backend("acme").name == "acme"


def test_two_profiles_of_one_engine_are_two_small_modules(install: Install) -> None:
    install(
        "otabridge-acme",
        {"hooks_a": BACKEND.replace("acme", "a"), "hooks_b": BACKEND.replace("acme", "b")},
        backends="a = hooks_a\nb = hooks_b",
    )
    found = Registry()
    assert (found.backend("a").name, found.backend("b").name) == ("a", "b")
    assert "hooks_b" in sys.modules


# --- the allow-list ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", ["acme", " acme ,x", "x,acme"])
def test_the_allow_list_lets_in_what_it_names_and_the_local_store(
    listed: str, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND}, backends="acme = acme_hooks")
    install("otabridge-bad", {"bad_hooks": "1/0"}, backends="bad = bad_hooks", observers="spy = bad_hooks")
    monkeypatch.setenv("OTABRIDGE_PLUGINS", listed)
    found = Registry()
    assert found.names() == ["acme", HOME]
    assert found.load_observers() == []
    with pytest.raises(ConfigurationError, match="no backend named 'bad'"):
        found.backend("bad")


def test_an_empty_allow_list_leaves_the_local_store_alone(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND}, backends="acme = acme_hooks")
    monkeypatch.setenv("OTABRIDGE_PLUGINS", "")
    assert Registry().names() == [HOME]
    assert Registry().backend(HOME).name == HOME
    assert [row.name for row in Registry().plugins()] == [HOME]


# --- observers --------------------------------------------------------------------------------------------------------

EVENT = RequestFinished(backend="acme", operation="List", method="GET", url="https://h/", attempt=1, seconds=0.1)


def test_broken_observers_are_returned_and_the_others_work(install: Install) -> None:
    install("spy", {"spy_hooks": OBSERVER}, observers="spy = spy_hooks")
    install("torn", {"torn_hooks": "1/0"}, observers="torn = torn_hooks")
    install("odd", {"odd_hooks": OBSERVER.replace("finished", "finnished")}, observers="odd = odd_hooks")
    found = Registry({"spy", "torn", "odd"})
    broken = {plugin.name: plugin for plugin in found.load_observers()}
    assert set(broken) == {"torn", "odd"}
    assert broken["torn"].distribution == "torn"
    assert "division by zero" in str(broken["torn"].broken)
    assert "unknown hook" in str(broken["odd"].broken)
    assert found.observes()
    found.request_finished(EVENT)
    assert sys.modules["spy_hooks"].seen == [EVENT]


def test_an_observer_that_fails_breaks_no_request(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("torn", {"torn_hooks": OBSERVER.replace("seen.append(event)", "1/0")}, observers="torn = torn_hooks")
    found = Registry({"torn"})
    found.load_observers()
    found.request_finished(EVENT)
    assert "ZeroDivisionError" in caplog.text


def test_without_observers_nothing_observes() -> None:
    assert not Registry(()).observes()
    assert Registry(()).resolve_credentials("acme", "hw") is None


def test_a_backend_and_an_observer_of_one_distribution_may_have_one_name(install: Install) -> None:
    install(
        "otabridge-acme",
        {"acme_hooks": BACKEND, "acme_spy": OBSERVER},
        backends="acme = acme_hooks",
        observers="acme = acme_spy",
    )
    found = Registry({"acme"})
    assert found.load_observers() == []
    assert found.backend("acme").name == "acme"


def test_the_first_credential_plugin_that_knows_the_cloud_answers(install: Install) -> None:
    vault = """
    from otabridge.plugin import hookimpl
    @hookimpl
    def otabridge_resolve_credentials(backend, cloud):
        return {"secret": "SAYS"} if cloud == "SAYS" else None
    """
    for name in ("one", "two"):
        install(name, {f"{name}_hooks": vault.replace("SAYS", name)}, observers=f"{name} = {name}_hooks")
    found = Registry({"one", "two"})
    assert found.load_observers() == []
    assert found.resolve_credentials("acme", "two") == {"secret": "two"}
    assert found.resolve_credentials("acme", "three") is None


def test_the_list_of_plugins_says_what_each_one_hooks_into(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND}, backends="acme = acme_hooks")
    install("spy", {"spy_hooks": OBSERVER}, observers="spy = spy_hooks")
    rows = {row.name: row for row in Registry({"acme", "spy"}).plugins()}
    assert (rows["acme"].distribution, rows["acme"].version, rows["acme"].group) == (
        "otabridge-acme",
        "1.2",
        "otabridge",
    )
    assert rows["acme"].hooks == ("otabridge_register_backends",)
    assert rows["spy"].group == "otabridge.hooks"
    assert rows["spy"].hooks == ("otabridge_request_finished",)


def test_an_entry_point_without_a_distribution_is_named_by_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_points", lambda group: (EntryPoint("acme", "no_such_module", group),))
    assert "plugin 'acme' of no_such_module cannot be loaded" in load_error()


# --- what ships -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["local", "huawei", "tuya", "aliyun"])
def test_the_backends_of_this_repository_are_installed_and_whole(name: str) -> None:
    registry._installed.cache_clear()
    assert name in Registry().names()
    assert Registry().backend(name).name == name


HEAVY = ("otabridge.local", "otabridge.cli.", "otabridge_", "httpx", "aiohttp", "sqlite3", "typer", "rich", "keyring")


@pytest.mark.parametrize(
    "statement",
    ["import otabridge", "from otabridge import connect, Module", "from otabridge import *"],
)
def test_importing_otabridge_loads_no_plugin_no_command_line_no_http_and_no_database(statement: str) -> None:
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = json.loads(done.stdout)
    assert "otabridge" in loaded
    assert [name for name in loaded if f"{name}.".startswith(HEAVY)] == []


def test_connecting_to_one_cloud_loads_its_plugin_alone() -> None:
    code = dedent("""
        import json, sys, otabridge
        otabridge.connect(backend="tuya", endpoint="https://h.example", access_key_id="a", access_key_secret="b")
        print(json.dumps(sorted(sys.modules)))
    """)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTABRIDGE_")}
    environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    loaded = json.loads(done.stdout)
    assert "otabridge_action" in loaded
    assert [
        name for name in loaded if name.startswith(("otabridge_huawei", "otabridge.local", "sqlite3", "typer"))
    ] == []


FACADE = """
from otabridge.facade import Facade
from otabridge.plugin import hookimpl

class Mirror(Facade):
    name = "acme"
    contract = {contract}

@hookimpl
def otabridge_register_facades():
    return [Mirror]
"""


def test_a_facade_is_found_by_the_name_of_its_cloud(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND + FACADE.format(contract=1)}, backends="acme = acme_hooks")
    assert Registry().facade("acme").__name__ == "Mirror"
    assert "acme" in Registry().facades()


def test_a_plugin_without_a_facade_says_so_and_is_no_broken_one(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND}, backends="acme = acme_hooks")
    with pytest.raises(ConfigurationError, match="'acme' registers no facade of that name"):
        Registry().facade("acme")
    assert "acme" not in Registry().facades()


def test_a_facade_of_another_contract_is_refused_in_words(install: Install) -> None:
    install("otabridge-acme", {"acme_hooks": BACKEND + FACADE.format(contract=99)}, backends="acme = acme_hooks")
    with pytest.raises(PluginLoadError, match="facade 'acme' was written for contract 99"):
        Registry().facade("acme")
    assert Registry().backend("acme").name == "acme"
    (listed,) = (info for info in Registry({"acme"}).plugins() if info.name == "acme")
    assert "facade 'acme' was written for contract 99" in str(listed.broken)
