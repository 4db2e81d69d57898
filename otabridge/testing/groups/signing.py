"""Signing: each attempt is signed anew, over the bytes that are sent, with any text in any place."""

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.testing.ground import TEXTS, Cloud
from otabridge.testing.groups.errors import sent
from otabridge.testing.groups.retry import answered, once
from otabridge.testing.suite import looks_behind
from otabridge.testing.things import Thing, Writing
from otabridge.wire import Request


def wire(request: Request) -> tuple[object, ...]:
    """What is compared of a request: all that is sent."""
    return request.method, request.target, request.headers, request.body


class Signing(Writing):
    """The facade checks signatures as the cloud does; the kit looks at what is sent."""

    @pytest.mark.parametrize("text", TEXTS)
    def test_any_text_is_signed_as_it_is_sent(self, cloud: Cloud, thing: Thing, text: str) -> None:
        limits = cloud.backend.limits.text
        texts = {name: cloud.own(f"{thing.kind}.{name}", text) for name in thing.texts}
        given = {
            name: own
            for name, own in texts.items()
            if not (limit := limits.get(f"{thing.kind}.{name}")) or limit.breach(own) is None
        }
        if not given:
            pytest.skip("the cloud has no field for this text")
        thing.make(**given)
        (row,) = thing.stored()
        assert {name: getattr(row, name) for name in given} == given

    def test_each_attempt_is_signed_anew(self, cloud: Cloud) -> None:
        sent(cloud)
        if not signs(cloud):
            pytest.skip("its signature depends on neither time nor chance")
        cloud.tape.sent.clear()
        cloud.tape.after = once(answered(503, retry_after="3"))
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        first, second = cloud.tape.sent[:2]
        assert first.operation == second.operation
        assert wire(first) != wire(second), "both attempts have one signature: leave signing to the engine"

    @looks_behind
    def test_each_request_is_signed_for_its_own_time(self, cloud: Cloud) -> None:
        for _ in range(2):
            cloud.rows(Op.LIST_MODULES, product=cloud.product)
            cloud.clock.wait(3600)

    def test_a_credential_is_fetched_once_and_its_secrets_are_told(self, cloud: Cloud) -> None:
        for _ in range(3):
            cloud.rows(Op.LIST_MODULES, product=cloud.product)
        fetched = [request for request in cloud.tape.sent if not request.auth]
        assert len({request.operation for request in fetched}) == len(fetched), "a credential is fetched twice"
        if fetched:
            credential = cloud.run(cloud.backend.credential())
            assert credential.secrets, "a token that is fetched is a secret: Credential(..., secrets=(token,))"
            assert credential.expires_at, "a token that is fetched has an end: Credential(..., expires_at=...)"

    def test_a_secret_is_in_no_request(self, cloud: Cloud) -> None:
        sent(cloud)
        if not signs(cloud):
            pytest.skip("its secret is what it sends")
        secrets = [text for text in cloud.backend.config.secrets() if len(text) > 8]
        for request in cloud.tape.sent:
            if request.auth:
                assert [
                    text for text in secrets if text in f"{request.target} {request.headers} {request.body!r}"
                ] == []


def signs(cloud: Cloud) -> bool:
    """Whether two requests that ask for the same differ, as those of a dialect with a time or a nonce do."""
    cloud.tape.sent.clear()
    for _ in range(2):
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        cloud.clock.wait(2)
    half = len(cloud.tape.sent) // 2
    return [wire(request) for request in cloud.tape.sent[:half]] != [
        wire(request) for request in cloud.tape.sent[half:]
    ]
