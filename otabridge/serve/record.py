"""The last calls of all facades, as a person may see them: without bodies, and without a secret in any text."""

import logging
import re
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from urllib.parse import quote

from otabridge.facade import Account, Call, Site, Verdict, decoded
from otabridge.redact import MASK, SHORTEST, Redactor
from otabridge.wire import Pairs

log = logging.getLogger("otabridge.serve")
REMEMBERED = 200
LONGEST = 20_000  # characters of a canonical text that are kept
SHORT = 1000  # of anything else
MOST = 100  # headers, or parameters

_SECRET = re.compile(r"secret|passw|(?<!client)token|signature$|cookie", re.IGNORECASE).search
_WORDS = ("secret", "passw", "token")
# In a text of any form: `name=value` encoded up to twice, `name:value`, and a member of a JSON object.
_NAMED = re.compile(
    r"((?:secret|passw|(?<!client)token)[\w.-]{0,20}(?:=|%3D|%253D|\"\s?:\s?\"|:\s?))"
    r"(?!\*\*\*)([^\0]+?)(?=%26|&|[\s\",;\0]|$)",
    re.IGNORECASE | re.MULTILINE,
)
# `Scheme ..., Signature=abc` and `Scheme key:signature`.
_SIGNED = re.compile(r"(signature=|^\w+ [^\s:,=]+:)([^\s,]+)", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class Entry:
    """One call. `number` counts the calls of one server from 1, `id` is the request id that the client was given.

    `at` is when it came, `clock` what the server took the time to be, which a fault may have changed.
    """

    at: datetime
    clock: datetime = field(init=False)
    facade: str
    method: str
    path: str
    parameters: Pairs = ()
    headers: Pairs = ()
    id: str = ""
    number: int = 0
    operation: str = ""
    verdict: Verdict = field(default_factory=Verdict)
    status: int = 0
    code: str = ""
    fault: str = ""
    seconds: float = 0.0


class Record:
    """The last calls, newest last, and how many there were of each facade.

    A call is cleaned of its secrets when somebody looks: that takes longer than most calls do.
    """

    def __init__(self) -> None:
        self._unread: deque[tuple[Entry, Call | None, Account | None]] = deque(maxlen=REMEMBERED)
        self._entries: deque[Entry] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._redactor: Redactor | None = None
        self._number = 0

    @property
    def entries(self) -> deque[Entry]:
        """The last calls, oldest first."""
        with self._lock:
            while self._unread:
                entry, call, account = self._unread.popleft()
                self._entries.append(self._cleaned(entry, call, account) if call else entry)
            return self._entries

    def add(self, entry: Entry, call: Call, site: Site) -> None:
        """Keep a call that is over."""
        self.calls[entry.facade] += 1
        self.refused[entry.facade] += bool(entry.verdict.refusal)
        self._number += 1
        entry.number = self._number
        what = entry.operation or "no operation"
        log.debug("%s, call %d: %s %s: %s %s", entry.facade, entry.number, entry.method, what, entry.status, entry.code)
        self._redactor = self._redactor or Redactor([site.master.secret_key])
        account = site.account(entry.verdict.account)
        if len(call.target) + len(call.body) > LONGEST:
            self._unread.append((self._cleaned(entry, call, account), None, None))  # what is large is cut at once
        else:
            self._unread.append((entry, call, account))

    def _cleaned(self, entry: Entry, call: Call, account: Account | None) -> Entry:
        parameters, headers = tuple(islice(_parameters(call), MOST)), call.headers.items()
        clean = self._cleaner(call, account, parameters)
        entry.id, entry.clock = call.id, call.now
        entry.path = clean(call.path, SHORT)
        entry.parameters, entry.headers = clean.pairs(parameters), clean.pairs(islice(headers, MOST))
        entry.verdict = replace(
            entry.verdict,
            message=clean(entry.verdict.message, SHORT),
            expected=clean(entry.verdict.expected, LONGEST),
            received=clean(entry.verdict.received, LONGEST),
        )
        return entry

    def find(self, number: int) -> Entry | None:
        """The call of that number, if it is still remembered."""
        return next((entry for entry in self.entries if entry.number == number), None)

    def _cleaner(self, call: Call, account: Account | None, parameters: Pairs) -> "_Cleaner":
        assert self._redactor is not None
        known = (account.secret_key, account.token or "") if account else ()
        return _Cleaner(self._redactor, [*known, *_secrets(call, parameters)])


class _Cleaner:
    """Cuts a text and takes the secrets of the server, and of one call, out of it."""

    def __init__(self, redactor: Redactor, secrets: Iterable[str]) -> None:
        self._redactor = redactor
        # A redactor of their own would have to be compiled for each call.
        self._forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        # So much more is cleaned than is kept, lest a cut leave the beginning of a secret.
        self._beyond = max([SHORT, *map(len, self._forms)])

    def __call__(self, text: str, most: int) -> str:
        shown = self._cleaned(text[: most + self._beyond])
        if len(text) > most + self._beyond:
            return f"{shown[: -self._beyond][:most]}…"
        return shown if len(shown) <= most else f"{shown[:most]}…"

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> Pairs:
        """Names and values as they may be shown. They are cleaned in one go: one by one takes thrice the time."""
        texts = [part.replace("\0", " ") for name, value in pairs for part in (name, _shown(name, value))]
        shown = [
            text if len(text) <= SHORT else f"{text[:SHORT]}…" for text in self._cleaned("\0".join(texts)).split("\0")
        ]
        return tuple(zip(shown[::2], shown[1::2], strict=False))

    def _cleaned(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MASK)
        text, low = self._redactor.clean(text), text.lower()
        # The pattern is slow, and most calls have none of its words.
        return _NAMED.sub(rf"\1{MASK}", text) if any(word in low for word in _WORDS) else text


def _forms(secret: str) -> Iterator[str]:
    once = quote(secret, safe="~", errors="replace")
    yield from (secret, once, quote(once, safe="~"))


def _shown(name: str, value: str) -> str:
    """The value of a parameter or header as it may be shown."""
    if name == "authorization":
        shown, masked = _SIGNED.subn(rf"\1{MASK}", value)
        return shown if masked else f"{value.partition(' ')[0]} {MASK}"
    return MASK if value and _SECRET(name) else value


def _secrets(call: Call, parameters: Pairs) -> Iterator[str]:
    """What a call itself shows to be secret: tokens and signatures of its query, headers and form."""
    for name, value in call.headers.items():
        if name == "authorization":
            yield from (found[2] for found in _SIGNED.finditer(value))
        elif _SECRET(name):
            yield value
    yield from (value for name, value in parameters if _SECRET(name))


def _parameters(call: Call) -> Iterator[tuple[str, str]]:
    """Those of the query, and those of a form that is not too large."""
    form = call.body if "x-www-form-urlencoded" in call.headers.get("content-type", "") else b""
    for text in (call.target.partition("?")[2], form.decode("latin-1") if len(form) <= LONGEST else ""):
        try:
            yield from decoded(text)
        except ValueError:
            yield "(too many parameters to be read)", ""
    if len(form) > LONGEST:
        yield "(a form too large to be shown)", ""
