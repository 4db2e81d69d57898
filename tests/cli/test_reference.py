"""docs/cli.md against the commands, and the commands against what was promised."""

from typing import Any

import pytest
from typer.main import get_command

from otabridge.cli.app import GROUPS, application
from tests.cli.conftest import Ask
from tests.cli.reference import PAGE, leaves, renewed

COMMANDS = {" ".join(path): command for path, command in leaves(get_command(application()), ())}
TALKING = {name for name in COMMANDS if name.split()[0] in ("products", "modules", "packages", "devices", "fleet")}
REPEATABLE = {name for name in TALKING if name.endswith(" list")} | {
    "modules create",
    "packages publish",
    "devices versions",
    "fleet versions",
}


def options(command: Any) -> set[str]:
    return {spelling for param in command.params for spelling in param.opts}


def test_the_page_is_what_the_code_says() -> None:
    page = PAGE.read_text("utf-8")
    assert renewed(page) == page, "run: python -m tests.cli.reference"


def test_the_commands_are_those_that_were_promised() -> None:
    promised = """clouds list|check, backends list|show, products list, modules list|show|create|update|delete,
    packages list|show|create|publish|download|update|delete, devices list|versions|report, fleet versions|count,
    migrate plan|show|apply|resume|verify|report|undo, plugins list|new|check"""
    groups = dict(part.split() for part in promised.split(","))
    expected = {f"{group} {name}" for group, names in groups.items() for name in names.split("|")}
    assert set(COMMANDS) == expected | {"demo", "serve"}


@pytest.mark.parametrize("name", sorted(TALKING))
def test_a_command_that_talks_to_a_cloud_takes_the_common_options(name: str) -> None:
    assert {"--on", "--config", "--output", "--debug"} <= options(COMMANDS[name])
    (on,) = [param for param in COMMANDS[name].params if "--on" in param.opts]
    assert ("Repeatable" in on.help) == (name in REPEATABLE)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_is_made_of_sentences(name: str) -> None:
    command = COMMANDS[name]
    for words in (command.help, *(param.help for param in command.params)):
        assert words.strip()[0].isupper()
        assert words.strip().endswith(".")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_option_of_a_command_is_a_secret(name: str) -> None:
    secrets = ("secret", "password", "token", "key-", "-key-id")
    assert not [word for word in options(COMMANDS[name]) if any(part in word for part in secrets)]


def test_help_names_every_command_and_group(good: Ask, ask: Ask) -> None:
    out = good("--help").out
    assert all(f"\n  {name} " in out for name in (*GROUPS, "demo", "serve"))
    for group in GROUPS:
        words = good(group, "--help").out
        assert all(f"\n  {name.split()[1]} " in words for name in COMMANDS if name.startswith(f"{group} "))
    nothing = ask()  # which stream and exit code this has differs between versions of typer
    assert "Usage: otabridge" in nothing.out + nothing.err
    assert good("--version").out.startswith("otabridge ")
