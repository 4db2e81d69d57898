"""What each view of the page shows. What the store refuses or cannot is told in words, in its place.

Lists are read one page at a time, by the store's own cursors: a view never reads more than it shows.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otabridge._runners import AsyncRunner
from otabridge.backend import Backend
from otabridge.capabilities import Capability
from otabridge.errors import NotFoundError, OtaBridgeError
from otabridge.facade import Site
from otabridge.models import Artifact, LocalLocation, ObjectLocation, UrlLocation
from otabridge.serve.page_help import HELP, compare, facts, first_difference
from otabridge.serve.page_start import first_call
from otabridge.wire import encoded_query

if TYPE_CHECKING:
    from otabridge.serve.server import Server

PREFIX = "/_otabridge"
ROWS = 50
PREVIEW = 10
PATIENCE = 15.0  # seconds for the store to answer a person
_NUMBER = re.compile(r"\d{1,18}", re.ASCII).fullmatch
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the page sees of a server."""

    server: "Server"
    site: Site
    runner: AsyncRunner

    @property
    def store(self) -> Backend:
        """The store behind the facades."""
        return self.runner.exchange.backend

    async def ask(self, operation: Capability, **arguments: Any) -> "Told":
        """What the store says to one operation."""
        try:
            async with asyncio.timeout(PATIENCE):
                return Told(await self.runner.run(getattr(self.store, operation.value)(**arguments)))
        except NotFoundError as error:
            return Told(trouble=str(error), missing=True)
        except OtaBridgeError as error:
            return Told(trouble=str(error))
        except TimeoutError:
            return Told(trouble=f"the store did not answer within {PATIENCE:.0f} s: look at it, then load this again")

    async def rows(self, operation: Capability, most: int, query: Query, **arguments: str | None) -> "Told":
        """One page of a list, at the cursor that was asked for."""
        cap = self.store.limits.page_size.get(operation, most)
        return await self.ask(operation, **arguments, cursor=query.get("cursor") or None, limit=min(most, cap))


@dataclass(frozen=True, slots=True)
class Told:
    """What the store said: a value, or the trouble in words."""

    value: Any = None
    trouble: str = ""
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A view, ready for its template."""

    template: str
    title: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


View = Callable[[Sight, Query], Awaitable[Shown]]


def link(view: str, **query: str | int | None) -> str:
    """The address of a view."""
    given = encoded_query((name, str(value)) for name, value in query.items() if value is not None)
    return f"{PREFIX}/{view}{'?' if given else ''}{given}"


# --- the server and its calls -----------------------------------------------------------------------------------------


async def overview(sight: Sight, query: Query) -> Shown:
    """The facades, how to reach them, and the last calls."""
    server = sight.server
    starts = {name: first_call(name, url, server.hints[name], server.access_key) for name, url in server.urls.items()}
    fired = Counter(hit.facade for hit in server.faults.fired)
    return Shown("overview.html", "Overview", {"entries": _latest(sight)[:PREVIEW], "fired": fired, "starts": starts})


async def requests(sight: Sight, query: Query) -> Shown:
    """The last calls, newest first; of one facade, or the refused ones alone."""
    facade, refused = query.get("facade"), bool(query.get("refused"))
    entries = [
        entry
        for entry in _latest(sight)
        if facade in (None, entry.facade) and (not refused or entry.verdict.refusal or entry.status >= 400)
    ]
    return Shown(
        "requests.html",
        "Requests",
        {"entries": entries, "facade": facade, "refused": refused, "refresh": bool(query.get("refresh"))},
    )


async def request(sight: Sight, query: Query) -> Shown:
    """One call: what was sent, the verdict, and what the server and the client signed."""
    number = query.get("number", "")
    entry = sight.server.record.find(int(number)) if _NUMBER(number) else None
    if entry is None:
        words = "This call is remembered no longer: a server keeps the last ones alone, and forgets all when it ends."
        return Shown("nothing.html", "Nothing here", {"words": words}, 404)
    verdict = entry.verdict
    reason = verdict.refusal or (None if entry.operation else "no such call")
    # A browser sends line ends as a form has them.
    pasted = query.get("mine", "").replace("\r\n", "\n")
    received = pasted or verdict.received
    return Shown(
        "request.html",
        f"Request {entry.number}",
        {
            "entry": entry,
            "help": HELP[reason] if reason else None,
            "reason": reason,
            "facts": facts(entry, reason, sight.server.access_key),
            "pasted": pasted,
            "rows": compare(verdict.expected, received),
            "parting": first_difference(verdict.expected, received) if received and reason else "",
        },
    )


async def faults(sight: Sight, query: Query) -> Shown:
    """The fault script: what has fired, and what waits."""
    script = sight.server.faults
    hits = script.fired
    told = [(fault, [hit for hit in hits if hit.fault is fault]) for fault in script]
    return Shown("faults.html", "Faults", {"script": told, "latest": hits[: -ROWS - 1 : -1]})


def _latest(sight: Sight) -> list[Any]:
    return list(reversed(sight.server.record.entries))


# --- the store --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the store: its title, operation, and what it can be narrowed to."""

    title: str
    operation: Capability
    narrowed: tuple[str, ...] = ()


LISTS = {
    "products": Listing("Products", Capability.LIST_PRODUCTS),
    "modules": Listing("Modules", Capability.LIST_MODULES, ("product",)),
    "packages": Listing("Packages", Capability.LIST_PACKAGES, ("product", "module")),
    "devices": Listing("Devices", Capability.LIST_DEVICES, ("product",)),
    "versions": Listing("Module versions of all devices", Capability.LIST_FLEET_VERSIONS, ("product",)),
}


def a_list(kind: str) -> View:
    """The view of one of the lists."""
    listing = LISTS[kind]

    async def view(sight: Sight, query: Query) -> Shown:
        of = {name: query.get(name) or None for name in listing.narrowed}
        told = await sight.rows(listing.operation, ROWS, query, **of)
        context = {"kind": kind, "of": of, "told": told, "cursor": query.get("cursor")}
        return Shown("list.html", listing.title, context, 404 if told.missing else 200)

    return view


async def product(sight: Sight, query: Query) -> Shown:
    """One product: the first of its modules, packages and devices."""
    name = query.get("id", "")
    kinds = ("modules", "packages", "devices")
    told = await asyncio.gather(*(sight.rows(LISTS[kind].operation, PREVIEW, {}, product=name) for kind in kinds))
    missing = all(part.missing for part in told)
    context = {"product": name, "parts": dict(zip(kinds, told, strict=True))}
    return Shown("product.html", f"Product {name}", context, 404 if missing else 200)


async def device(sight: Sight, query: Query) -> Shown:
    """One device, the versions of its modules, and all that it reported."""
    key = {"product": query.get("product") or None, "device": query.get("name") or None}
    named = key | {"device_id": query.get("id") or None}
    row = await sight.ask(Capability.GET_DEVICE, **named)
    versions = await sight.rows(Capability.LIST_MODULE_VERSIONS, ROWS, query, **named)
    past = {"cursor": query.get("history", "")}
    history = await sight.rows(Capability.LIST_VERSION_HISTORY, ROWS, past, **key)
    title = f"Device {query.get('name') or query.get('id') or ''}"
    context = {"row": row, "versions": versions, "history": history, "query": dict(query)}
    return Shown("device.html", title, context, 404 if row.missing or versions.missing else 200)


async def package(sight: Sight, query: Query) -> Shown:
    """One package, with its artifacts and their digests."""
    told = await sight.ask(Capability.GET_PACKAGE, package_id=query.get("id", ""))
    context = {"told": told, "id": query.get("id", ""), "located": located}
    return Shown("package.html", "Package", context, 404 if told.missing else 200)


def located(artifact: Artifact) -> str:
    """Where an artifact lies, without what makes a URL a key."""
    match artifact.location:
        case UrlLocation(url=url):
            parts = urlsplit(url)
            return f"{parts.scheme}://{parts.hostname}{parts.path}{'?…' if parts.query else ''}"
        case ObjectLocation(region=region, bucket=bucket, key=key):
            return f"{key} in bucket {bucket}, region {region}"
        case LocalLocation():
            return "in the local store"
    return ""


VIEWS: Mapping[str, View] = {
    "": overview,
    "requests": requests,
    "request": request,
    "faults": faults,
    "product": product,
    "device": device,
    "package": package,
    **{kind: a_list(kind) for kind in LISTS},
}
