"""What a person is told of a refused call: the mistake in words, the facts that show it, and two texts side by side."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from itertools import zip_longest

from otabridge.facade import Reason
from otabridge.serve.record import Entry
from otabridge.wire import http_date

FOLDED = 80  # a longer line is shown in pieces, one a parameter
PIECES = 400  # of a text; what follows is compared as one, since the time grows with the square


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """What a refusal means, what to look at, and which parameters and headers of the call show it."""

    meaning: str
    look: tuple[str, ...]
    shown: str = "(?!)"


_KEYS = r"access_?key(_?id)?$|credential$|^authorization$"
_TIMES = r"(^|-)(date|timestamp|expires)$"

HELP: Mapping[Reason, Help] = {
    "no credential": Help(
        meaning="The call carries neither a signature nor a token that this API knows.",
        look=(
            "Was the client given an access key and a secret key, or a token?",
            "Does a proxy or a redirect on the way drop headers?",
        ),
        shown=rf"{_KEYS}|token$|signature$",
    ),
    "unknown key": Help(
        meaning="The call names an access key that this server does not know.",
        look=(
            "Compare the key that was sent with the key of this server, letter by letter.",
            "Keys are made anew at each start, unless OTABRIDGE_SERVE_ACCESS_KEY and its secret are set.",
            "Does the client take its key from another variable, file or profile than you think?",
        ),
        shown=_KEYS,
    ),
    "bad signature": Help(
        meaning="The server signed its text, which is below, with the secret key, and got another signature.",
        look=(
            "Let your client print the text that it signs, and compare it below: the first difference is the mistake.",
            "If the texts are equal, the secret key differs, or what is made of it before signing.",
            "If a header is in one text alone, look at which headers your client says that it signed, and their order.",
            "If a value differs, look at how it is encoded: space, `*`, `~`, `/`, `+`, and letters beyond ASCII.",
        ),
        shown=rf"{_KEYS}|signature|signedheaders|^host$|^content-(type|md5|length)$|sha256$|{_TIMES}",
    ),
    "bad time": Help(
        meaning="The time in the call is too far from the server's, or is no time.",
        look=(
            "Compare both times below: whole hours apart mean a time zone, since the time must be UTC.",
            "Otherwise set the clock of the machine that signs.",
            "If the time is right, look at how it is written.",
        ),
        shown=_TIMES,
    ),
    "nonce used": Help(
        meaning="A call with this nonce was made already: each is good once.",
        look=(
            "A retry must be signed anew, with a fresh nonce and time.",
            "Make nonces of enough chance: the time in milliseconds repeats under load.",
        ),
        shown=r"nonce",
    ),
    "bad token": Help(
        meaning="The token of the call is none that this server knows, or belongs to another key.",
        look=(
            "A token comes with a key pair of its own: use the three together.",
            "With --strict only tokens that this server issued are taken, and they end with its process.",
        ),
        shown=rf"{_KEYS}|token$",
    ),
    "expired token": Help(
        meaning="The token of the call was good once, and is no longer.",
        look=("Get a new token, and get one again before each ends.",),
        shown=rf"token$|{_TIMES}",
    ),
    "no such call": Help(
        meaning="This API has no such call.",
        look=(
            "Look at method, path and the name of the action: their letters' case counts.",
            "Is the call meant for another facade's port?",
        ),
        shown=r"action$|version$",
    ),
    "bad request": Help(meaning="The call could not be read.", look=("The message names what is missing or wrong.",)),
    "throttled": Help(
        meaning="There were more calls than the quota allows.",
        look=("Space the calls, or wait and repeat.", "`otabridge serve --quota off` switches the quota off."),
    ),
    "too large": Help(meaning="The body is larger than this API takes.", look=("Ask for less at once.",)),
    "unavailable": Help(
        meaning="The store behind the facade did not answer.", look=("Look at the store, then repeat the call.",)
    ),
    "failed": Help(
        meaning="The server failed at this call, which is its own mistake.",
        look=("The server's log has the reason: please report it.",),
    ),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to look at: whose it is, its name and value."""

    place: str
    name: str
    value: str


def facts(entry: Entry, reason: Reason | None, access_key: str) -> list[Fact]:
    """What shows the mistake: the parameters and headers that matter, and what the server would have had."""
    if reason is None:
        return []
    matters = re.compile(HELP[reason].shown, re.IGNORECASE).search
    sent = [Fact("parameter", *pair) for pair in entry.parameters] + [Fact("header", *pair) for pair in entry.headers]
    found = [fact for fact in sent if matters(fact.name)]
    if reason == "unknown key":
        found.append(Fact("server", "access key", access_key))
    if reason == "bad time":
        times = [(fact.name, then) for fact in found if (then := _moment(fact.value))]
        found.append(Fact("server", "time", f"{entry.clock:%Y-%m-%dT%H:%M:%SZ}"))
        found += [Fact("difference", name, _apart(then, entry.clock)) for name, then in times]
    return found


def _moment(text: str) -> datetime | None:
    try:
        if text.isascii() and text.isdigit() and len(text) in (10, 13):
            return datetime.fromtimestamp(int(text[:10]), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return http_date(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _apart(then: datetime, now: datetime) -> str:
    seconds = round((then - now).total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    spelled = f"{hours} h {rest // 60} min {rest % 60} s" if hours else f"{rest // 60} min {rest % 60} s"
    return f"{spelled} {'before' if seconds < 0 else 'after'} the server's time" if seconds else "none"


# --- two texts side by side -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """A piece of one text; `marked` is where it differs from the other's."""

    before: str = ""
    marked: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A piece of both texts, or of one; `number` is the line where it begins a line."""

    number: int | None
    expected: Side | None
    received: Side | None
    same: bool


def compare(expected: str, received: str) -> list[Row]:
    """Both texts in pieces, side by side, what is alike on one level."""
    fold = max(map(len, f"{expected}\n{received}".split("\n"))) > FOLDED
    left, right = _pieces(expected, fold), _pieces(received, fold)
    texts = [text for _, text in left], [text for _, text in right]
    rows: list[Row] = []
    for kind, a, b, c, d in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        for ours, theirs in zip_longest(left[a:b], right[c:d]):
            sides = _sides(ours and ours[1], theirs and theirs[1])
            number = ours[0] if ours else theirs and theirs[0]
            rows.append(Row(number=number, expected=sides[0], received=sides[1], same=kind == "equal"))
    return rows


def first_difference(expected: str, received: str) -> str:
    """Where the texts part, in words."""
    if expected == received:
        return "The two texts are equal: the mistake is in the secret key, or in what is made of the text with it."
    if expected.startswith(f"{received}\n") or expected.endswith(f"\n{received}"):
        return "The client's text is equal to a part of the server's: compare the other part too."
    lines, first = expected.split("\n"), received.split("\n")[0]
    # What the client printed may begin further on in what the server shows.
    skipped = lines.index(first) if first in lines else 0
    compared = "\n".join(lines[skipped:])
    place = len(_shared(compared, received))
    line, column = compared.count("\n", 0, place) + 1 + skipped, place - compared.rfind("\n", 0, place)
    ours, theirs = (_spoken(text[place : place + 1]) for text in (compared, received))
    return f"They part at line {line}, character {column}: the server has {ours}, the client {theirs}."


def _pieces(text: str, fold: bool) -> list[tuple[int | None, str]]:
    pieces: list[tuple[int | None, str]] = []
    for number, line in enumerate(text.split("\n") if text else (), 1):
        first, *rest = re.split("(?<=&)(?=.)|(?<=%26)(?=.)", line) if fold else [line]
        pieces += [(number, first), *((None, piece) for piece in rest)]
    if len(pieces) > PIECES:
        pieces[PIECES:] = [(None, "".join("\n" * bool(number) + piece for number, piece in pieces[PIECES:]))]
    return pieces


def _sides(ours: str | None, theirs: str | None) -> tuple[Side | None, Side | None]:
    if ours is None or theirs is None:
        return Side(marked=ours) if ours is not None else None, Side(marked=theirs) if theirs is not None else None
    before = len(_shared(ours, theirs))
    after = len(_shared(ours[before:][::-1], theirs[before:][::-1]))
    cut = [(text[:before], text[before : len(text) - after], text[len(text) - after :]) for text in (ours, theirs)]
    return Side(*cut[0]), Side(*cut[1])


def _shared(one: str, other: str) -> str:
    """What both begin with."""
    differing = (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
    return one[: next(differing, min(len(one), len(other)))]


_SPOKEN = {
    "": "the end of the text",
    "\n": "the end of a line",
    " ": "a space",
    "\t": "a tab",
    "\r": "a carriage return",
}


def _spoken(character: str) -> str:
    if character in _SPOKEN:
        return _SPOKEN[character]
    if character.isascii() and character.isprintable():
        return f"“{character}”"
    return unicodedata.name(character, f"character {ord(character):04X}").lower()
