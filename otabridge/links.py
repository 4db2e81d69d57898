"""Addresses that a cloud gives for its files: which are asked, and how. Nothing here opens a connection.

Such an address may be anybody's, so it is asked without credentials, over TLS, at hosts that the backend expects, and
where their names lead to public addresses alone: a driver asks `admits` of the very address that it connects to.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from otabridge.errors import ProtocolError
from otabridge.settings import is_loopback
from otabridge.wire import Request

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3
_TEXT = re.compile(r"[!-~]{1,8192}").fullmatch
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*|[0-9a-f:.]*:[0-9a-f:.]*").fullmatch
# Names for IPv4 addresses among those of IPv6.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where the addresses that one cloud gives may lead: to `hosts`, each a name, or `*.` and what it ends in.

    With `loopback`, for a cloud that is there itself, to this machine too, and there without TLS.
    """

    hosts: tuple[str, ...]
    loopback: bool = False

    @classmethod
    def of(cls, endpoint: str, *hosts: str) -> Self:
        """For the cloud of an endpoint: its own host, and others that the backend knows or that settings name."""
        own = urlsplit(endpoint).hostname or ""
        return cls(hosts=tuple(host.lower() for host in (own, *hosts)), loopback=is_loopback(own))

    def request(self, operation: str, url: str, *, method: str = "GET", **more: Any) -> Request:
        """The request for such an address, without credentials. ProtocolError if it is none that is asked."""
        parts = self._checked(operation, url)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        return Request(
            operation=operation,
            method=method,
            origin=f"{parts.scheme}://{parts.netloc.lower()}",
            path=unquote(parts.path) or "/",
            target=target,
            auth=False,
            links=self,
            **more,
        )

    def moved(self, request: Request, location: str) -> Request:
        """The request for where an answer says that the file is instead."""
        moved = self.request(request.operation, urljoin(request.origin + request.target, location))
        return replace(moved, headers=request.headers)

    def admits(self, address: str) -> bool:
        """Whether an IP address may be connected to."""
        found = _plain(address)
        if found.is_loopback:
            return self.loopback
        hidden = found.is_multicast or found.is_reserved or getattr(found, "is_site_local", False)
        return found.is_global and not hidden

    def chosen(self, operation: str, host: str, addresses: Sequence[str]) -> str:
        """The first of the addresses that a name leads to. ProtocolError if any of them is not asked."""
        for address in addresses:
            if not self.admits(address):
                raise _refused(operation, f"{host} leads to {address}, which is no public address")
        return addresses[0]

    def _checked(self, operation: str, url: str) -> SplitResult:
        host = port = ""
        try:
            parts = urlsplit(url if _TEXT(url) else "")
            host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
        except ValueError:
            parts = urlsplit("")
        named = f"[{host}]" if ":" in host else host
        wrong = ""
        if parts.scheme not in ("https", "http") or not _HOST(host) or parts.netloc.lower() != named + port:
            wrong = "it is no plain https address"
        elif parts.scheme == "http" and not (self.loopback and is_loopback(host)):
            wrong = f"it is one of http, of {host}, and only https is asked"
        elif not any(_fits(host, known) for known in self.hosts):
            wrong = f"{host} is no host that is known to have its files: if it is, name it in the setting file_hosts"
        elif _literal(host) and not self.admits(host):
            wrong = f"{host} is no public address"
        if wrong:
            raise _refused(operation, wrong)
        return parts


def _refused(operation: str, reason: str) -> ProtocolError:
    return ProtocolError(f"the cloud gave an address that is not asked: {reason}", operation=operation)


def _fits(host: str, known: str) -> bool:
    return host == known or (known.startswith("*.") and host.endswith(known[1:]))


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address without its zone, and the IPv4 address that one of IPv6 stands for."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        return found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1] or found
    return found
