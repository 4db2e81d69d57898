"""What becomes of one call: it is read, verified, let through or not, performed over the store, and recorded."""

import asyncio
import logging
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from otabridge.errors import OtaBridgeError
from otabridge.facade import Answer, Asked, Call, Facade
from otabridge.flow import Flow
from otabridge.serve.faults import NOTHING, Breaks, Faults, Strike
from otabridge.serve.quota import Throttle
from otabridge.serve.record import Entry, Record
from otabridge.serve.shrinking import shrinking
from otabridge.serve.working import Worker

log = logging.getLogger("otabridge.serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, the server's time as its client shall see it, and what becomes of the connection instead."""

    answer: Answer
    at: datetime
    breaks: Breaks = ""


class Desk:
    """One facade at work. Calls that write are performed one at a time over all the desks that share `writing`."""

    def __init__(
        self,
        facade: Facade,
        runner: Worker,
        *,
        record: Record,
        writing: asyncio.Lock,
        faults: Faults,
        throttle: Throttle,
    ) -> None:
        self.facade = facade
        self.faults = faults
        self.record = record
        self._runner = runner
        self._writing = writing
        self._throttle = throttle

    async def handle(self, call: Call) -> Reply:
        """The reply to one call, whatever happens."""
        facade, world = self.facade, self.facade.site.world
        entry = Entry(at=call.now, facade=facade.name, method=call.method, path=call.path)
        began = world.monotonic()
        strike = NOTHING
        try:
            asked = facade.read(call)
            entry.operation = asked.operation
            strike = self.faults.strike(facade.name, asked.operation, call.now)
            entry.fault = str(strike)
            if strike.delay:
                await world.asleep(strike.delay)
            call = strike.skewed(call)
            answer = strike.instead(facade, call) or await self._answered(call, asked, entry, strike)
            self.faults.remember(facade.name, asked.operation, answer)
        except Exception:
            log.exception("%s: a call of %s was not understood", facade.name, entry.operation or "an unknown operation")
            answer = facade.refuse(call, "failed")
        entry.status, entry.code = answer.status, answer.code
        entry.seconds = world.monotonic() - began
        self.record.add(entry, call, facade.site)
        return Reply(answer=answer, at=call.now, breaks=strike.breaks)

    def too_large(self, call: Call) -> Reply:
        """The reply to a call whose body is not read."""
        entry = Entry(at=call.now, facade=self.facade.name, method=call.method, path=call.path)
        answer = self.facade.refuse(call, "too large")
        entry.status, entry.code = answer.status, answer.code
        self.record.add(entry, call, self.facade.site)
        return Reply(answer=answer, at=call.now)

    async def _answered(self, call: Call, asked: Asked, entry: Entry, strike: Strike) -> Answer:
        facade = self.facade
        verdict = entry.verdict = facade.verify(call, asked)
        if verdict.refusal:
            return facade.refuse(call, verdict.refusal, verdict.message, verdict=verdict)
        if not asked.operation:
            return facade.refuse(call, "no such call")
        if not self._throttle.admits(verdict.account, asked.operation):
            return facade.refuse(call, "throttled")
        if strike.shrinks:
            facade.site.changes += 1  # what was remembered of a list holds no longer
        with shrinking() if strike.shrinks else nullcontext():
            return await self._performed(call, asked)

    async def _performed(self, call: Call, asked: Asked) -> Answer:
        if not asked.write:
            return await self._run(call, asked)
        async with self._writing:
            try:
                return await self._run(call, asked)
            finally:
                self.facade.site.changes += 1

    async def _run(self, call: Call, asked: Asked) -> Answer:
        flow = Flow(self.facade.perform(call, asked), asked.operation)
        try:
            return await self._runner.run(flow, quick=not asked.write)
        except OtaBridgeError as error:
            return self.facade.explain(call, asked, error)
