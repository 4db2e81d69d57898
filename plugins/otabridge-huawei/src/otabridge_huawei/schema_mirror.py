"""What a facade reads and writes: the mirror of schema.py, over the same tables of names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from otabridge.plugin import Pairs, broken
from otabridge_huawei import schema_names as names
from otabridge_huawei.schema_names import written
from otabridge_huawei.signing import sdk_date
from otabridge_huawei.tables import DIGEST

Json = dict[str, Any]
# A limited field of the core -> the member that a client calls it by.
FIELDS: Mapping[str, str] = {
    "app.id": names.MODULE["app"],
    "product.id": names.PRODUCT["id"],
    **{f"module.{word}": names.MODULE[word] for word in ("id", "name", "alias", "description")},
    **{f"package.{word}": names.PACKAGE[word] for word in ("id", "version", "source_versions", "description")},
    "package.custom_info": names.PACKAGE["custom_info"],
    **{f"object.{word}": names.LOCATION[word] for word in ("region", "bucket", "key")},
    "artifact.name": names.LOCATION["key"],
    "artifact.checksum": names.LOCATION["digest"],
    "device.id": names.DEVICE["id"],
    "device.name": names.DEVICE["name"],
}


def text(value: Json) -> bytes:
    """An answer's body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# --- what a client asks -----------------------------------------------------------------------------------------------

_ASKED = {name: word for word, name in names.QUERY.items()}


def asked(query: Pairs) -> dict[str, str]:
    """The parameters of a query that are known, by our words."""
    return {_ASKED[name]: value for name, value in query if name in _ASKED}


def json_body(body: bytes) -> Json | None:
    """A body as a JSON object, or None if it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def members(spelled: names.Names, value: Json, *, strict: bool = False) -> Json:
    """The members of an object by our words, without those that are null. `strict` refuses unknown ones."""
    unknown = sorted(value.keys() - spelled.values())
    if strict and unknown:
        raise broken(unknown[0], "a member that this call knows", "", "leave it out")
    return {word: value[name] for word, name in spelled.items() if value.get(name) is not None}


def texts(spelled: names.Names, value: Json, *needed: str) -> dict[str, str]:
    """The members that must be texts, those `needed` among them. ValidationError names the first that is none."""
    for word in (*needed, *value):
        if not isinstance(value.get(word), str):
            rule = "a text" if word in value else "required"
            raise broken(spelled[word], rule, "", "give it as a text")
    return value


def lies(value: object) -> dict[str, str]:
    """A package's file location, by our words."""
    place = value.get(names.OBJECT) if isinstance(value, dict) else None
    if not isinstance(place, dict):
        raise broken(f"{names.PACKAGE['location']}.{names.OBJECT}", "required", "", "say where the object lies")
    return texts(names.LOCATION, members(names.LOCATION, place), "region", "bucket", "key")


# --- what it is told --------------------------------------------------------------------------------------------------


def told(spelled: names.Names, row: object, *words: str, **more: Any) -> Json:
    """A core row as the vendor writes it: the fields in `words`, and `more`, which counts before the row."""
    values = {word: getattr(row, word) for word in words} | more
    values["created_at"] = values.get("created_at") and sdk_date(values["created_at"])
    return written(spelled, values)


def extended(moment: datetime) -> str:
    """The other form of times, with milliseconds: 2023-02-11T12:12:12.122Z."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:23]}Z"


def location(digest: str | None, **place: str) -> Json:
    """A package's file location."""
    said = {"digest": digest, "method": DIGEST if digest else None}
    return {names.OBJECT: written(names.LOCATION, place | said)}


def listing(kind: str, rows: Sequence[Json], *, count: int, marker: str | None) -> Json:
    """A page of a list. On an empty one the marker is null (unverified)."""
    return {kind: rows, "page": {names.PAGE["count"]: count, names.PAGE["marker"]: marker}}


def found(rows: Sequence[Json]) -> Json:
    """What a search gives; it is not counted."""
    return {"devices": rows}


def counted(number: int) -> Json:
    """What a search for a count gives."""
    return {names.PAGE["count"]: number}


def reported(versions: Mapping[str, str]) -> list[Json]:
    """A device's modules."""
    return [written(names.REPORTED, {"module": module, "version": version}) for module, version in versions.items()]


def error(code: str, message: str, request_id: str | None = None) -> Json:
    """The body of an error; the gateway repeats the request id in it."""
    member, words = names.ERROR_SHAPES[0]
    return {words: message, member: code} | ({names.REQUEST_ID: request_id} if request_id else {})


# --- the identity service ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who asks for a token, and for which project: by its id, by its name, or by neither."""

    user: str
    password: str = field(repr=False)
    domain: str
    project: str | None = None
    project_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryKey:
    """The token that a temporary key is asked with, and for how long."""

    token: str | None = field(repr=False)
    seconds: int | None


def login(body: Json) -> Login | None:
    """What a login says, or None if it is not understood."""
    match body:
        case {
            "auth": {
                "identity": {
                    "password": {
                        "user": {"name": str(user), "password": str(password), "domain": {"name": str(domain)}}
                    }
                },
                **rest,
            }
        }:
            match rest.get("scope"):
                case {"project": {"id": str(project)}}:
                    return Login(user=user, password=password, domain=domain, project=project)
                case {"project": {"name": str(name)}}:
                    return Login(user=user, password=password, domain=domain, project_name=name)
                case None | {"domain": _}:
                    return Login(user=user, password=password, domain=domain)
    return None


def temporary_key(body: Json) -> TemporaryKey | None:
    """What is asked of a temporary key, or None if it is not understood."""
    match body:
        case {"auth": {"identity": {"methods": ["token"], **rest}}}:
            asked = rest.get("token") or {}
            token, seconds = (asked.get(name) if isinstance(asked, dict) else 0 for name in ("id", names.DURATION))
            whole = seconds is None or (isinstance(seconds, int) and not isinstance(seconds, bool))
            if whole and (token is None or isinstance(token, str)):
                return TemporaryKey(token=token, seconds=seconds)
    return None


def token(*, user: str, domain: str, project: Json, issued: datetime, ends: datetime) -> Json:
    """What is told of a token (unverified in detail); the token itself goes in a header."""
    home = {"name": domain, "id": project["id"]}
    who = {"name": user, "id": project["id"], "domain": home}
    times = {"issued_at": iso(issued), "expires_at": iso(ends)}
    return {"token": times | {"methods": ["password"], "project": project | {"domain": home}, "roles": [], "user": who}}


def projects(found: str, name: str) -> Json:
    """The one project of a region."""
    return {"projects": [{"id": found, "name": name, "enabled": True}]}


def credential(access: str, secret: str, token: str | None, ends: datetime) -> Json:
    """A temporary key."""
    return {"credential": {"access": access, "secret": secret, "securitytoken": token, "expires_at": iso(ends)}}


def identity_error(status: int, message: str, title: str) -> Json:
    """The body of an error of the identity service (unverified)."""
    return {"error": {"code": status, "message": message, "title": title}}


def iso(at: datetime) -> str:
    """A time as the identity service writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
