"""Requests made from an OpenAPI description, right and wrong ones, each signed: every answer is one it allows."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from otabridge_huawei.signing import PlainSigner
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, not_a_server_error

from otabridge.serve import Server, running
from otabridge.wire import Request
from tests.support.scale import scaled

SCHEMA = schemathesis.openapi.from_path(Path(__file__).parent / "huawei.openapi.yaml")
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
ALLOWED = [
    not_a_server_error,
    *CHECKS.get_by_names(["status_code_conformance", "content_type_conformance", "response_schema_conformance"]),
]


class Signed(requests.auth.AuthBase):
    """Signs a request as it goes out."""

    def __init__(self, server: Server) -> None:
        self._signer = PlainSigner(server.access_key, server.secret_key)
        self._origin = server.url

    def __call__(self, request: Any) -> Any:
        place = urlsplit(request.url)
        body = request.body or b""
        asked = Request(
            operation="any",
            method=request.method,
            origin=self._origin,
            path=unquote(place.path),
            query=tuple(parse_qsl(place.query, keep_blank_values=True)),
            headers=tuple((name, value) for name, value in request.headers.items() if name == "Content-Type"),
            body=body.encode() if isinstance(body, str) else body,
        )
        signed = self._signer.sign(asked, now=datetime.now(UTC), nonce="")
        request.url = f"{self._origin}{signed.target}"
        request.headers.update(signed.headers)
        return request


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("huawei", seed="demo") as server:
        yield server


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.mark.parametrize("operation", OPERATIONS, ids=[found.label for found in OPERATIONS])
def test_every_answer_is_one_that_the_description_allows(
    server: Server, session: requests.Session, operation: Any
) -> None:
    seen: Counter[int] = Counter()
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    auth = Signed(server)

    @scaled(20, 10_000 // len(OPERATIONS))
    @given(st.one_of(right, wrong))
    def tried(case: Any) -> None:
        case.path_parameters["project_id"] = server.hints["huawei"]["project_id"]
        answer = case.call(base_url=server.url, session=session, auth=auth)
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=ALLOWED)

    tried()
    assert sum(count for status, count in seen.items() if status not in (401, 403)) > sum(seen.values()) / 2, seen
