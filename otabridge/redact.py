"""Keeping secrets out of every text that leaves the library: messages, logs, traces."""

import base64
import json
import logging
import re
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import quote
from weakref import WeakSet

MASK = "***"
SHORTEST = 4  # a shorter secret would mask ordinary text


class Redactor:
    """Replaces known secrets, and their percent-encoded, base64 and JSON forms, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(secrets)

    def __repr__(self) -> str:
        return "<redactor>"

    def add(self, secrets: Iterable[str]) -> None:
        """Learn more secrets."""
        for secret in secrets:
            if len(secret) >= SHORTEST:
                self._forms |= _forms(secret)
        if self._forms:
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def clean(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def clean_cut(self, text: str) -> str:
        """The text without secrets, where it may break off in the middle of one."""
        text = self.clean(text)
        for start in range(len(text) - SHORTEST + 1):
            if any(form.startswith(text[start:]) for form in self._forms):
                return text[:start] + MASK
        return text


def _forms(secret: str) -> set[str]:
    once = {quote(secret, safe=""), quote(secret, safe="~"), quote(secret, safe="/~"), quote(secret, safe="/")}
    twice = {quote(form, safe="") for form in once}
    data = secret.encode()
    encoded = {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()}
    stripped = {form.rstrip("=") for form in encoded}
    return {secret, secret[::-1], json.dumps(secret)[1:-1]} | once | twice | encoded | stripped


class _HideSecrets(logging.Filter):
    """HTTP libraries log headers of answers, and what they could not read or send: a token there is not yet known."""

    redactors: ClassVar["WeakSet[Redactor]"] = WeakSet()
    _TOKEN = re.compile(r"(b'[^']*token[^']*', b')[^']*", re.IGNORECASE)

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = self._TOKEN.sub(r"\1***", message)
        for redactor in list(self.redactors):
            masked = redactor.clean(masked)
        if masked != message:
            record.msg, record.args = masked, ()
        return True


def hide_in_logs(redactor: Redactor, names: Iterable[str]) -> None:
    """Hide what a redactor knows, and what looks like a token, in these loggers."""
    _HideSecrets.redactors.add(redactor)
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(known, _HideSecrets) for known in logger.filters):
            logger.addFilter(_HideSecrets())
