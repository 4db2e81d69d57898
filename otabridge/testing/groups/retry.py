"""Retries: a read survives what passes, and a write is never made twice."""

import contextlib
from collections.abc import Callable

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import ApiError, ConnectError, OtaBridgeError, OutcomeUnknownError, ServerError, TransportError
from otabridge.testing.ground import Cloud
from otabridge.testing.groups.errors import sent
from otabridge.testing.suite import Suite, covers
from otabridge.wire import Request, Response

Spoil = Callable[[Request, Response], Response | Exception]


def once(spoil: Spoil, *, writes: bool = False) -> Spoil:
    """Spoil the first answer, or the first answer to a write."""
    left = [1]

    def after(request: Request, response: Response) -> Response | Exception:
        if not left[0] or (writes and request.read):
            return response
        left[0] = 0
        return spoil(request, response)

    return after


def lost(request: Request, response: Response) -> Exception:
    """The answer never comes."""
    return TransportError("the connection broke while the answer was awaited")


def answered(status: int, **headers: str) -> Spoil:
    """The cloud gives this status, and nothing else."""
    return lambda request, response: Response(status, {name.replace("_", "-"): text for name, text in headers.items()})


class Retry(Suite):
    """The engine decides what is sent again; a backend tells it the truth of each request, and never repeats one."""

    @pytest.mark.parametrize("spoil", [lost, answered(500), answered(502), answered(503)])
    def test_a_read_is_repeated(self, cloud: Cloud, spoil: Spoil) -> None:
        sent(cloud)
        expected = cloud.rows(Op.LIST_MODULES, product=cloud.product)
        before = len(cloud.tape.sent)
        cloud.tape.after = once(spoil)
        assert cloud.rows(Op.LIST_MODULES, product=cloud.product) == expected
        assert len(cloud.tape.sent) > before + 1

    def test_a_read_is_not_repeated_for_ever(self, cloud: Cloud) -> None:
        sent(cloud)
        before = len(cloud.tape.sent)
        cloud.tape.after = answered(503)
        with pytest.raises(ServerError):
            cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert len(cloud.tape.sent) - before <= 8

    @pytest.mark.parametrize("status", [400, 403, 404, 409])
    def test_what_the_cloud_refuses_is_asked_once(self, cloud: Cloud, status: int) -> None:
        sent(cloud)
        before = len(cloud.tape.sent)
        cloud.tape.after = answered(status)
        with pytest.raises(ApiError):
            cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert len(cloud.tape.sent) - before == 1, "a refusal is no reason to ask again"

    def test_retry_after_is_obeyed(self, cloud: Cloud) -> None:
        sent(cloud)
        cloud.tape.after = once(answered(429, retry_after="7"))
        before = cloud.clock.seconds
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert cloud.clock.seconds - before > 6.9, "the cloud asked to wait for 7 seconds"

    def test_what_never_reached_the_cloud_is_sent_again(self, cloud: Cloud) -> None:
        sent(cloud)
        left = [ConnectError("nobody answers")]
        cloud.tape.before = lambda request: left.pop() if left else None
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert left == []

    @covers(Op.CREATE_MODULE)
    @pytest.mark.parametrize("spoil", [lost, answered(502), answered(504)])
    def test_a_create_whose_answer_is_lost_is_not_made_twice(self, cloud: Cloud, spoil: Spoil) -> None:
        sent(cloud)
        before = len(cloud.tape.sent)
        cloud.tape.after = once(spoil, writes=True)
        alias = cloud.text("module.alias")
        try:
            made = cloud.do(Op.CREATE_MODULE, product=cloud.product, name="made_once", alias=alias)
        except OutcomeUnknownError:
            pass
        else:
            assert (made.name, made.alias) == ("made_once", alias), "what is told is not what was asked for"
        writes = [request for request in cloud.tape.sent[before:] if not request.read]
        assert len(writes) == 1, f"the create was sent {len(writes)} times, though the first may have taken effect"
        assert cloud.store
        assert [row.name for row in cloud.store.modules.list(product=cloud.product) if not row.builtin] == ["made_once"]

    @covers(Op.CREATE_MODULE)
    def test_a_create_that_was_lost_and_is_there_otherwise_is_not_taken_for_ours(self, cloud: Cloud) -> None:
        sent(cloud)
        assert cloud.store
        other, mine = (cloud.text("module.alias", text) for text in ("Other", "Mine"))
        cloud.store.modules.create("made_once", product=cloud.product, alias=other)
        cloud.settle()
        cloud.tape.after = once(lost, writes=True)
        with pytest.raises(OtaBridgeError):
            cloud.do(Op.CREATE_MODULE, product=cloud.product, name="made_once", alias=mine)

    @covers(Op.CREATE_MODULE)
    def test_a_create_that_was_throttled_is_sent_again(self, cloud: Cloud) -> None:
        sent(cloud)
        left = [1]

        def before(request: Request) -> Response | None:
            if request.read or not left[0]:
                return None
            left[0] = 0
            return Response(429, {"retry-after": "1"})

        cloud.tape.before = before
        cloud.do(Op.CREATE_MODULE, product=cloud.product, name="made_once", alias=cloud.text("module.alias"))
        assert left == [0]

    @covers(Op.DELETE_MODULE, Op.CREATE_MODULE)
    def test_a_delete_whose_answer_is_lost_is_sent_once(self, cloud: Cloud) -> None:
        cloud.do(Op.CREATE_MODULE, product=cloud.product, name="made_once", alias=cloud.text("module.alias"))
        cloud.settle()
        sent(cloud)
        before = len(cloud.tape.sent)
        cloud.tape.after = once(lost, writes=True)
        with contextlib.suppress(OutcomeUnknownError):
            cloud.do(Op.DELETE_MODULE, product=cloud.product, name="made_once")
        assert len([request for request in cloud.tape.sent[before:] if not request.read]) == 1
        assert cloud.store
        assert [row for row in cloud.store.modules.list(product=cloud.product) if not row.builtin] == []

    @covers(Op.CREATE_MODULE)
    def test_reads_and_writes_are_told_apart(self, cloud: Cloud) -> None:
        sent(cloud)
        cloud.tape.sent.clear()
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert all(request.read for request in cloud.tape.sent), "a list is a read: say read=True where it is a POST"
        cloud.tape.sent.clear()
        cloud.do(Op.CREATE_MODULE, product=cloud.product, name="made_once", alias=cloud.text("module.alias"))
        assert not all(request.read for request in cloud.tape.sent), (
            "a create is a write: say read=False where it is a GET"
        )
