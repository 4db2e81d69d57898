"""The page at `/_otabridge/`, for a person's browser: rendered here, without scripts and with nothing from elsewhere.

`page_views.py` has what it shows, `page_help.py` what it says of refused calls, `templates/` how it looks.
"""

import ipaddress
import logging
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from otabridge.redact import MASK, Redactor
from otabridge.serve.page_views import PREFIX, VIEWS, Shown, Sight, link

if TYPE_CHECKING:
    from jinja2 import Environment

log = logging.getLogger("otabridge.serve")
TEMPLATES = Path(__file__).parent / "templates"
FILES = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
STRANGER = "This page is for the computer that serves it, at a loopback address: it is shown to no other.\n"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Page:
    """The page of one server: every facade's port has it, and all show the same.

    It asks for no key, and so it answers to programs on this computer alone, whatever address is listened on.
    """

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._redactor = Redactor()
        secrets = (sight.site.master.secret_key, *sight.store.config.secrets())
        self._redactor.add([*secrets, *map(str, map(escape, secrets))])

    def routes(self) -> list[BaseRoute]:
        """What an application takes before the cloud's own API."""
        return [Route(PREFIX, lambda request: RedirectResponse(f"{PREFIX}/", 308)), Mount(PREFIX, app=self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope))
        response.headers.update(HEADERS)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if not (request.client and _local(request.client.host) and self._meant(request.headers.get("host", ""))):
            return PlainTextResponse(STRANGER, 403)
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("This page is for reading.\n", 405, headers={"Allow": "GET, HEAD"})
        name = request.scope["path"].removeprefix(f"{PREFIX}/")
        if name in FILES:
            return Response((TEMPLATES / name).read_bytes(), media_type=FILES[name])
        view = VIEWS.get(name)
        try:
            shown = await view(self._sight, request.query_params) if view else nothing("There is no such page.")
            return self._rendered(shown, name)
        except Exception:
            log.exception("the page %s could not be shown", name)
            return self._rendered(nothing("This page could not be shown: the server's log says why.", 500), name)

    def _rendered(self, shown: Shown, name: str) -> Response:
        template = _environment().get_template(shown.template)
        text = template.render(sight=self._sight, here=name, title=shown.title, **shown.context)
        # The last gate: whatever a text came from, a secret key of this server or of its store is not in it.
        body = self._redactor.clean(text).encode("utf-8", "replace")
        return Response(body, shown.status, media_type="text/html")

    def _meant(self, host: str) -> bool:
        """Whether a Host header is ours: a name that an attacker has made to point at this machine is not."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        ours = ("localhost", self._sight.server.serving.host.lower())
        return name in ours or name.endswith(".localhost") or _local(name)


def _local(address: str) -> bool:
    """Whether an address is this computer's own, in either notation of an IPv4 address."""
    try:
        return ipaddress.ip_address(address.removeprefix("::ffff:")).is_loopback
    except ValueError:
        return False


def nothing(words: str, status: int = 404) -> Shown:
    """A page that says why there is none."""
    return Shown("nothing.html", "Nothing here" if status == 404 else "Not shown", {"words": words}, status)


# --- how values are written -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    # Loaded with the first view: a server that no person looks at needs no templates.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["link"] = link
    made.filters |= {"when": when, "clock": clock, "size": size, "number": number, "visible": visible, "prose": prose}
    return made


def when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"


def number(count: int) -> str:
    return f"{count:,}"


def size(length: int | None) -> str:
    """Bytes as a person reads them."""
    if length is None:
        return ""
    value, unit = float(length), "bytes"
    for larger in ("KiB", "MiB", "GiB"):
        if value >= 1024:
            value, unit = value / 1024, larger
    return f"{length:,} bytes" if unit == "bytes" else f"{value:,.1f} {unit} ({length:,} bytes)"


def prose(text: str) -> Markup:
    """A sentence, with what is between backticks as code."""
    sentence = f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!', MASK)) else '.'}"
    # As a plain str: to join pieces of Markup would escape them again.
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))


def visible(text: str) -> str:
    """A differing text, with what cannot be seen made visible."""
    shown = text.replace(" ", "␣").replace("\t", "⇥").replace("\r", "␍")
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in shown)
