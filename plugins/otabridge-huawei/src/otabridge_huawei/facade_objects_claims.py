"""The signature of a request for objects as it is claimed: taken apart, not yet believed."""

from dataclasses import dataclass, field

from otabridge.facade import Call
from otabridge.plugin import http_date
from otabridge_huawei import obs_signing as signing

Query = list[tuple[str, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A request's signature, taken apart and not yet believed. `scope`, `names` and `payload` are of version 4."""

    scheme: str
    access_key: str
    signature: str = field(repr=False)
    url: bool = False
    date: str = ""
    expires: str = ""
    token: str = field(default="", repr=False)
    scope: str = ""
    names: tuple[str, ...] = ()
    payload: str = signing.UNSIGNED


def claimed(call: Call, query: Query) -> Claim | None:
    """The signature of a header, or else of the query."""
    headers, given = call.headers, {name: value or "" for name, value in query}
    authorization = headers.get("authorization", "")
    scheme, _, rest = authorization.partition(" ")
    if scheme == signing.V4:
        fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        access_key, _, scope = fields.get("Credential", "").partition("/")
        return Claim(
            scheme=scheme,
            access_key=access_key,
            signature=fields.get("Signature", ""),
            date=headers.get("x-amz-date") or _v4_date(headers.get("date")),
            token=headers.get("x-amz-security-token", ""),
            scope=scope,
            names=tuple(fields.get("SignedHeaders", "").lower().split(";")),
            payload=headers.get("x-amz-content-sha256", ""),
        )
    if scheme in signing.PREFIX:
        access_key, _, signature = rest.strip().rpartition(":")
        prefix = signing.PREFIX[scheme]
        date = headers.get(f"{prefix}date") or headers.get("date", "")
        token = headers.get(f"{prefix}security-token", "")
        return Claim(scheme=scheme, access_key=access_key, signature=signature, date=date, token=token)
    if authorization:
        return Claim(scheme=scheme[:40], access_key="", signature="")
    if "X-Amz-Signature" in given:
        access_key, _, scope = given.get("X-Amz-Credential", "").partition("/")
        return Claim(
            scheme=signing.V4,
            url=True,
            access_key=access_key,
            signature=given["X-Amz-Signature"],
            date=given.get("X-Amz-Date", ""),
            expires=given.get("X-Amz-Expires", ""),
            token=next((value for name, value in given.items() if name.lower() == "x-amz-security-token"), ""),
            scope=scope,
            names=tuple(given.get("X-Amz-SignedHeaders", "").lower().split(";")),
        )
    for legacy, name in signing.KEY_NAME.items():
        if name in given:
            return Claim(
                scheme=legacy,
                url=True,
                access_key=given[name],
                signature=given.get("Signature", ""),
                expires=given.get("Expires", ""),
                token=given.get(f"{signing.PREFIX[legacy]}security-token", ""),
            )
    return None


def _v4_date(date: str | None) -> str:
    moment = http_date(date)
    try:
        return signing.v4_date(moment) if moment else ""
    except OverflowError:  # a time at the end of the calendar that UTC does not have
        return ""
