"""The reference for plugin authors: it names every hook, operation and export, and nothing that is not there."""

import dataclasses
import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from otabridge import hookspecs, plugin
from otabridge.backend import CONTRACT, REQUIRED, Backend
from otabridge.capabilities import Capability, Level
from otabridge.facade import Account, Answer, Asked, Call, Facade, Reason, Site, Verdict
from otabridge.limits import FIELDS
from otabridge.settings import HttpSettings
from otabridge.testing import BackendConformance, FacadeConformance
from otabridge.testing.suite import Suite
from otabridge.windows import Listed, Window

REFERENCE = (Path(__file__).parents[1] / "docs" / "plugin-reference.md").read_text("utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", REFERENCE, flags=re.MULTILINE)[1:]}
OPERATION = re.compile(r"^### `(\w+)`\n\n`\((.*?)\)` -> `(.*?)`\n\n(.+?)(?=\n###|\Z)", re.MULTILINE | re.DOTALL)
OPERATIONS = {found[0]: found[1:] for found in OPERATION.findall(SECTIONS["Operations"])}


def first_cells(section: str) -> set[str]:
    """The names in the first column of a section's tables, less their arguments."""
    cells = re.findall(r"^\| (`.*?) \|", SECTIONS[section], re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)", cell)}


def told(section: str, opening: str) -> str:
    """The paragraph of a section that begins so, or the table below it."""
    _, found, rest = SECTIONS[section].partition(f"\n\n`{opening}`")
    assert found, f"{section} has no paragraph on {opening}"
    text, table = [*rest.split("\n\n"), ""][:2]
    return f"{text}\n{table}" if table.startswith("|") else text


def fields(kind: type) -> set[str]:
    return {item.name for item in dataclasses.fields(kind)}


# --- what there is ----------------------------------------------------------------------------------------------------


def test_every_operation_is_documented_and_no_other() -> None:
    assert list(OPERATIONS) == [operation.value for operation in Capability]
    assert len(OPERATIONS) == SECTIONS["Operations"].count("\n### ")


@pytest.mark.parametrize("operation", Capability)
def test_an_operation_has_the_signature_that_is_told(operation: Capability) -> None:
    arguments, result, text = OPERATIONS[operation.value]
    signature = inspect.signature(getattr(Backend, operation.value))
    taken = [parameter for name, parameter in signature.parameters.items() if name != "self"]
    shown = [item.name if item.default is item.empty else f"{item.name}={item.default}" for item in taken]
    assert arguments == ", ".join(shown)
    returns = re.sub(r"\b[a-z_]+\.", "", inspect.formatannotation(signature.return_annotation))
    named = re.fullmatch(r"(?:Flow\[(.*)\]|Generator\[.*?, Any, (.*)\])", returns.replace("NoneType", "None"))
    assert named, returns
    assert result in named.groups()
    assert text.startswith("Required.") == (operation in REQUIRED)


def test_every_hook_is_documented_with_its_arguments() -> None:
    hooks = {name: value for name, value in vars(hookspecs).items() if name.startswith("otabridge_")}
    shown = {f"{name}({', '.join(inspect.signature(hook).parameters)})" for name, hook in hooks.items()}
    assert set(re.findall(r"`(otabridge_\w+\(.*?\))`", SECTIONS["Hooks"])) == shown


def test_every_export_is_documented_and_no_other() -> None:
    assert first_cells("What `otabridge.plugin` has") == set(plugin.__all__)


def test_the_attributes_and_methods_of_a_backend_are_documented() -> None:
    operations = {operation.value for operation in Capability}
    own = {name for name in {*vars(Backend), *Backend.__annotations__} if not name.startswith("_")}
    assert first_cells("The class") == own - operations
    assert f"this one is {CONTRACT}" in SECTIONS["The class"]


def test_the_methods_and_attributes_of_a_facade_are_documented() -> None:
    own = {name for name in {*vars(Facade), *Facade.__annotations__} if not name.startswith("_")}
    methods = {name for name in first_cells("Facades") if name.islower()}
    assert methods == {
        name
        for name in own
        if not isinstance(vars(Facade).get(name), int | dict) and name not in ("name", "contract", "limits", "quotas")
    }
    assert [name for name in own if f"`{name}" not in SECTIONS["Facades"]] == []


@pytest.mark.parametrize("kind", [plugin.Limits, plugin.Text, plugin.Traits, plugin.Quota])
def test_the_fields_of_a_table_are_documented(kind: type) -> None:
    text = told("Tables", kind.__name__)
    assert [name for name in fields(kind) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("kind", [plugin.Request, plugin.Response, plugin.FileBody, plugin.Page])
def test_the_fields_of_a_request_and_of_what_comes_back_are_documented(kind: type) -> None:
    text = told("Requests, answers, signing", kind.__name__)
    assert [name for name in fields(kind) if f"`{name}`" not in text] == []


def test_the_fields_that_can_be_limited_are_those_there_are() -> None:
    text = SECTIONS["Tables"].partition("Fields with a `Text` limit:")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([\w.]+)`", text)) == set(FIELDS)


@pytest.mark.parametrize("kind", [Call, Asked, Verdict, Answer, Account, Site, Listed, Window])
def test_the_fields_of_a_facade_s_values_are_documented(kind: type) -> None:
    (row,) = re.findall(rf"^\| `{kind.__name__}` \| (.*) \|$", SECTIONS["Facades"], re.MULTILINE)
    assert [name for name in fields(kind) if f"`{name}" not in row] == []


def test_the_reasons_are_those_there_are() -> None:
    told = SECTIONS["Facades"].partition("A `Reason` is one of:")[2].partition(".")[0]
    assert re.findall("`(.*?)`", told) == list(get_args(Reason))


def test_the_levels_are_those_there_are() -> None:
    assert set(re.findall(r"`Level\.(\w+)`", SECTIONS["Tables"])) == {level.name for level in Level}


def test_the_settings_are_those_there_are() -> None:
    text = told("Tables", "Settings")
    assert [name for name in HttpSettings.model_fields if f"`{name}`" not in text] == []


# --- the kit ----------------------------------------------------------------------------------------------------------


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", REFERENCE))
    assert len(named) > 30
    assert {name for name in named if not hasattr(BackendConformance, name)} == set()


def test_the_attributes_of_a_conformance_class_are_documented() -> None:
    own = {name for name in Suite.__annotations__ if not name.startswith("_")}
    assert first_cells("The kit") == own | {"artifact", "draft"}
    assert [name for name in FacadeConformance.__annotations__ if f"`{name} = " not in SECTIONS["The kit"]] == []
