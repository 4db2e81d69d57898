"""An invented cloud: a signed header dialect with JSON envelopes, a token on request, and lists by position."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, SecretStr

from otabridge.plugin import (
    CONTRACT,
    NATIVE,
    ApiError,
    AuthenticationError,
    Backend,
    Capability,
    Complaint,
    ConflictError,
    Credential,
    HttpSettings,
    Module,
    ModuleVersion,
    NotFoundError,
    Package,
    Page,
    Quota,
    RateLimitError,
    Reader,
    Request,
    Response,
    ServerError,
    Steps,
    World,
    aliased,
    decode,
    flow,
    json_object,
    send,
    settled,
)

LAG = 5.0
HOME = "https://acme.test"


class AcmeSettings(HttpSettings):
    """`login` makes the backend fetch a token before its first call."""

    endpoint: str = HOME
    key: SecretStr = SecretStr("acme-key")
    security_token: SecretStr | None = None
    login: bool = False


@dataclass(frozen=True, slots=True)
class AcmeSigner:
    """HMAC over method, target, date, nonce and body."""

    key: bytes = field(repr=False)
    token: str = field(default="", repr=False)

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        request = request.on_wire()
        date = now.isoformat()
        text = "\n".join((request.method, request.target, date, nonce)).encode() + request.body
        signature = hmac.new(self.key, text, hashlib.sha256).hexdigest()
        signed = (("X-Date", date), ("X-Nonce", nonce), ("X-Signature", signature))
        token = (("X-Token", self.token),) if self.token else ()
        return replace(request, headers=(*request.headers, *signed, *token))

    def __reduce__(self) -> Any:
        raise TypeError("a signer holds a key and cannot be pickled")


class Rows(BaseModel):
    """The envelope of a list."""

    rows: tuple[aliased(Module, product="p", name="n"), ...]
    next: str | None = None
    total: int | None = None


class Grant(BaseModel):
    """What a login gives."""

    token: SecretStr
    lifetime: float


GRANT = Reader(Grant)
MODULE = Reader(aliased(Module, product="p", name="n"))
ROWS = Reader(Rows)


class AcmeBackend(Backend):
    """The invented cloud's dialect. `ask` sends any request; the operations are those that tests need."""

    name: ClassVar[str] = "acme"
    contract: ClassVar[int] = CONTRACT
    settings = AcmeSettings
    capabilities = dict.fromkeys(
        (
            Capability.LIST_MODULES,
            Capability.LIST_PACKAGES,
            Capability.LIST_MODULE_VERSIONS,
            Capability.GET_MODULE,
            Capability.CREATE_MODULE,
        ),
        NATIVE,
    )
    quotas: ClassVar[Mapping[str, Quota]] = {}
    ERRORS: ClassVar[Mapping[str, type[ApiError]]] = {
        "throttled": RateLimitError,
        "expired": AuthenticationError,
        "badclock": AuthenticationError,
        "gone": NotFoundError,
        "taken": ConflictError,
        "broken": ServerError,
    }
    STALE = frozenset({"expired"})

    def __init__(self, config: AcmeSettings, *, world: World | None = None) -> None:
        super().__init__(config, world=world)
        self.config: AcmeSettings = config

    def request(self, operation: str, path: str, **parts: Any) -> Request:
        return Request(operation=operation, origin=self.config.endpoint, path=path, **parts)

    def complaint(self, request: Request, response: Response) -> Complaint | None:
        said = json_object(response)
        if said is None or "error" not in said:
            return None
        return Complaint(said["error"], said.get("message", "no"), said.get("id"))

    @flow
    def credential(self) -> Steps[Credential]:
        key = self.config.key.get_secret_value().encode()
        fixed = self.config.security_token.get_secret_value() if self.config.security_token else ""
        if not self.config.login:
            return Credential(AcmeSigner(key, fixed), secrets=(fixed,) if fixed else ())
        login = json.dumps({"key": self.config.key.get_secret_value()}).encode()
        request = self.request("Login", "/login", method="POST", body=login, auth=False)
        granted = decode(GRANT, request, (yield from send(request)))
        token, until = granted.token.get_secret_value(), self.world.now() + timedelta(seconds=granted.lifetime)
        return Credential(AcmeSigner(key, token), expires_at=until, secrets=(token,))

    @flow
    def ask(self, *, request: Request) -> Steps[Response]:
        return (yield from send(request))

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        query = tuple((name, value) for name, value in (("product", product), ("at", cursor)) if value is not None)
        request = self.request("ListModules", "/modules", query=query)
        found = decode(ROWS, request, (yield from send(request)))
        return Page(found.rows, found.next, found.total)

    @flow
    def get_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[Module]:
        request = self.request("GetModule", f"/modules/{name}")
        module: Module = decode(MODULE, request, (yield from send(request)))
        return module

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        body = json.dumps({"p": product, "n": name}).encode()
        request = self.request("CreateModule", "/modules", method="POST", body=body, read=False)

        def look() -> Steps[Module | None]:
            try:
                return (yield from self.get_module(product=product, name=name))
            except NotFoundError:
                return None

        return (yield from settled(request, look, read=lambda reply: decode(MODULE, request, reply), lag=LAG))

    def list_packages(self, **_: Any) -> Any:
        return self._nothing(Package)

    def list_module_versions(self, **_: Any) -> Any:
        return self._nothing(ModuleVersion)

    @flow
    def _nothing(self, row: type) -> Steps[Page[Any]]:
        yield from ()
        return Page(())
