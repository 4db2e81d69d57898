"""Faults on purpose: which call of which operation goes wrong, and how; and what of the script has happened.

A script is `[[fault]]` tables of a TOML file, or `Fault(...)` rows in Python. Each fault counts the calls that it could
hit, from 1, whoever made them and whatever became of them.
"""

import os
import tomllib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from otabridge.errors import ConfigurationError
from otabridge.facade import Answer, Call, Facade, Reason, Table

Kind = Literal["answer", "delay", "drop", "truncate", "lose", "throttle", "repeat", "shrink", "skew", "expire"]
Breaks = Literal["", "drop", "truncate"]
Script = str | os.PathLike[str] | Iterable["Fault"]

ANY = "*"
REMEMBERED = 1000
# What each kind needs beside the address, and what else it takes; every kind takes `delay`.
NEEDS: dict[Kind, tuple[str, ...]] = {"answer": ("status",), "delay": ("delay",), "skew": ("seconds",)}
_SAYS = ("status", "code", "message")
TAKES: dict[Kind, tuple[str, ...]] = {
    "answer": _SAYS,
    "throttle": (*_SAYS, "retry_after"),
    "expire": _SAYS,
    "skew": ("seconds",),
}
_OWN = {"seconds", "retry_after", *_SAYS}
REASONS: dict[Kind, Reason] = {"answer": "failed", "throttle": "throttled", "expire": "expired token"}
BREAKS: dict[Kind, Breaks] = {"drop": "drop", "lose": "drop", "truncate": "truncate"}
# These change how a call is answered; every other kind ends it, and a call ends once.
CHANGES = {"delay", "skew", "shrink"}
KINDS: tuple[Kind, ...] = get_args(Kind)
# Those that make sense for a call for objects.
OBJECT_KINDS = {*REASONS, *BREAKS, "delay", "skew"}


class Fault(BaseModel):
    """One thing that goes wrong, at the calls it is addressed to: of one facade or all, of one operation or all.

    Without `call` (one number) or `calls` (`2-4`, or `2-` to the end) it is every call; `times` limits how often.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field(description=f"one of: {' '.join(KINDS)}")
    facade: str | None = Field(None, min_length=1, description="a facade's name, or leave it out for all")
    operation: str = Field(ANY, min_length=1, description="the cloud's name of a call, or * for every call")
    call: int | None = Field(None, ge=1, description="the number of one call, from 1")
    calls: str | None = Field(None, pattern=r"^[1-9][0-9]{0,8}-([1-9][0-9]{0,8})?$", description='"2-4", or "2-"')
    times: int | None = Field(None, ge=1, description="how often at most, from 1")
    delay: float = Field(0.0, ge=0, le=86_400, allow_inf_nan=False, description="seconds, from 0")
    status: int | None = Field(None, ge=200, le=599, description="an HTTP status from 200 to 599")
    code: str | None = Field(None, min_length=1, description="the cloud's error code")
    message: str = Field("", description="a text")
    retry_after: int | None = Field(None, ge=0, description="whole seconds, from 0; or leave it out for no such header")
    seconds: float = Field(0.0, allow_inf_nan=False, ge=-1e9, le=1e9, description="how far the server's clock is ahead")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        given = self.model_fields_set
        missing = [name for name in NEEDS.get(self.kind, ()) if not getattr(self, name)]
        if missing:
            raise ValueError(f"a fault of kind {self.kind} needs {missing[0]}")
        foreign = sorted((given & _OWN) - {*TAKES.get(self.kind, ())})
        if foreign:
            raise ValueError(f"a fault of kind {self.kind} takes no {foreign[0]}: leave it out")
        if self.call is not None and self.calls is not None:
            raise ValueError("give call or calls, not both")
        first, last = self.range()
        if last is not None and last < first:
            raise ValueError(f"calls ends before it begins: {self.calls!r}")
        return self

    def range(self) -> tuple[int, int | None]:
        """The first and the last call."""
        if self.call is not None:
            return self.call, self.call
        first, _, last = (self.calls or "1-").partition("-")
        return int(first), int(last) if last else None

    @property
    def words(self) -> str:
        """What the client is told."""
        return self.message or "a fault of the script"

    def waited(self, answer: Answer, headers: Mapping[str, int]) -> Answer:
        """The answer of a throttle, with the `headers` of its cloud that ask to wait, or without any."""
        if self.kind != "throttle":
            return answer
        names = {name.lower() for name in headers}
        kept = tuple(pair for pair in answer.headers if pair[0].lower() not in names)
        seconds = self.retry_after
        wait = () if seconds is None else tuple((name, str(seconds * unit)) for name, unit in headers.items())
        return replace(answer, headers=(*kept, *wait))

    def __str__(self) -> str:
        """In words, as errors and the page have it."""
        operation = "any operation" if self.operation == ANY else self.operation
        which = f"call {self.call}" if self.call else f"calls {self.calls}" if self.calls else "every call"
        at = f"at {which} of {operation}" + (f" of {self.facade}" if self.facade else "")
        return f"{self.kind} {at}" + (f", {self.times} times at most" if self.times else "")


def read_script(script: Script) -> tuple[Fault, ...]:
    """The faults of a file, or those given. ConfigurationError names file, entry, field and mend."""
    if not isinstance(script, str | os.PathLike):
        faults = tuple(script)
        for fault in faults:
            if not isinstance(fault, Fault):
                raise ConfigurationError(f"faults: {fault!r} is none: give rows of Fault, or the path of a file")
        return faults
    path = Path(script).expanduser()
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}: name a file of faults") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from None
    entries = table.pop("fault", [])
    if table or not isinstance(entries, list):
        wrong = next(iter(table), "fault")
        raise ConfigurationError(f"{path}: {wrong} does not belong there: write each fault as a [[fault]] table")
    return tuple(_read(entry, f"{path}: fault {number}") for number, entry in enumerate(entries, 1))


def _read(entry: object, where: str) -> Fault:
    try:
        return Fault.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        raise ConfigurationError(f"{where}: no field is called {name}: there are {', '.join(Fault.model_fields)}")
    told = str(first["msg"]).removeprefix("Value error, ")
    if name:
        raise ConfigurationError(f"{where}, {name}: {told}: give {Fault.model_fields[name].description}")
    raise ConfigurationError(f"{where}: {told}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A fault that hit: when, and which call it was of those that the fault counts."""

    fault: Fault
    at: datetime
    facade: str
    operation: str
    call: int

    def __str__(self) -> str:
        return f"{self.fault.kind} at call {self.call} of {self.operation or 'an unknown operation'} of {self.facade}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What goes wrong with one call. `ends` is the fault that decides its answer, `again` what a repeat gives."""

    changes: tuple[Fault, ...] = ()
    ends: Fault | None = None
    again: Answer | None = field(default=None, repr=False)

    @property
    def delay(self) -> float:
        """Seconds before anything is done."""
        return sum(fault.delay for fault in self._all())

    @property
    def breaks(self) -> Breaks:
        """What becomes of the connection instead of the whole answer."""
        return BREAKS.get(self.ends.kind, "") if self.ends else ""

    @property
    def shrinks(self) -> bool:
        """Whether lists have lost their first row."""
        return any(fault.kind == "shrink" for fault in self.changes)

    def skewed(self, call: Call) -> Call:
        """The call, at the time that the server takes it to be."""
        off = sum(fault.seconds for fault in self.changes)
        return replace(call, now=call.now + timedelta(seconds=off)) if off else call

    def instead(self, facade: Facade, call: Call) -> Answer | None:
        """The answer to a call that shall not be performed; None if it shall."""
        fault = self.ends
        if fault is None or fault.kind in ("lose", "truncate"):
            return None
        if fault.kind == "drop":
            return Answer(status=0)
        if self.again is not None:
            return self.again
        refused = facade.refuse(call, REASONS[fault.kind], fault.words, status=fault.status, code=fault.code)
        return fault.waited(refused, facade.wait_headers)

    def __str__(self) -> str:
        return ", ".join(fault.kind for fault in self._all())

    def _all(self) -> Iterator[Fault]:
        yield from self.changes
        if self.ends:
            yield self.ends


NOTHING = Strike()


@dataclass(slots=True)
class _Count:
    fault: Fault
    seen: int = 0
    fired: int = 0

    def hits(self, facade: str, operation: str) -> bool:
        """Count a call; whether the fault is due at it."""
        fault = self.fault
        if fault.facade not in (None, facade) or fault.operation not in (ANY, operation):
            return False
        self.seen += 1
        first, last = fault.range()
        due = self.seen >= first and (last is None or self.seen <= last)
        return due and (fault.times is None or self.fired < fault.times)


class Faults:
    """A script at work, and its account: `fired` has the last of what hit, `pending` what never did."""

    def __init__(self, script: Script = ()) -> None:
        self._counts = [_Count(fault) for fault in read_script(script)]
        self._fired: deque[Fired] = deque(maxlen=REMEMBERED)
        self._repeats = any(count.fault.kind == "repeat" for count in self._counts)
        self._last: Table[tuple[str, str], Answer] = Table(REMEMBERED)

    def __bool__(self) -> bool:
        return bool(self._counts)

    def __iter__(self) -> Iterator[Fault]:
        return (count.fault for count in self._counts)

    @property
    def fired(self) -> list[Fired]:
        """What hit, oldest first."""
        return list(self._fired)

    @property
    def pending(self) -> list[Fault]:
        """The faults that have not hit yet."""
        return [count.fault for count in self._counts if not count.fired]

    def check(self) -> None:
        """AssertionError if a fault never fired: it names each."""
        if self.pending:
            raise AssertionError(f"never fired: {'; '.join(map(str, self.pending))}")

    def strike(self, facade: str, operation: str, at: datetime, *, kinds: Collection[Kind] = KINDS) -> Strike:
        """Count a call, and say what goes wrong with it; `kinds` are those that make sense for such a call."""
        if not self._counts:
            return NOTHING
        again = self._last.get((facade, operation)) if self._repeats else None
        changes: list[Fault] = []
        ends: Fault | None = None
        for count in self._counts:
            fault = count.fault
            if not count.hits(facade, operation) or fault.kind not in kinds:
                continue
            if fault.kind in CHANGES:
                changes.append(fault)
            elif ends is None and (fault.kind != "repeat" or again):
                ends = fault
            else:
                continue
            count.fired += 1
            self._fired.append(Fired(fault=fault, at=at, facade=facade, operation=operation, call=count.seen))
        return Strike(changes=tuple(changes), ends=ends, again=again if ends and ends.kind == "repeat" else None)

    def remember(self, facade: str, operation: str, answer: Answer) -> None:
        """Keep an answer, if the script may give it again."""
        if self._repeats and answer.status:
            self._last.put((facade, operation), answer)
