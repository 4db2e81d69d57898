"""Conditions on fetching an object: whether it is the one that a client means, or has already (RFC 9110, 13.2.2)."""

from collections.abc import Mapping

from otabridge.objects import Stored
from otabridge.plugin import http_date

UNCHANGED, UNMET = 304, 412


def unmet(headers: Mapping[str, str], stored: Stored) -> int | None:
    """The status that says which condition does not hold; None if all do."""
    modified = stored.modified.replace(microsecond=0)
    since, until = (http_date(headers.get(name)) for name in ("if-modified-since", "if-unmodified-since"))

    def named(name: str) -> bool:
        tags = (tag.strip().removeprefix("W/").strip('"') for tag in headers[name].split(","))
        return not {"*", stored.etag}.isdisjoint(tags)

    # A tag says more than a time, which is not looked at beside it.
    if "if-match" in headers:
        if not named("if-match"):
            return UNMET
    elif until and modified > until:
        return UNMET
    if "if-none-match" in headers:
        return UNCHANGED if named("if-none-match") else None
    return UNCHANGED if since and modified <= since else None
