"""One kept connection of the standard library's HTTP client: a call through it takes a third of httpx's own time."""

import http.client
import re
import select
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

Headers = Sequence[tuple[bytes, bytes]]
_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$").search


class Unconnected(OSError):
    """No connection came about, so nothing was sent; `late` if it took too long."""

    def __init__(self, reason: str, *, late: bool = False) -> None:
        super().__init__(reason)
        self.late = late


class Connection:
    """Sends one request at a time to one place (scheme, host, port), and takes in the whole answer.

    Seconds: `timeouts` has those for "connect" and "read"; `keep` is how long an idle connection is used again.
    """

    def __init__(
        self,
        where: tuple[str, str, int | None],
        context: ssl.SSLContext,
        timeouts: Mapping[str, float],
        *,
        keep: float,
        clock: Callable[[], float],
    ) -> None:
        self._where, self._context = where, context
        self._connect, self._read, self._keep, self._clock = timeouts["connect"], timeouts["read"], keep, clock
        self._link: http.client.HTTPConnection | None = None
        self._used = 0.0

    def exchange(self, method: str, target: str, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        """Status, headers and body of an answer. Unconnected, TimeoutError or another OSError if there is none.

        ValueError, before anything is sent, if a header has a character that none may have.
        """
        for name, value in headers:
            if _UNSENDABLE(value):
                raise ValueError(f"the header {name.decode()} has a character that none may have")
        link = self._ready()
        try:
            link.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                link.putheader(name.decode(), value.decode("latin-1"))  # as text, for vcrpy's sake
            with suppress(BrokenPipeError, ConnectionResetError):  # who refuses a body may answer before it is sent
                link.endheaders(body or None)
            reply = link.getresponse()
            while 101 < reply.status < 200:
                reply.headers = None  # type: ignore[assignment]  # so that the next head is read
                reply.begin()
            whole = _framed(reply)
            data = reply.read()
            if not whole and not data:
                raise ConnectionError("an answer that breaks off, or is empty and does not say so")
        except (http.client.HTTPException, ValueError, OverflowError, MemoryError) as error:
            self.close()
            raise ConnectionError(type(error).__name__) from None
        except BaseException:
            self.close()
            raise
        if getattr(reply, "will_close", False):
            self.close()
        self._used = self._clock()
        found = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.getheaders()]
        return reply.status, found, data

    def _ready(self) -> http.client.HTTPConnection:
        link = self._link
        if link is not None and link.sock is not None:
            if self._clock() - self._used < self._keep and not _readable(link.sock):
                return link
            self.close()
        scheme, host, told = self._where
        port = told or (443 if scheme == "https" else 80)  # else the end of an IPv6 address would be taken for it
        # Looked up where they are used, so that vcrpy can take their place.
        if scheme == "https":
            link = http.client.HTTPSConnection(host, port, timeout=self._connect, context=self._context)
        else:
            link = http.client.HTTPConnection(host, port, timeout=self._connect)
        try:
            link.connect()
        except OSError as error:
            link.close()
            raise Unconnected(error.strerror or "", late=isinstance(error, TimeoutError)) from None
        except BaseException:
            link.close()
            raise
        link.timeout = self._read
        if link.sock is not None:  # as it is where vcrpy replays
            link.sock.settimeout(self._read)
        self._link = link
        return link

    def close(self) -> None:
        """Close it; the next request opens another."""
        link, self._link = self._link, None
        if link is not None:
            with suppress(OSError):
                link.close()


def _framed(reply: http.client.HTTPResponse) -> bool:
    """Whether a head says how long its body is, or that it ends with the connection. ConnectionError if it is unclear.

    The standard library takes a head that breaks off for a whole one, and drops what follows a line that is none.
    """
    lengths = {*(reply.headers.get_all("content-length") or ())}
    if reply.headers.get_payload() or len(lengths) > 1 or reply.status < 200:
        raise ConnectionError("an answer whose head cannot be read")
    # vcrpy's answers have neither of the first two.
    sized = getattr(reply, "chunked", True) or getattr(reply, "length", None) is not None
    return sized or "close" in (reply.headers.get("connection") or "").lower()


def addresses(host: str, port: int | str) -> list[str]:
    """The IP addresses of a host; those of the older kind, which is there everywhere, first. Unconnected if none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unconnected(error.strerror or "") from None
    return [str(row[4][0]) for row in sorted(found, key=lambda row: row[0] != socket.AF_INET)]


def _readable(sock: socket.socket) -> bool:
    """Whether an idle connection has something to say, which can only be its end."""
    try:
        number = sock.fileno()
    except (AttributeError, OSError):
        return False
    if not hasattr(select, "poll"):
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))
