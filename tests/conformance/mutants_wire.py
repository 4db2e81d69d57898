"""Backends that ask wrongly, or take an answer for what it is not."""

import json
import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

from otabridge_action.backend import AliyunBackend, TuyaBackend
from otabridge_huawei.backend import HuaweiBackend

from otabridge.errors import ConflictError, InvalidRequestError, NotFoundError, OutcomeUnknownError, ServerError
from otabridge.flow import Steps, flow
from otabridge.models import Module, Page
from otabridge.testing.ground import CANARY
from otabridge.wire import Request
from tests.conformance.making import Kind, again, having, like, mutant, row, sending, signing, stepping

# --- errors -----------------------------------------------------------------------------------------------------------


@mutant(TuyaBackend)
def takes_success_false_for_success(base: Kind) -> Kind:
    return having(complaint=lambda self, request, response: None)(base)


@mutant(AliyunBackend)
def swallows_an_unknown_code(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            return error if error is None or (error.code or "").lower() in self.ERRORS else None

    return Mutant


@mutant(HuaweiBackend)
def swallows_server_errors(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            return None if isinstance(error, ServerError) else error

    return Mutant


@mutant(TuyaBackend)
def knows_no_conflicts(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            return InvalidRequestError(str(error)) if isinstance(error, ConflictError) else error

    return Mutant


@mutant(HuaweiBackend)
def takes_every_404_for_a_missing_object(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            if response.status == 404:
                return NotFoundError("it is not there")
            return super().judge(request, response)

    return Mutant


@mutant(TuyaBackend)
def raises_what_json_raises(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            json.loads(response.body)["requestId"]
            return super().judge(request, response)

    return Mutant


@mutant(HuaweiBackend)
def tells_an_unknown_device_has_no_versions(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_module_versions")
        @flow
        def list_module_versions(self, **given: Any) -> Steps[Page[Any]]:
            try:
                return (yield from base.list_module_versions(self, **given))
            except NotFoundError:
                return Page(())

    return Mutant


@mutant(TuyaBackend)
def ignores_retry_after(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            if error is not None and hasattr(error, "retry_after"):
                error.retry_after = None
            return error

    return Mutant


# --- signing ----------------------------------------------------------------------------------------------------------


def once(signer: Any, request: Request, now: datetime, nonce: str) -> Request:
    key = (request.operation, request.path, request.query)
    return signer.kept.setdefault(key, signer.inner.sign(request, now=now, nonce=nonce))


row("signs_before_the_retry", TuyaBackend, signing(once))
row(
    "signs_with_one_nonce",
    AliyunBackend,
    signing(lambda signer, request, now, nonce: signer.inner.sign(request, now=now, nonce="0" * 32)),
)
row(
    "signs_with_the_time_of_its_first_call",
    HuaweiBackend,
    signing(
        lambda signer, request, now, nonce: signer.inner.sign(
            request, now=signer.kept.setdefault("now", now), nonce=nonce
        )
    ),
)
row(
    "encodes_a_tilde",
    TuyaBackend,
    signing(
        lambda signer, request, now, nonce: signer.inner.sign(
            replace(request, query=tuple((k, v.replace("~", "%7E")) for k, v in request.query)), now=now, nonce=nonce
        )
    ),
)
row(
    "sends_a_plus_for_a_space",
    TuyaBackend,
    signing(
        lambda signer, request, now, nonce: signer.inner.sign(
            replace(request, query=tuple((k, v.replace("+", " ")) for k, v in request.query)), now=now, nonce=nonce
        )
    ),
)


def leaking(signer: Any, request: Request, now: datetime, nonce: str) -> Request:
    signed = signer.inner.sign(request, now=now, nonce=nonce)
    return replace(signed, headers=(*signed.headers, ("X-Debug", str(getattr(signer.inner, "_secret", CANARY)))))


row("sends_its_secret", TuyaBackend, signing(leaking))


# --- retries ----------------------------------------------------------------------------------------------------------


row("retries_a_create_blindly", TuyaBackend, stepping("create_module", again))
row("retries_a_delete_blindly", HuaweiBackend, stepping("delete_module", again))
row(
    "takes_a_create_for_a_read",
    HuaweiBackend,
    sending("create_module", lambda request: replace(request, read=True)),
)
row("takes_a_list_for_a_write", TuyaBackend, sending("list_modules", lambda request: replace(request, read=False)))
row(
    "takes_a_delete_for_a_read",
    HuaweiBackend,
    sending("delete_module", lambda request: replace(request, read=True)),
)


@mutant(HuaweiBackend)
def believes_whatever_it_finds_after_a_lost_create(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "create_module")
        @flow
        def create_module(self, **given: Any) -> Steps[Module]:
            try:
                return (yield from base.create_module(self, **given))
            except (ConflictError, OutcomeUnknownError):
                return (yield from base.get_module(self, product=given["product"], name=given["name"]))

    return Mutant


# --- pacing, lifecycle ------------------------------------------------------------------------------------------------

row(
    "names_its_requests_otherwise_than_its_rates",
    TuyaBackend,
    sending("list_modules", lambda request: replace(request, pace="Modules")),
)


@mutant(TuyaBackend)
def remembers_a_list_for_ever(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_modules")
        @flow
        def list_modules(self, **given: Any) -> Steps[Any]:
            known = self.__dict__.setdefault("_lists", {})
            key = tuple(sorted(given.items()))
            if key not in known:
                known[key] = yield from base.list_modules(self, **given)
            return known[key]

    return Mutant


@mutant(HuaweiBackend)
def cannot_be_closed_twice(base: Kind) -> Kind:
    class Mutant(base):
        def close(self) -> None:
            del self.config

    return Mutant


@mutant(HuaweiBackend)
def does_its_work_before_it_is_asked_to(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_modules")
        def list_modules(self, **given: Any) -> Any:
            return iter(base.list_modules(self, **given))

    return Mutant


# --- declaration, limits, hygiene -------------------------------------------------------------------------------------

row("checks_no_limits", TuyaBackend, having(admit=lambda self, operation, arguments: None))
row("shows_its_secret_in_repr", TuyaBackend, having(__repr__=lambda self: f"<{self.config.secrets()}>"))


@mutant(HuaweiBackend)
def writes_codes_in_capitals(base: Kind) -> Kind:
    return having(ERRORS={code.upper(): kind for code, kind in base.ERRORS.items()})(base)


@mutant(TuyaBackend)
def says_nothing_of_what_is_missing(base: Kind) -> Kind:
    return having(capabilities={op: it for op, it in base.capabilities.items() if it.level.usable})(base)


@mutant(HuaweiBackend)
def prints(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            print(response.status)
            return super().judge(request, response)

    return Mutant


@mutant(TuyaBackend)
def logs_its_secret(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            logging.getLogger("a.plugin").debug("%s", self.config.secrets())
            return super().judge(request, response)

    return Mutant
