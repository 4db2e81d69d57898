"""Recordings: what a vendor publishes, or a server once answered, is sent as it stands there, and read as it is meant.

A cassette is a YAML file as vcrpy writes it: `interactions`, each a `request` (method, uri, body) and a `response`.
"""

import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml  # type: ignore[import-untyped]

from otabridge._exchange import Exchange as Engine
from otabridge.testing.clock import Clock
from otabridge.testing.ground import MOST_PAGES
from otabridge.testing.suite import Exchange, Suite
from otabridge.testing.tape import Deck
from otabridge.wire import Request, Response

MASKED = ("", "PLACEHOLDER", "REDACTED", "***", "…")  # stands for a secret, or for what is made of one


class Recorded(Suite):
    """These need neither a facade nor a network: `--otabridge-target=cassette` runs them alone."""

    def test_an_exchange_is_sent_and_read_as_recorded(self, otabridge_exchange: str, colour: str) -> None:
        cls = type(self)
        assert cls.cassettes is not None, "say where the cassettes are: cassettes = Path(...)"
        wanted = cls.exchanges[otabridge_exchange]
        interactions = yaml.safe_load((cls.cassettes / otabridge_exchange).read_text("utf-8"))["interactions"]
        kind = self.kind_of()
        backend = kind(kind.settings(**cls.recorded), world=Clock().world)
        deck = Deck(Engine(backend), colour)
        left = iter(interactions)

        def played(request: Request) -> Response:
            record = next(left, None)
            assert record is not None, f"a request that is not on record: {request.method} {request.target}"
            assert shape(request.method, request.target, request.body, cls.varying) == recorded(record, cls.varying)
            return answer(record["response"])

        deck.tape.before = played
        try:
            result = told(deck, backend, wanted)
        except Exception as error:
            if isinstance(wanted.result, type) and isinstance(error, wanted.result):
                return
            raise
        finally:
            deck.close()
        assert result == wanted.result
        assert [each["request"]["uri"] for each in left] == [], "requests on record were not sent"


def told(deck: Deck, backend: Any, wanted: Exchange) -> Any:
    """What an operation returns; of a list every row, its pages walked."""
    operation = getattr(backend, str(wanted.operation))
    if not str(wanted.operation).startswith("list_"):
        return deck.run(operation(**wanted.arguments))
    rows: list[Any] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = deck.run(operation(**wanted.arguments, cursor=cursor))
        rows += page.items
        cursor = page.cursor
        if cursor is None:
            break
    return rows


def shape(method: str, target: str, body: bytes | str | None, varying: frozenset[str]) -> tuple[Any, ...]:
    """What is compared of a request: method, path, parameters but those that vary, and what the body says."""
    parts = urlsplit(target)
    pairs = Counter(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in varying)
    return method, parts.path or "/", pairs, said(body)


def recorded(record: dict[str, Any], varying: frozenset[str]) -> tuple[Any, ...]:
    """The same of a recorded request."""
    request = record["request"]
    query = parse_qsl(urlsplit(request["uri"]).query, keep_blank_values=True)
    masked = frozenset(name for name, value in query if value in MASKED[1:]) - varying
    assert not masked, f"name what varies: varying = frozenset({sorted(masked)})"
    return shape(request["method"], request["uri"], request.get("body"), varying)


def said(body: bytes | str | None) -> Any:
    """A body as JSON if it is that, else as text."""
    text = body.decode("utf-8") if isinstance(body, bytes) else body or ""
    try:
        return json.loads(text)
    except ValueError:
        return text


def answer(response: dict[str, Any]) -> Response:
    """A recorded response."""
    headers = {name.lower(): values[0] for name, values in (response.get("headers") or {}).items()}
    body = (response.get("body") or {}).get("string") or ""
    return Response(response["status"]["code"], headers, body.encode() if isinstance(body, str) else body)


def exchanges(cls: type[Any]) -> list[Any]:
    """The parameters of the test: the files that a class names."""
    names = sorted(getattr(cls, "exchanges", {}))
    skip = pytest.mark.skip(reason="the class names no exchanges on record: exchanges = {...}")
    return names or [pytest.param("", marks=skip)]
