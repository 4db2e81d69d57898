"""The contract's mirror: a facade answers one cloud's own requests from the operations of any backend.

It does no I/O. A host gives it each request as a `Call`, asks what is wanted (`read`) and whether it may be
(`verify`), runs the answer (`perform`, a flow over the store's operations) and sends it. What goes wrong becomes the
cloud's own error: `refuse` for what the host or the signature refuses, `explain` for what an operation raised.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Protocol, TypeVar
from urllib.parse import parse_qsl

from otabridge.backend import Backend
from otabridge.errors import OtaBridgeError
from otabridge.flow import Steps
from otabridge.limits import Limits
from otabridge.models import DEFAULT, FIRMWARE
from otabridge.pacing import Quota
from otabridge.signing import World
from otabridge.wire import Pairs

if TYPE_CHECKING:
    from otabridge.objects import ObjectDialect, Objects

K = TypeVar("K")
V = TypeVar("V")
PARAMETERS = 2000  # in one query or form; more than any call has, few enough to be read at once
REPEATABLE = timedelta(minutes=30)  # how long a signature could be good: 15 minutes ahead of its time and behind it

Reason = Literal[
    "no such call",
    "bad request",
    "no credential",
    "unknown key",
    "bad signature",
    "bad time",
    "nonce used",
    "bad token",
    "expired token",
    "throttled",
    "too large",
    "unavailable",
    "failed",
]

# The whole-device module of one cloud that means the same in another, unless somebody says otherwise.
TWINS: Mapping[str, str] = {DEFAULT: FIRMWARE, FIRMWARE: DEFAULT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it arrived. Header names are lower-case; `target` and `body` are as on the wire, unread.

    `now` is the server's time, `id` what becomes the request id, `origin` the `scheme://host:port` that was reached.
    """

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    now: datetime
    id: str
    origin: str

    @property
    def path(self) -> str:
        """The path, still encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> Pairs:
        """The query, decoded. ValueError if it has too many parameters."""
        return decoded(self.target.partition("?")[2])


def decoded(text: str) -> Pairs:
    """The pairs of a query or form, with `+` read as a space. ValueError if there are too many."""
    return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=PARAMETERS)) if text else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a call asks for: `operation` is the cloud's name of it, empty where it has none such.

    Calls with `write` are performed one at a time. `given` is what the facade has read of the call for itself.
    """

    operation: str
    write: bool = False
    given: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a call may be performed, and why not. Texts hold no secret key and no token.

    `expected` is the text that the server signed; `received` is what the client signed, as far as that can be told.
    """

    scheme: str = ""
    account: str = ""
    refusal: Reason | None = None
    message: str = ""
    expected: str = field(default="", repr=False)
    received: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes out. `code` is the cloud's error code, for the host's own record."""

    status: int = 200
    headers: Pairs = ()
    body: bytes = field(default=b"", repr=False)
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A key that may sign calls; a temporary one comes with a token and an end."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


class Table(Generic[K, V]):
    """A mapping of bounded size: what was used longest ago goes first."""

    def __init__(self, size: int) -> None:
        self._rows: OrderedDict[K, V] = OrderedDict()
        self._size = size

    def get(self, key: K) -> V | None:
        if key in self._rows:
            self._rows.move_to_end(key)
        return self._rows.get(key)

    def put(self, key: K, value: V) -> V:
        self._rows[key] = value
        self._rows.move_to_end(key)
        if len(self._rows) > self._size:
            self._rows.popitem(last=False)
        return value

    def drop(self, key: K) -> None:
        self._rows.pop(key, None)

    def clear(self) -> None:
        self._rows.clear()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)


class Nonces:
    """The nonces of a window of time, each good once; of more than `size` the oldest are forgotten first."""

    def __init__(self, window: timedelta, size: int = 100_000) -> None:
        self._window = window
        self._size = size
        self._order: deque[tuple[datetime, str]] = deque()
        self._spent: set[str] = set()

    def spend(self, nonce: str, now: datetime) -> bool:
        """Whether the nonce is fresh; from now on it is not."""
        while self._order and (len(self._order) > self._size or now - self._order[0][0] > self._window):
            self._spent.discard(self._order.popleft()[1])
        if nonce in self._spent:
            return False
        self._order.append((now, nonce))
        self._spent.add(nonce)
        return True


class Kept(Protocol):
    """A small table of texts that survives a restart where the host has a folder."""

    def __iter__(self) -> Iterator[str]: ...

    def get(self, key: str) -> str | None: ...

    def put(self, key: str, value: str) -> Steps[None]: ...


@dataclass(kw_only=True)
class Site:
    """What a host gives to its facades, and all that they remember.

    `accounts`, `tokens` and `nonces` end with the process. `kept` survives it where the host has a folder. `changes`
    counts the writes so far: what was remembered of a list before holds no longer. `strict` turns assumptions into
    refusals.
    """

    accounts: Table[str, Account]
    master: Account
    world: World
    kept: Callable[[str], Kept]
    objects: "Objects"
    strict: bool = False
    changes: int = 0
    # Digests of the tokens: to look one up tells nothing of it by the time that it takes.
    tokens: Table[str, datetime] = field(default_factory=lambda: Table(10_000), init=False, repr=False)
    nonces: Nonces = field(default_factory=lambda: Nonces(REPEATABLE), init=False, repr=False)

    def issue(self, token: str, ends: datetime) -> None:
        """Know a token from now on."""
        self.tokens.put(_digest(token), ends)

    def ends(self, token: str) -> datetime | None:
        """When a token ends or has ended; None if it was not issued here."""
        return self.tokens.get(_digest(token))

    def account(self, access_key: str) -> Account | None:
        """The account of a key, temporary ones included."""
        return self.master if access_key == self.master.access_key else self.accounts.get(access_key)


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Facade(ABC):
    """One cloud's dialect, spoken from the server's side, over any store.

    `limits` and `quotas` are those of the cloud that it imitates, and it enforces them whatever the store allows.
    """

    name: ClassVar[str]
    contract: ClassVar[int]
    limits: ClassVar[Limits] = Limits()
    quotas: ClassVar[Mapping[str, Quota]] = {}
    largest_body: ClassVar[int] = 1 << 20
    # The headers that ask a client to wait, as name -> how many of their units are a second.
    wait_headers: ClassVar[Mapping[str, int]] = {"Retry-After": 1}

    def __init__(self, store: Backend, site: Site) -> None:
        self.store = store
        self.site = site

    def __repr__(self) -> str:
        return f"<{self.name} facade over {self.store.name}>"

    @property
    def objects(self) -> "ObjectDialect | None":
        """The cloud's object storage, where it has one."""
        return None

    def hints(self) -> Mapping[str, str]:
        """What a client needs to know beside the address and the keys, such as a project id."""
        return {}

    @abstractmethod
    def read(self, call: Call) -> Asked:
        """What a call asks for, by its method, target, headers and body. It never raises."""

    @abstractmethod
    def verify(self, call: Call, asked: Asked) -> Verdict:
        """Whether the call is signed, fresh and by a known account. It never raises."""

    @abstractmethod
    def perform(self, call: Call, asked: Asked) -> Steps[Answer]:
        """Do what is asked. OtaBridgeErrors may be raised: `explain` tells them to the client."""

    @abstractmethod
    def refuse(
        self,
        call: Call,
        reason: Reason,
        message: str = "",
        *,
        verdict: Verdict | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> Answer:
        """The cloud's own error for a reason of the host's or a verdict's; `status` and `code` replace the usual."""

    @abstractmethod
    def explain(self, call: Call, asked: Asked, error: OtaBridgeError) -> Answer:
        """The cloud's own error for what an operation of the store raised."""

    def builtin(self, module: str) -> str:
        """A built-in module of this cloud as the store names it: as it is where the store has it, else by its twin."""
        twin = TWINS.get(module, module)
        # `@default` is preferred where a store has both, so that the same package is found through every facade.
        return min((name for name in (module, twin) if name in self.store.builtins), default=module)
