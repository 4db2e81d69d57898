"""What the clients ask of a backend: names, aliases and pages, and nothing begun that cannot be finished."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from otabridge._calls import Calls
from otabridge.backend import Backend
from otabridge.capabilities import NATIVE, Capability
from otabridge.errors import NotFoundError, UnsupportedError, ValidationError
from otabridge.flow import Flow, Steps, flow
from otabridge.limits import Limits, Text
from otabridge.models import Artifact, Device, Module, ModuleVersion, Package, PackageDraft, Page, Product
from otabridge.settings import Settings
from tests.support.runner import Bench
from tests.support.world import FakeWorld

ALIASES = {"mine": "cloud-p1"}
MODULE = Module(product="cloud-p1", name="mcu")
PACKAGE = Package(
    id="7", product="cloud-p1", module="mcu", version="2.0", artifacts=(Artifact(name="a"), Artifact(name="b"))
)
RESULTS: dict[str, Any] = {
    "list_products": Page((Product(id="cloud-p1"),)),
    "list_modules": Page((MODULE,)),
    "list_packages": Page((PACKAGE,)),
    "list_devices": Page((Device(product="cloud-p1", name="d1"),)),
    "list_module_versions": Page((ModuleVersion(product="cloud-p1", device="d1", module="mcu", version="1"),)),
    "list_version_history": Page(()),
    "list_fleet_versions": Page(()),
    "get_module": MODULE,
    "create_module": MODULE,
    "update_module": MODULE,
    "get_package": PACKAGE,
    "create_package": PACKAGE,
    "update_package": PACKAGE,
    "stage_artifact": Artifact(name="app.bin", size=3),
    "get_device": Device(product="cloud-p1", name="d1"),
    "count_fleet_versions": 5,
}


class Recorder(Backend):
    """Every operation, each only written down."""

    name = "recorder"
    contract = 1
    settings = Settings
    capabilities = dict.fromkeys(Capability, NATIVE)
    limits = Limits(
        text={"module.name": Text(max_length=5), "package.version": Text(max_length=5)}, artifact_suffixes=(".bin",)
    )

    def __init__(self, world: FakeWorld | None = None) -> None:
        super().__init__(Settings(products=ALIASES), world=world.world if world else None)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.missing = False

    def __getattribute__(self, name: str) -> Any:
        if name not in {capability.value for capability in Capability}:
            return super().__getattribute__(name)

        def operation(**arguments: Any) -> Flow[Any]:
            self.admit(name, arguments)
            return Flow(self._noted(name, arguments), name)

        return operation

    def _noted(self, name: str, arguments: dict[str, Any]) -> Steps[Any]:
        yield from ()
        if "versions" in arguments:
            arguments["versions"] = tuple(arguments["versions"])
        self.calls.append((name, arguments))
        if self.missing:
            raise NotFoundError("gone")
        if name == "report_module_versions":
            return len(arguments["versions"])
        if name == "open_artifact":
            return arguments["folder"] / arguments["artifact"].name
        return RESULTS.get(name)

    def list_modules(self, **_: Any) -> Any: ...
    def list_packages(self, **_: Any) -> Any: ...
    def list_module_versions(self, **_: Any) -> Any: ...


class Asked:
    """A client of a recorder; `of` gives the result of one client method and the calls that it made."""

    def __init__(self, bench: Bench) -> None:
        self.backend = Recorder(bench.world)
        self.driver = bench.over(self.backend, lambda _: pytest.fail("nothing is sent"))

    def of(self, group: str, method: str, *args: Any, **kwargs: Any) -> tuple[Any, list[tuple[str, dict[str, Any]]]]:
        made = getattr(getattr(self.driver.client, group), method)(*args, **kwargs)
        if hasattr(made, "__await__"):

            async def wait() -> Any:
                return await made

            made = self.driver.loop.run(wait())
        return made, self.backend.calls


@pytest.fixture
def asked(bench: Bench) -> Asked:
    return Asked(bench)


LISTS = [
    ("products", "list", (), {}, "list_products", {}),
    ("modules", "list", (), {"product": "mine"}, "list_modules", {"product": "cloud-p1"}),
    ("modules", "list", (), {}, "list_modules", {"product": None}),
    (
        *("packages", "list", (), {"product": "mine", "module": "mcu", "version": "2"}),
        *("list_packages", {"product": "cloud-p1", "module": "mcu", "version": "2"}),
    ),
    ("devices", "list", (), {"product": "other"}, "list_devices", {"product": "other"}),
    (
        *("devices", "versions", ("d1",), {"product": "mine"}),
        *("list_module_versions", {"product": "cloud-p1", "device": "d1", "device_id": None}),
    ),
    (
        *("devices", "versions", (), {"id": "i1"}),
        *("list_module_versions", {"product": None, "device": None, "device_id": "i1"}),
    ),
    (
        *("devices", "history", ("d1",), {"product": "mine", "module": "mcu"}),
        *("list_version_history", {"product": "cloud-p1", "device": "d1", "module": "mcu"}),
    ),
    ("fleet", "versions", (), {"product": "mine"}, "list_fleet_versions", {"product": "cloud-p1"}),
]


@pytest.mark.parametrize(("group", "method", "args", "kwargs", "operation", "arguments"), LISTS)
def test_a_list_asks_for_its_page(
    asked: Asked, group: str, method: str, args: Any, kwargs: Any, operation: str, arguments: Any
) -> None:
    asked.driver.rows(lambda client: getattr(getattr(client, group), method)(*args, **kwargs))
    assert asked.backend.calls == [(operation, {**arguments, "cursor": None, "limit": None})]


@pytest.mark.parametrize(("group", "method", "args", "kwargs", "operation", "arguments"), LISTS)
def test_a_list_takes_page_size_and_cursor(
    asked: Asked, group: str, method: str, args: Any, kwargs: Any, operation: str, arguments: Any
) -> None:
    asked.driver.rows(lambda client: getattr(getattr(client, group), method)(*args, **kwargs, page_size=7, cursor="c9"))
    assert asked.backend.calls == [(operation, {**arguments, "cursor": "c9", "limit": 7})]


def test_a_list_asks_for_nothing_until_it_is_read(asked: Asked) -> None:
    asked.of("modules", "list", product="mine")
    assert asked.backend.calls == []


KEY = {"product": "cloud-p1", "name": "mcu", "module_id": None}
BY_ID = {"product": None, "name": None, "module_id": "i1"}
SINGLE = [
    ("modules", "get", ("mcu",), {"product": "mine"}, "get_module", KEY),
    ("modules", "get", (), {"id": "i1"}, "get_module", BY_ID),
    (
        *("modules", "create", ("mcu",), {"product": "mine", "alias": "A"}),
        *("create_module", {"product": "cloud-p1", "name": "mcu", "alias": "A", "description": None}),
    ),
    (
        *("modules", "update", ("mcu",), {"product": "mine", "description": ""}),
        *("update_module", {**KEY, "alias": None, "description": ""}),
    ),
    (
        "modules",
        "update",
        (),
        {"id": "i1", "alias": "A"},
        "update_module",
        {**BY_ID, "alias": "A", "description": None},
    ),
    ("modules", "delete", ("mcu",), {"product": "mine"}, "delete_module", KEY),
    ("packages", "get", ("7",), {}, "get_package", {"package_id": "7"}),
    (
        *("packages", "update", ("7",), {"name": "N", "custom_info": ""}),
        *("update_package", {"package_id": "7", "name": "N", "description": None, "custom_info": ""}),
    ),
    ("packages", "delete", ("7",), {}, "delete_package", {"package_id": "7"}),
    (
        *("devices", "get", ("d1",), {"product": "mine"}),
        *("get_device", {"product": "cloud-p1", "device": "d1", "device_id": None}),
    ),
    ("devices", "get", (), {"id": "i1"}, "get_device", {"product": None, "device": None, "device_id": "i1"}),
    (
        *("fleet", "count", (), {"product": "mine", "version": "2"}),
        *("count_fleet_versions", {"product": "cloud-p1", "module": None, "version": "2"}),
    ),
]


@pytest.mark.parametrize(("group", "method", "args", "kwargs", "operation", "arguments"), SINGLE)
def test_a_method_asks_for_its_operation(
    asked: Asked, group: str, method: str, args: Any, kwargs: Any, operation: str, arguments: Any
) -> None:
    result, calls = asked.of(group, method, *args, **kwargs)
    assert calls == [(operation, arguments)]
    assert result == RESULTS.get(operation)


NOT_ASKED = [
    ("modules", "get", (), {}, "give either name or id"),
    ("modules", "get", ("mcu",), {"product": "p", "id": "i"}, "give either name or id"),
    ("modules", "get", ("mcu",), {}, "product is missing"),
    ("modules", "delete", ("mcu",), {}, "product is missing"),
    ("modules", "update", ("mcu",), {"product": "p"}, "nothing to change"),
    ("packages", "update", ("7",), {}, "nothing to change"),
    ("modules", "create", ("too long",), {"product": "p"}, "at most 5 characters"),
    ("devices", "get", (), {}, "give either device or id"),
    ("devices", "get", ("d",), {"id": "i"}, "give either device or id"),
]


@pytest.mark.parametrize(("group", "method", "args", "kwargs", "words"), NOT_ASKED)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    asked: Asked, group: str, method: str, args: Any, kwargs: Any, words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        asked.of(group, method, *args, **kwargs)
    assert asked.backend.calls == []


def test_versions_of_neither_a_device_nor_an_id_are_refused(asked: Asked) -> None:
    with pytest.raises(ValidationError, match="give either device or id"):
        asked.driver.client.devices.versions()


@pytest.mark.parametrize(
    ("group", "args", "kwargs"), [("modules", ("mcu",), {"product": "p"}), ("packages", ("7",), {})]
)
def test_deleting_what_is_not_there_is_an_error_unless_it_may_be_missing(
    asked: Asked, group: str, args: Any, kwargs: Any
) -> None:
    asked.backend.missing = True
    with pytest.raises(NotFoundError):
        asked.of(group, "delete", *args, **kwargs)
    result, calls = asked.of(group, "delete", *args, **kwargs, missing_ok=True)
    assert (result, len(calls)) == (None, 2)


# --- packages -------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.bin"
    path.write_bytes(b"abc")
    return path


def test_publish_brings_the_bytes_and_then_makes_the_package(asked: Asked, file: Path) -> None:
    result, calls = asked.of(
        *("packages", "publish", file), product="mine", module="mcu", version="2.0", source_versions=["1.9"]
    )
    made = PackageDraft(
        product="cloud-p1",
        module="mcu",
        version="2.0",
        source_versions=("1.9",),
        artifacts=(Artifact(name="app.bin", size=3),),
        verify=False,
    )
    assert result == PACKAGE
    assert calls == [("stage_artifact", {"path": file, "filename": "app.bin"}), ("create_package", {"draft": made})]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "too long"}, "package.version: at most 5"),
        ({"module": "too long"}, "module.name: at most 5"),
        ({"kind": "delta"}, "required with kind delta"),
        ({"source_versions": ["1", "1"]}, "each source version once"),
    ],
)
def test_publish_brings_no_bytes_for_a_package_that_cannot_be_made(
    asked: Asked, file: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        asked.of("packages", "publish", file, **{"product": "mine", "module": "mcu", "version": "2.0", **change})
    assert asked.backend.calls == []


def test_publish_looks_at_the_name_of_the_file(asked: Asked, tmp_path: Path) -> None:
    path = tmp_path / "app.exe"
    path.write_bytes(b"abc")
    with pytest.raises(ValidationError, match=r"ends in one of \.bin"):
        asked.of("packages", "publish", path, product="mine", module="mcu", version="2.0")
    assert asked.backend.calls == []


@pytest.mark.parametrize("name", ["missing.bin", "."])
def test_publish_of_what_is_no_file_is_refused(asked: Asked, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="is no file"):
        asked.of("packages", "publish", tmp_path / name, product="mine", module="mcu", version="2.0")
    assert asked.backend.calls == []


def test_create_carries_every_field(asked: Asked) -> None:
    fields: dict[str, Any] = {
        "product": "mine",
        "module": "mcu",
        "version": "2.0",
        "kind": "delta",
        "source_versions": ["1.9", "1.8"],
        "name": "N",
        "description": "D",
        "custom_info": "C",
        "verify": True,
        "artifacts": iter([Artifact(name="a.bin")]),
    }
    _, ((operation, arguments),) = asked.of("packages", "create", **fields)
    expected = {
        **fields,
        "product": "cloud-p1",
        "source_versions": ("1.9", "1.8"),
        "artifacts": (Artifact(name="a.bin"),),
    }
    assert (operation, arguments) == ("create_package", {"draft": PackageDraft(**expected)})


def test_download_opens_every_artifact_of_the_package(asked: Asked, tmp_path: Path) -> None:
    paths, calls = asked.of("packages", "download", "7", str(tmp_path))
    assert paths == (tmp_path / "a", tmp_path / "b")
    assert [name for name, _ in calls] == ["get_package", "open_artifact", "open_artifact"]


def test_one_source_version_is_not_taken_for_its_characters(asked: Asked) -> None:
    _, ((_, arguments),) = asked.of(
        *("packages", "create"), product="p", module="mcu", version="2", artifacts=(), source_versions="1.9"
    )
    assert arguments["draft"].source_versions == ("1.9",)


# --- reports --------------------------------------------------------------------------------------------------------


def test_report_takes_in_one_version(asked: Asked) -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    result, ((operation, arguments),) = asked.of(
        *("devices", "report", "d1"), product="mine", module="mcu", version="2", reported_at=when
    )
    row = ModuleVersion(product="cloud-p1", device="d1", module="mcu", version="2", reported_at=when)
    assert (result, operation, arguments) == (None, "report_module_versions", {"versions": (row,)})


def test_report_versions_takes_any_iterable_and_tells_how_many(asked: Asked) -> None:
    def rows() -> Iterable[ModuleVersion]:
        for number in range(3):
            yield ModuleVersion(product="mine", device=f"d{number}", module="mcu", version="2")

    count, ((_, arguments),) = asked.of("devices", "report_versions", rows())
    assert (count, [(row.product, row.device) for row in arguments["versions"]]) == (
        3,
        [("cloud-p1", "d0"), ("cloud-p1", "d1"), ("cloud-p1", "d2")],
    )


# --- what is not there ----------------------------------------------------------------------------------------------


class Poor(Recorder):
    """A backend without most operations."""

    capabilities = {  # noqa: RUF012  # a constant of the class
        Capability.LIST_MODULES: NATIVE,
        Capability.LIST_PACKAGES: NATIVE,
        Capability.LIST_MODULE_VERSIONS: NATIVE,
    }

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name)

    @flow
    def list_modules(self, **_: Any) -> Steps[Page[Module]]:
        yield from ()
        return Page(())


def test_calling_what_a_backend_has_not_raises_before_anything_is_run() -> None:
    calls = Calls(Poor())
    with pytest.raises(UnsupportedError, match="recorder: create_module is not available"):
        calls.create_module("mcu", "p", None, None)


def test_a_client_says_what_is_supported(bench: Bench) -> None:
    client = bench.over(Poor(bench.world), lambda _: pytest.fail("nothing is sent")).client
    assert client.supports(Capability.LIST_MODULES)
    assert not client.supports(Capability.CREATE_MODULE)
    assert (client.capabilities, client.limits) == (Poor.capabilities, Poor.limits)
