"""What goes wrong: one line on stderr, a stable exit code, and nothing that was not asked for."""

import logging
from pathlib import Path

import pytest

from otabridge import errors as err
from otabridge.cli import errors
from tests.cli.conftest import Ask

KINDS = [
    ("ConfigurationError", 2),
    ("PluginLoadError", 2),
    ("ValidationError", 2),
    ("InvalidRequestError", 2),
    ("NotFoundError", 3),
    ("ConflictError", 4),
    ("AuthenticationError", 5),
    ("ForbiddenError", 5),
    ("UnsupportedError", 6),
    ("QuotaExceededError", 7),
    ("RateLimitError", 7),
    ("TransportError", 8),
    ("ConnectError", 8),
    ("RequestTimeoutError", 8),
    ("ServerError", 8),
    ("OutcomeUnknownError", 8),
    ("ApiError", 8),
    ("IntegrityError", 9),
    ("PagingError", 9),
    ("ProtocolError", 9),
    ("OtaBridgeError", 1),
]
LIST = ("modules", "list", "--on", "fake", "--product")


@pytest.mark.parametrize(("kind", "code"), KINDS)
def test_an_error_is_one_line_and_has_the_exit_code_of_its_class(ask: Ask, fake: Path, kind: str, code: int) -> None:
    ran = ask(*LIST, kind)
    assert (ran.code, ran.out) == (code, "")
    line, *hints = ran.err.splitlines()
    assert line.startswith(f"error: the cloud said {kind}\\x1b[31m in red")
    assert all(hint.startswith("hint: ") for hint in hints)
    assert len(hints) <= 1


def test_every_error_of_the_library_is_in_the_table_above() -> None:
    known = {name for name in vars(err) if name.endswith("Error")}
    assert known == {kind for kind, _ in KINDS}


def test_an_error_that_nobody_foresaw_does_not_show_its_text(ask: Ask, fake: Path) -> None:
    ran = ask(*LIST, "SomeError")
    assert ran.code == 1
    assert ran.err.splitlines()[0] == ("error: unexpected RuntimeError: this is a defect of otabridge or of a plugin")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("behind", [True, False])
def test_debug_shows_where_an_error_came_from_and_no_local_variable(
    ask: Ask, fake: Path, monkeypatch: pytest.MonkeyPatch, behind: bool
) -> None:
    monkeypatch.setenv("OTABRIDGE_FAKE_KEY", "canary-4711")
    words = (*LIST, "ServerError")
    ran = ask(*words, "--debug") if behind else ask("--debug", *words)
    assert ran.code == 8
    assert "Traceback" in ran.err
    assert "list_modules" in ran.err
    assert "canary-4711" not in ran.err
    assert "Traceback" not in ask(*words).err


def test_the_log_is_heard_during_a_command_and_forgotten_after_it(ask: Ask, fake: Path) -> None:
    log = logging.getLogger("otabridge")
    before = (list(log.handlers), log.level)
    ask("--debug", *LIST, "one")
    assert (list(log.handlers), log.level) == before


def test_a_warning_is_one_line_on_stderr(ask: Ask, fake: Path) -> None:
    ran = ask(*LIST, "warns", "--output", "jsonl")
    assert ran.code == 0
    assert ran.err == "warning: this is odd\n"
    assert len(ran.out.splitlines()) == 2


def test_a_log_message_of_the_library_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with errors.listening():
        errors.hear_log()
        logging.getLogger("otabridge").warning("a %s\nplugin", "broken")
        logging.getLogger("otabridge").debug("not asked for")
    logging.getLogger("otabridge").debug("nor this")
    assert capsys.readouterr().err == "warning: a broken plugin\n"


def test_without_on_the_configured_clouds_are_named(ask: Ask, fake: Path) -> None:
    ran = ask("products", "list")
    assert (ran.code, ran.out) == (2, "")
    assert "--on" in ran.err
    assert "fake, other" in ran.err


def test_an_unknown_cloud_is_a_configuration_error_before_anything_is_sent(ask: Ask, fake: Path) -> None:
    ran = ask(*LIST, "one", "--on", "nowhere")
    assert (ran.code, ran.out) == (2, "")
    assert "'nowhere'" in ran.err


def test_a_configuration_file_is_taken_from_where_config_says(good: Ask, ask: Ask, fake: Path, place: Path) -> None:
    (place / "otabridge.toml").rename(place / "mine.toml")
    assert ask(*LIST, "one").code == 2
    assert len(good(*LIST, "one", "--config", "mine.toml", "--output", "json").json) == 1
    assert ask(*LIST, "one", "--config", "gone.toml").code == 2


def test_a_limit_that_is_broken_is_told_with_field_value_and_rule(ask: Ask, fake: Path) -> None:
    ran = ask("modules", "create", "--on", "fake", "--product", "p", "--name", "much-too-long")
    assert ran.code == 2
    assert all(word in ran.err for word in ("module.name", "at most 8 characters", "much-too-long", "shorten it"))


def test_a_missing_capability_is_told_with_its_reason(ask: Ask, fake: Path) -> None:
    ran = ask("devices", "list", "--on", "fake")
    assert ran.code == 6
    assert "this cloud has no list of devices" in ran.err
    assert "backends show" in ran.err


@pytest.mark.parametrize("words", [("nonsense",), ("modules", "lst"), ("modules", "list", "--nonsense")])
def test_what_cannot_be_understood_is_one_line_with_a_hint(ask: Ask, words: tuple[str, ...]) -> None:
    ran = ask(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[0].startswith("error: ")
    assert "--help`" in ran.err.splitlines()[-1]


def test_an_interrupt_ends_a_command_with_130(ask: Ask, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("otabridge.connect", interrupted)
    assert ask(*LIST, "one").code == 130


def test_an_error_of_the_operating_system_names_the_file(ask: Ask, depot: tuple[str, str], place: Path) -> None:
    (place / "depot").write_text("a file where the store should be")
    ran = ask("modules", "list", *depot)
    assert ran.code != 0
    assert ran.out == ""
    assert "depot" in ran.err
