"""The public API: its exact names, and the same groups, methods and parameters in both colours."""

import inspect
import re
from collections.abc import Generator, Iterator
from typing import Any, get_origin, get_type_hints

import pytest

import otabridge
from otabridge import aio, client, connect, plugin
from otabridge.backend import OPERATIONS, REQUIRED, Backend
from otabridge.capabilities import Capability
from otabridge.flow import Flow

LISTED = """
    ApiError Artifact AsyncClient AsyncPager AuthenticationError Capability Checksum Client ConfigurationError
    ConflictError ConnectError Device FileLocation ForbiddenError IntegrityError InvalidRequestError Level
    LocalLocation Module ModuleVersion NotFoundError ObjectLocation OtaBridgeError OutcomeUnknownError Package
    PackageDraft Page Pager PagingError PluginLoadError Product ProtocolError QuotaExceededError RateLimitError
    RequestTimeoutError ServerError Support TransportError UnsupportedError UrlLocation ValidationError aconnect
    connect
"""
NAMES = LISTED.split()

GROUPS = {
    "products": "list",
    "modules": "list get create update delete",
    "packages": "list get create publish download update delete",
    "devices": "list get versions history report report_versions",
    "fleet": "versions count",
}

# What a thing is called in the other colour.
TWINS = {
    "Client": "AsyncClient",
    "Pager": "AsyncPager",
    "connect": "aconnect",
    "close": "aclose",
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
    "__iter__": "__aiter__",
}


SPECIAL = {*TWINS, *TWINS.values(), "__reduce__"}


def public(owner: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(owner).items()
        if not name.startswith("_") or name in SPECIAL
        if callable(value) or isinstance(value, property)
    }


def signature(function: Any) -> str:
    getter: Any = function.fget if isinstance(function, property) else function
    return str(inspect.signature(getter))


def twin(text: str) -> str:
    """A sync signature in the async one's words."""
    coloured = re.sub(r"\b(Client|Pager|Iterator|BaseTransport|Runner)\b", r"Async\1", text)
    return coloured.replace("otabridge.client.", "otabridge.aio.")


PAIRS = [(getattr(client, name), getattr(aio, TWINS.get(name, name))) for name in (
    "Client", "Pager", "Products", "Modules", "Packages", "Devices", "Fleet"
)]  # fmt: skip


def test_the_names_are_exactly_these() -> None:
    assert sorted(otabridge.__all__) == sorted(NAMES)
    assert list(otabridge.__all__) == sorted(otabridge.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_loaded_when_it_is_asked_for(name: str) -> None:
    value = getattr(otabridge, name)
    assert value.__name__ == name
    assert value.__module__.startswith("otabridge.")
    assert name in dir(otabridge)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'otabridge' has no attribute 'nothing'"):
        otabridge.nothing  # noqa: B018


def test_plugin_authors_import_exactly_what_the_plugin_module_says() -> None:
    imported = {
        name for name, value in vars(plugin).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert imported == set(plugin.__all__)


@pytest.mark.parametrize("group", GROUPS)
def test_a_client_has_the_groups_and_methods_of_the_design(group: str) -> None:
    with connect("memory:") as cloud:
        assert sorted(public(type(getattr(cloud, group)))) == sorted(GROUPS[group].split())
    assert sorted(public(getattr(aio, group.capitalize()))) == sorted(GROUPS[group].split())


@pytest.mark.parametrize(("sync", "other"), PAIRS, ids=lambda cls: cls.__name__)
def test_the_two_colours_have_the_same_methods_parameters_and_docstrings(sync: type, other: type) -> None:
    ours, theirs = public(sync), public(other)
    assert [TWINS.get(name, name) for name in ours] == list(theirs)
    for name, method in ours.items():
        mirror = theirs[TWINS.get(name, name)]
        assert twin(signature(method)) == signature(mirror), name
        assert inspect.getdoc(method) == inspect.getdoc(mirror), name


def test_connect_and_aconnect_take_the_same_arguments() -> None:
    assert twin(signature(client.connect)) == signature(aio.aconnect)


def methods(owner: Any) -> Iterator[tuple[str, Any]]:
    for name in ("Products", "Modules", "Packages", "Devices", "Fleet"):
        yield from ((f"{name}.{method}", value) for method, value in public(getattr(owner, name)).items())


@pytest.mark.parametrize(("name", "method"), [*methods(client), *methods(aio)])
def test_only_the_first_obvious_argument_is_positional(name: str, method: Any) -> None:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    positional = [item.name for item in parameters if item.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert len(positional) <= (2 if name == "Packages.download" else 1)


@pytest.mark.parametrize(("name", "method"), [*methods(client), *methods(aio)])
def test_every_list_takes_a_page_size_and_a_cursor(name: str, method: Any) -> None:
    parameters = inspect.signature(method).parameters
    pages = "Pager" in str(inspect.signature(method).return_annotation)
    assert pages == ("page_size" in parameters) == ("cursor" in parameters)


def test_a_capability_is_an_operation_of_the_contract_and_the_other_way_round() -> None:
    operations = {
        name
        for name, value in vars(Backend).items()
        if inspect.isfunction(value) and not name.startswith("_")
        if get_origin(get_type_hints(value).get("return")) in (Flow, Generator)
    }
    assert operations - {"credential"} == {capability.value for capability in Capability}
    assert set(OPERATIONS) == {capability.value for capability in Capability}
    assert all(capability.name.lower() == capability.value for capability in Capability)


@pytest.mark.parametrize("operation", list(Capability))
def test_every_operation_takes_keywords_alone_and_is_explained(operation: Capability) -> None:
    method = getattr(Backend, operation.value)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    assert {item.kind for item in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert inspect.getdoc(method)
    assert "return" in get_type_hints(method)


def test_the_required_operations_are_the_abstract_ones() -> None:
    assert Backend.__abstractmethods__ == {capability.value for capability in REQUIRED}


def test_clients_say_what_they_are_and_cannot_be_pickled() -> None:
    import pickle

    with connect("memory:") as cloud:
        assert repr(cloud) == "<otabridge client of memory:, backend local>"
        assert cloud.supports(Capability.LIST_MODULES)
        assert cloud.capabilities[Capability.LIST_MODULES].level.usable
        assert cloud.limits is type(cloud._backend).limits
        with pytest.raises(TypeError, match="connect again over there"):
            pickle.dumps(cloud)
