"""An invented cloud's facade, and a way to serve it: small enough that a test of the host sees all of it."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest

from otabridge.errors import NotFoundError, OtaBridgeError
from otabridge.facade import Answer, Asked, Call, Facade, Reason, Verdict
from otabridge.flow import Steps
from otabridge.registry import Registry
from otabridge.serve import Server, running

STATUSES: dict[str, int] = {"no such call": 404, "failed": 500, "unavailable": 503, "throttled": 429}


class TinyFacade(Facade):
    """`GET /modules/<product>` lists; headers `x-key`, `x-date`, `x-nonce`, `x-signature` over four lines of text.

    It repeats in its verdict whatever is in the header `x-leak`, as a careless facade would.
    """

    name = "tiny"
    contract = 1

    def read(self, call: Call) -> Asked:
        _, what, *rest = call.path.split("/")
        return Asked(operation="ListModules" if what == "modules" else "", given={"product": unquote("/".join(rest))})

    def verify(self, call: Call, asked: Asked) -> Verdict:
        headers = call.headers
        text = "\n".join((call.method, call.path, headers.get("x-date", ""), headers.get("x-nonce", "")))
        key, leak = headers.get("x-key", ""), headers.get("x-leak", "")
        account = self.site.account(key)
        refusal: Reason | None = None
        if not key:
            refusal = "no credential"
        elif account is None:
            refusal = "unknown key"
        elif not hmac.compare_digest(signature(account.secret_key, text), headers.get("x-signature", "")):
            refusal = "bad signature"
        elif headers.get("x-date") and abs(datetime.fromisoformat(headers["x-date"]) - call.now) > timedelta(
            minutes=15
        ):
            refusal = "bad time"
        return Verdict(
            scheme="tiny",
            account=key,
            refusal=refusal,
            message=f"refused it is {leak}" if refusal else "",
            expected=text + (f"\n{leak}" if leak else ""),
            received=unquote(headers.get("x-text", "")),
        )

    def perform(self, call: Call, asked: Asked) -> Steps[Answer]:
        page = yield from self.store.list_modules(product=asked.given["product"])
        return Answer(body=json.dumps([module.name for module in page.items]).encode())

    def refuse(self, call: Call, reason: Reason, message: str = "", **kept: Any) -> Answer:
        status = STATUSES.get(reason, 403)
        return Answer(
            status=status, body=message.encode("utf-8", "replace"), code=f"Tiny.{reason.title().replace(' ', '')}"
        )

    def explain(self, call: Call, asked: Asked, error: OtaBridgeError) -> Answer:
        return Answer(status=404 if isinstance(error, NotFoundError) else 400, code=type(error).__name__)


def signature(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


@contextmanager
def tiny(**settings: Any) -> Iterator[Server]:
    """The invented cloud, served."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Registry, "facade", lambda self, name: TinyFacade)
            server = stack.enter_context(running("tiny", **settings))
        yield server


def headers(server: Server, path: str, *, secret: str = "", text: str = "", **more: str) -> dict[str, str]:
    """The headers of a call as a right client makes them, unless told otherwise."""
    more = {f"x-{name}": value for name, value in more.items()}
    signed = "\n".join(("GET", path, more.get("x-date", ""), more.get("x-nonce", "")))
    made = signature(secret or server.secret_key, text or signed)
    return {"x-key": server.access_key, "x-signature": made, "x-text": quote(text), **more}
