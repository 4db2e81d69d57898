"""Retries: a read survives what passes, and a write is never made twice."""

import contextlib
from collections import Counter
from collections.abc import Callable

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import ApiError, ConnectError, OtaBridgeError, OutcomeUnknownError, ServerError, TransportError
from otabridge.testing.ground import Cloud
from otabridge.testing.groups.errors import sent
from otabridge.testing.suite import has
from otabridge.testing.things import Thing, Writing
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


class Retry(Writing):
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

    @pytest.mark.parametrize("spoil", [lost, answered(502), answered(504)])
    def test_a_create_whose_answer_is_lost_is_not_made_twice(self, cloud: Cloud, thing: Thing, spoil: Spoil) -> None:
        sent(cloud)
        before = len(cloud.tape.sent)
        cloud.tape.after = once(spoil, writes=True)
        field = thing.field()
        try:
            made = thing.make(**field)
        except OutcomeUnknownError:
            made = None
        else:
            assert {name: getattr(made, name) for name in field} == field, "what is told is not what was asked for"
        once_each(cloud, before)
        # A cloud that makes it in several steps may have been left in the middle.
        assert len(thing.stored()) in ({1} if made else {0, 1})

    def test_a_create_that_was_lost_and_is_there_otherwise_is_not_taken_for_ours(
        self, cloud: Cloud, thing: Thing
    ) -> None:
        other, mine = thing.field("Other"), thing.field("Mine")
        if not mine:
            pytest.skip(f"a {thing.kind} of this cloud has no text that could differ")
        sent(cloud)
        thing.lay(**other)
        cloud.settle()
        cloud.tape.after = once(lost, writes=True)
        with pytest.raises(OtaBridgeError):
            thing.make(**mine)

    def test_a_create_that_was_throttled_is_sent_again(self, cloud: Cloud, thing: Thing) -> None:
        sent(cloud)
        left = [1]

        def before(request: Request) -> Response | None:
            if request.read or not left[0]:
                return None
            left[0] = 0
            return Response(429, {"retry-after": "1"})

        cloud.tape.before = before
        thing.make()
        assert left == [0]

    def test_a_delete_whose_answer_is_lost_is_sent_once(self, cloud: Cloud, thing: Thing) -> None:
        has(type(cloud.backend), thing.remove)
        made = thing.make()
        cloud.settle()
        sent(cloud)
        before = len(cloud.tape.sent)
        cloud.tape.after = once(lost, writes=True)
        with contextlib.suppress(OutcomeUnknownError):
            thing.delete(made)
        once_each(cloud, before)
        assert thing.stored() == []

    def test_reads_and_writes_are_told_apart(self, cloud: Cloud, thing: Thing) -> None:
        sent(cloud)
        cloud.tape.sent.clear()
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert all(request.read for request in cloud.tape.sent), "a list is a read: say read=True where it is a POST"
        cloud.tape.sent.clear()
        made = thing.make()
        assert not all(request.read for request in cloud.tape.sent), (
            "a create is a write: say read=False where it is a GET"
        )
        if cloud.supports(thing.remove):
            cloud.settle()
            cloud.tape.sent.clear()
            thing.delete(made)
            assert not all(request.read for request in cloud.tape.sent), "a delete is a write"


def once_each(cloud: Cloud, before: int) -> None:
    """No write was sent again, though the first may have taken effect."""
    writes = Counter((request.operation, request.path) for request in cloud.tape.sent[before:] if not request.read)
    assert writes, "nothing was written"
    assert [each for each, count in writes.items() if count > 1] == [], "a write was sent again"
