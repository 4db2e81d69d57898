"""Making a text legal at a destination: what it does not take is replaced, what is too long is cut.

The same text always becomes the same one, and a legal text stays as it is.
"""

import re
from functools import lru_cache
from hashlib import sha256

from otabridge.limits import Text

_SIGNS = ("_", "-", "")  # what may stand for a character that is not allowed, the first that is
_MARK = 6  # hex digits that tell two texts apart which were cut to the same


def breach(text: str, limit: Text | None) -> str | None:
    """What is wrong with a text: `length`, `characters`, or nothing."""
    if limit is None or (limit.breach(text) is None and not _halves(text)):
        return None
    long = limit.max_length is not None and _measured(text, limit) > limit.max_length
    return "length" if long or _measured(text, limit) < limit.min_length else "characters"


def fitted(text: str, limit: Text | None, *, seed: str | None = None) -> str | None:
    """The text as the destination takes it; None if nothing of it can be kept.

    With a `seed` a changed text ends in six hex digits of its digest, so that it differs from others.
    """
    if limit is None or breach(text, limit) is None:
        return text
    sign = next(sign for sign in _SIGNS if not sign or _stands(sign, limit.pattern))
    legal = "".join(each if _stands(each, limit.pattern) else sign for each in text)
    if seed is not None:
        return marked(legal, limit, seed)
    short = _trimmed(_cut(legal, limit, limit.max_length), limit)
    return short if short and limit.breach(short) is None else None


def marked(text: str, limit: Text | None, seed: str) -> str | None:
    """The text with six hex digits of the seed's digest behind it, cut to make room."""
    limit = limit or Text()
    digest = sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]
    sign = next(sign for sign in _SIGNS if not sign or _stands(sign, limit.pattern))
    room = None if limit.max_length is None else limit.max_length - _MARK - len(sign)
    stem = _trimmed(_cut(text, limit, room), limit)
    tries = (f"{stem}{sign}{digest}" if stem else digest, digest)
    return next((each for each in tries if limit.breach(each) is None), None)


def _measured(text: str, limit: Text) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if limit.utf16 else len(text)


def _cut(text: str, limit: Text, room: int | None) -> str:
    if room is None or _measured(text, limit) <= room:
        return text
    text = text[: max(room, 0)]
    while _measured(text, limit) > max(room, 0):
        text = text[:-1]
    return text


def _trimmed(text: str, limit: Text) -> str:
    """The text without what may stand inside a text and not at its ends."""
    while text and not _fits(f"{text[0]}a", limit.pattern):
        text = text[1:]
    while text and not _fits(f"a{text[-1]}", limit.pattern):
        text = text[:-1]
    return text


def _halves(text: str) -> bool:
    return any("\ud800" <= each <= "\udfff" for each in text)


@lru_cache(maxsize=10_000)
def _stands(each: str, pattern: str | None) -> bool:
    return not _halves(each) and _fits(f"a{each}a", pattern)


def _fits(text: str, pattern: str | None) -> bool:
    return pattern is None or re.fullmatch(pattern, text) is not None
