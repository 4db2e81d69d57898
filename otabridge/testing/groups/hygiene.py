"""Hygiene: no I/O, clock or chance of its own in a backend's code, no flow that is dropped, no secret that shows."""

import ast
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from otabridge.backend import Backend
from otabridge.capabilities import Capability as Op
from otabridge.errors import OtaBridgeError
from otabridge.testing.ground import Cloud
from otabridge.testing.groups.errors import sent
from otabridge.testing.groups.retry import Spoil, answered
from otabridge.testing.suite import Suite
from otabridge.wire import Request, Response

IO = {"httpx", "requests", "aiohttp", "urllib3", "http", "socket", "ssl", "asyncio", "threading", "subprocess"}
# What a World has, as module -> the names that are not to be used; an empty set stands for all of them.
WORLDLY = {
    "time": {"time", "monotonic", "sleep", "perf_counter", "time_ns"},
    "random": set(),
    "secrets": set(),
    "uuid": {"uuid1", "uuid4"},
}
NOW = {"now", "utcnow", "today"}


class Hygiene(Suite):
    """A backend that does I/O of its own cannot be tested, paced, retried or run in an event loop."""

    def test_it_does_no_io_of_its_own(self, kind: type[Backend]) -> None:
        found = [f"{place}: import {name}" for place, name in imported(kind) if name.partition(".")[0] in IO]
        assert found == [], "yield requests with `send`, and blocking work with `local`"

    def test_it_has_no_clock_and_no_chance_of_its_own(self, kind: type[Backend]) -> None:
        found = [
            place
            for place, node in nodes(kind)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (
                (node.value.id in WORLDLY and (not WORLDLY[node.value.id] or node.attr in WORLDLY[node.value.id]))
                or (node.value.id in ("datetime", "date") and node.attr in NOW)
            )
        ]
        assert found == [], "take time and chance from self.world: it is how tests, retries and signatures agree"

    def test_no_flow_is_dropped(self, kind: type[Backend]) -> None:
        flows = {"send", "settled", "local", *map(str, Op)}
        found = [
            place
            for place, node in nodes(kind)
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and (
                (isinstance(node.value.func, ast.Name) and node.value.func.id in flows)
                or (
                    isinstance(node.value.func, ast.Attribute)
                    and isinstance(node.value.func.value, ast.Name)
                    and node.value.func.value.id == "self"
                    and node.value.func.attr in flows
                )
            )
        ]
        assert found == [], "a flow that is not yielded from does nothing: write `yield from`"

    def test_nothing_is_printed(self, cloud: Cloud, capfd: pytest.CaptureFixture[str]) -> None:
        cloud.begin()
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert capfd.readouterr() == ("", "")

    def test_no_secret_shows(self, cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        shown = [repr(cloud.backend), repr(cloud.backend.config), str(cloud.backend.config)]
        secrets = [text for text in cloud.backend.config.secrets() if len(text) > 8]
        sent(cloud)
        spoilt: tuple[Spoil, ...] = (answered(401), answered(403), answered(500), repeating(secrets))
        for after in spoilt:
            cloud.tape.after = after
            try:
                cloud.rows(Op.LIST_MODULES, product=cloud.product)
            except OtaBridgeError as error:
                shown += [str(error), repr(error), *traceback.format_exception(error)]
        shown += [record.getMessage() for record in caplog.records]
        shown += [repr(request) for request in cloud.tape.sent]
        for secret in secrets:
            assert [text for text in shown if secret in text] == [], "a secret shows"

    def test_a_signer_and_a_credential_show_no_secret(self, cloud: Cloud) -> None:
        credential = cloud.run(cloud.backend.credential())
        shown = f"{credential!r} {credential.signer!r}"
        hidden = [text for text in (*cloud.backend.config.secrets(), *credential.secrets) if len(text) > 8]
        assert [text for text in hidden if text in shown] == [], "use field(repr=False), or a plain class"


def repeating(secrets: list[str]) -> Spoil:
    """A cloud that tells a secret back."""

    def after(request: Request, response: Response) -> Response:
        return Response(400, {"content-type": "text/plain"}, " ".join(secrets).encode())

    return after


def files(kind: type[Backend]) -> Iterator[Path]:
    """The files of the backend's own package, or its one module; a facade is a server, and has rules of its own."""
    module = sys.modules[kind.__module__]
    path = Path(str(module.__file__))
    package = "." in kind.__module__ and not kind.__module__.startswith("tests.")
    for file in sorted(path.parent.rglob("*.py")) if package else [path]:
        if not file.name.startswith("facade") and file.name != "hooks.py":
            yield file


def nodes(kind: type[Backend]) -> Iterator[tuple[str, ast.AST]]:
    """Every node of their syntax, with its place."""
    for path in files(kind):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield f"{path.name}:{getattr(node, 'lineno', 0)}", node


def imported(kind: type[Backend]) -> Iterator[tuple[str, str]]:
    """Every import, with its place."""
    for place, node in nodes(kind):
        if isinstance(node, ast.Import):
            yield from ((place, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield place, str(node.module)
