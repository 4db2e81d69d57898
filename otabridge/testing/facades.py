"""The conformance kit for facades: calls that the cloud's own backend has signed are spoilt, and must be refused."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar, get_args

import pytest

from otabridge import errors as err
from otabridge._connect import prepare
from otabridge._runners import Runner
from otabridge.backend import Backend
from otabridge.capabilities import Capability as Op
from otabridge.facade import Account, Answer, Asked, Call, Facade, Reason, Site, Table
from otabridge.flow import Flow
from otabridge.objects import Stored
from otabridge.registry import Registry
from otabridge.serve.kept import Keeper
from otabridge.testing.ground import CANARY, Cloud, Ground
from otabridge.testing.groups.errors import sent
from otabridge.testing.groups.signing import signs
from otabridge.testing.suite import Suite
from otabridge.wire import Request

REASONS: tuple[Reason, ...] = get_args(Reason)
OURS = {"failed", "unavailable"}  # reasons that are the server's
ERRORS: tuple[type[err.OtaBridgeError], ...] = (
    *(err.NotFoundError, err.ConflictError, err.QuotaExceededError, err.InvalidRequestError),
    *(err.RateLimitError, err.UnsupportedError, err.ValidationError, err.PagingError),
)
SCRAPS = b"aZ09/&?=%+-_.:;,{}[]\"' \x00\xff\xe9\n"


class Mirror:
    """A facade over a store in memory, asked as a host asks it."""

    def __init__(self, name: str, ground: Ground, *, strict: bool = False) -> None:
        _, exchange = prepare("memory:", {}, file=None, world=ground.clock.world)
        self._runner = Runner(exchange)
        self._clock = ground.clock
        self.site = Site(
            accounts=Table(10),
            master=Account(access_key="kit-key", secret_key=CANARY),
            world=ground.clock.world,
            kept=Keeper(None).table,
            objects=self,
            strict=strict,
        )
        self.facade: Facade = Registry().facade(name)(exchange.backend, self.site)

    def find(self, bucket: str, key: str) -> Stored | None:
        """No object is in the host's storage."""
        return None

    def call(self, request: Request, *, late: float = 0.0) -> Call:
        """A signed request as it arrives, `late` by so many seconds."""
        headers = {name.lower(): value for name, value in request.headers}
        headers.setdefault("host", request.origin.partition("//")[2])
        now = self._clock.now() + timedelta(seconds=late)
        return Call(
            method=request.method,
            target=request.target,
            headers=headers,
            body=request.body,
            now=now,
            id="0123456789abcdef0123456789abcdef",
            origin=request.origin,
        )

    def refusal(self, call: Call) -> Reason | None:
        """Why a call is not to be performed."""
        return self.facade.verify(call, self.facade.read(call)).refusal

    def answer(self, call: Call) -> Answer:
        """What a call is answered with."""
        asked = self.facade.read(call)
        try:
            return self._runner.run(Flow(self.facade.perform(call, asked), asked.operation))
        except err.OtaBridgeError as error:
            return self.facade.explain(call, asked, error)

    def close(self) -> None:
        self._runner.close()


class FacadeConformance(Suite):
    """Every test of a facade; `backend` names its cloud's backend, whose calls it must understand.

    `signed` says that the signature covers a call's target and body; left out, it does if no two calls are alike.
    `nonces` says that each nonce is good once, `request_ids` that the cloud names each request in its answers.
    """

    signed: ClassVar[bool | None] = None
    nonces: ClassVar[bool] = False
    request_ids: ClassVar[bool] = True

    @pytest.fixture
    def mirror(self, ground: Ground, kind: type[Backend]) -> Iterator[Mirror]:
        """The facade, without a host."""
        made = Mirror(type(self).facade or kind.name, ground)
        yield made
        made.close()

    @pytest.fixture
    def request_sent(self, ground: Ground) -> Iterator[Request]:
        """A call of the cloud's own backend, as it was sent."""
        cloud = ground.cloud()
        cloud.begin()
        yield self.sent(cloud)
        ground.close_clouds()

    def sent(self, cloud: Cloud) -> Request:
        """The last signed request that lists a product's modules."""
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        return [request for request in cloud.tape.sent if request.auth][-1]

    @pytest.fixture
    def signature(self, ground: Ground) -> None:
        """Skip the test where a signature says nothing of the call that it comes with."""
        signed = type(self).signed
        if signed is None:
            cloud = ground.cloud()
            sent(cloud)
            signed = signs(cloud)
            ground.close_clouds()
        if not signed:
            pytest.skip("a credential of this dialect says nothing of its call: signed = False")

    def test_an_honest_call_is_performed(self, mirror: Mirror, request_sent: Request) -> None:
        call = mirror.call(request_sent)
        assert mirror.refusal(call) is None
        assert mirror.answer(call).status == 200

    def test_a_call_without_a_signature_is_refused(self, mirror: Mirror, request_sent: Request) -> None:
        call = mirror.call(replace(request_sent, target=request_sent.path, headers=()))
        assert mirror.refusal(call)

    @pytest.mark.usefixtures("signature")
    @pytest.mark.parametrize("part", ["target", "method", "body"])
    def test_a_call_that_was_changed_on_its_way_is_refused(
        self, mirror: Mirror, request_sent: Request, part: str
    ) -> None:
        if part == "body" and not request_sent.body:
            pytest.skip("the call has no body")
        call = mirror.call(request_sent)
        changed = {
            "target": replace(call, target=changed_target(call)),
            "method": replace(call, method="DELETE"),
            "body": replace(call, body=b"changed"),
        }[part]
        refused = mirror.refusal(changed) or not mirror.facade.read(changed).operation
        assert refused, f"another {part} was taken for what the client has signed"

    @pytest.mark.usefixtures("signature")
    def test_a_call_that_comes_an_hour_late_is_refused(self, mirror: Mirror, request_sent: Request) -> None:
        assert mirror.refusal(mirror.call(request_sent, late=3600))
        assert mirror.refusal(mirror.call(request_sent, late=-3600))

    def test_a_call_that_comes_twice_is_refused(self, mirror: Mirror, request_sent: Request) -> None:
        if not type(self).nonces:
            pytest.skip("a call of this dialect has no nonce: nonces = False")
        assert mirror.refusal(mirror.call(request_sent)) is None
        assert mirror.refusal(mirror.call(request_sent))

    def test_a_stranger_s_key_is_refused(self, mirror: Mirror, request_sent: Request) -> None:
        mirror.site.master = Account(access_key="another", secret_key="another-secret-of-nobody")  # noqa: S106
        assert mirror.refusal(mirror.call(request_sent))

    def test_a_verdict_holds_no_secret(self, mirror: Mirror, request_sent: Request) -> None:
        for call in (
            mirror.call(request_sent),
            replace(mirror.call(request_sent), target=request_sent.target + "&a=1"),
        ):
            assert CANARY not in str(vars_of(mirror.facade.verify(call, mirror.facade.read(call))))

    @pytest.mark.parametrize("reason", REASONS)
    def test_a_refusal_is_an_error_of_the_cloud(self, mirror: Mirror, request_sent: Request, reason: Reason) -> None:
        call = mirror.call(request_sent)
        answer = mirror.facade.refuse(call, reason, "the words of the host")
        assert 500 <= answer.status < 600 if reason in OURS else 400 <= answer.status < 500
        assert answer.code or answer.body, "a refusal says nothing"
        assert CANARY not in f"{answer.headers} {answer.body!r}"

    @pytest.mark.parametrize("reason", REASONS)
    def test_a_refusal_names_its_request(self, mirror: Mirror, request_sent: Request, reason: Reason) -> None:
        if not type(self).request_ids:
            pytest.skip("this cloud has no request ids: request_ids = False")
        call = mirror.call(request_sent)
        answer = mirror.facade.refuse(call, reason, "the words of the host")
        named = call.id in f"{answer.headers} {answer.body!r}".replace("-", "").lower()
        assert named, "no request id (call.id) is told; of a cloud that has none, say request_ids = False"

    @pytest.mark.parametrize("kind_of_error", ERRORS)
    def test_what_a_store_raises_is_an_error_of_the_client(
        self, mirror: Mirror, request_sent: Request, kind_of_error: type[err.OtaBridgeError]
    ) -> None:
        call = mirror.call(request_sent)
        error = kind_of_error("it cannot be")
        answer = mirror.facade.explain(call, mirror.facade.read(call), error)
        assert answer.status < 500
        assert answer.body, "an error has no body"
        assert answer.code, "an error has no code for the record"

    def test_nothing_that_comes_over_the_wire_raises(self, mirror: Mirror, request_sent: Request) -> None:
        chance = random.Random(20260301)
        honest = mirror.call(request_sent)
        for _ in range(500):
            call = scrambled(chance, honest)
            asked = mirror.facade.read(call)
            assert isinstance(asked, Asked)
            mirror.facade.verify(call, asked)

    def test_hints_are_texts(self, mirror: Mirror) -> None:
        assert all(isinstance(part, str) for pair in mirror.facade.hints().items() for part in pair)


def changed_target(call: Call) -> str:
    """The target with one parameter more."""
    return call.target + ("&" if "?" in call.target else "?") + "changed=1"


def vars_of(verdict: object) -> list[object]:
    """All that a verdict says."""
    return [getattr(verdict, name) for name in verdict.__dataclass_fields__]  # type: ignore[attr-defined]


def scrambled(chance: random.Random, call: Call) -> Call:
    """A call of which some part has become nonsense."""

    def scrap(text: str, encoding: str) -> str:
        raw = bytearray(text.encode("utf-8", "surrogateescape"))
        for _ in range(chance.randint(1, 6)):
            place = chance.randint(0, len(raw))
            raw[place : place + chance.randint(0, 3)] = bytes(chance.choices(SCRAPS, k=chance.randint(0, 4)))
        # As a host decodes what comes over the wire.
        return raw.decode(encoding, "surrogateescape")

    headers = {
        name: scrap(value, "utf-8") if chance.random() < 0.3 else value
        for name, value in call.headers.items()
        if chance.random() < 0.9
    }
    target = f"/{scrap(call.target, 'latin-1')[1:]}" if chance.random() < 0.6 else call.target
    body = bytes(chance.choices(SCRAPS, k=chance.randint(0, 40))) if chance.random() < 0.5 else call.body
    method = chance.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"])
    return replace(call, method=method, target=target, headers=headers, body=body)
