"""Records the cassettes of our own facades; time, chance and addresses are fixed, so that it writes the same each time.

python cassettes/record.py [FOLDER]
"""

import itertools
import json
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import yaml  # type: ignore[import-untyped]
from exchanges import EXCHANGES, FILE, KEY, MASK, origin
from otabridge_action.signing import oss_signature

from otabridge import ApiError, connect
from otabridge.serve import running
from otabridge.signing import World

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ACCESS_KEY, SECRET_KEY = "EMULATORACCESSKEY000", "EmulatorSecretKey0000000000000000000000"
# What the replays use, where a facade would tell another.
SETTINGS: dict[str, dict[str, Any]] = {
    "huawei": {"project_id": "0123456789abcdef0123456789abcdef"},
    "tuya": {},
    "aliyun": {"iot_instance_id": None, "signature": "rpc"},
}
# Of the connection, or of the day and the version.
DROPPED = {"host", "user-agent", "accept-encoding", "connection", "content-length", "date", "transfer-encoding"}
SECRET_HEADERS = {"authorization", "x-auth-token", "x-subject-token", "x-acs-accesskey-id", "x-acs-signature"}
SECRET_PARAMETER = re.compile(r"\b((?:OSS)?AccessKeyId|Signature|SecurityToken)=[^&\"\s]*")
# Of the grant of an upload, in an answer and in a form.
SECRET_MEMBER = re.compile(r'("(?:policy|signature)":"|name="(?:policy|signature)"\r\n\r\n)[^"\r]*', re.IGNORECASE)


class Clock:
    """A time that moves when the client waits, for client and server alike."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def world(self, first: int) -> World:
        """A world of this time; its nonces count from `first`."""
        numbers = itertools.count(first)
        return World(
            now=lambda: NOW + timedelta(seconds=self._seconds),
            monotonic=lambda: self._seconds,
            nonce=lambda: f"{next(numbers):032x}",
            jitter=lambda: 1.0,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self._seconds += seconds


class Tape(httpx.BaseTransport):
    """Sends, and keeps what went over the wire; `meanwhile` is called before each request."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._http = httpx.HTTPTransport()
        self._meanwhile = meanwhile
        self.exchanges: list[tuple[httpx.Request, httpx.Response]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._meanwhile()
        assert isinstance(request.stream, httpx.SyncByteStream)
        content, extensions = b"".join(request.stream), request.extensions
        request = httpx.Request(
            request.method, request.url, headers=request.headers, content=content, extensions=extensions
        )
        reply = self._http.handle_request(request)
        self.exchanges.append((request, reply))
        return httpx.Response(reply.status_code, headers=reply.headers, stream=httpx.ByteStream(reply.read()))

    def close(self) -> None:
        self._http.close()


class _Row(list[str]):
    """A list on one line."""


class _Block(str):
    """A text on lines of its own."""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    _Row, lambda dumper, row: dumper.represent_sequence("tag:yaml.org,2002:seq", row, flow_style=True)
)
_Dumper.add_representer(_Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def clean(text: str, url: str, shown: str) -> str:
    """A text without secrets, and with what is `shown` for the address of the day."""
    host, shown_host = url.partition("//")[2], shown.partition("//")[2]
    known = {url: shown, quote(url, ""): quote(shown, ""), host: shown_host, ACCESS_KEY: MASK, SECRET_KEY: MASK}
    for found, instead in known.items():
        text = text.replace(found, instead)
    return SECRET_MEMBER.sub(rf"\1{MASK}", SECRET_PARAMETER.sub(rf"\1={MASK}", text))


def headers(message: httpx.Request | httpx.Response, dropped: Collection[str]) -> dict[str, Any]:
    """The headers that say something, in their order."""
    shown: dict[str, Any] = {}
    for raw, value in message.headers.raw:
        name = raw.decode()
        if name.lower() not in dropped:
            shown.setdefault(name, _Row()).append(MASK if name.lower() in SECRET_HEADERS else value.decode())
    return shown


def interaction(
    request: httpx.Request, reply: httpx.Response, shown: Callable[[str], str], dropped: Collection[str] = DROPPED
) -> dict[str, Any]:
    """One request and its answer, as `shown` makes their texts."""
    sent, told = (shown(message.content.decode()) for message in (request, reply))
    return {
        "request": {
            "method": request.method,
            "uri": shown(str(request.url)),
            "headers": headers(request, dropped),
            "body": _Block(sent) if sent else None,
        },
        "response": {
            "status": {"code": reply.status_code, "message": reply.reason_phrase},
            "headers": headers(reply, dropped),
            "body": {"string": _Block(told)},
        },
    }


def cassette(interactions: list[dict[str, Any]], **metadata: str) -> str:
    """The text of a file."""
    told = {"version": 1, "metadata": metadata, "interactions": interactions}
    text: str = yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000)
    return text


def upload(url: str) -> None:
    """Put the file into the storage of a facade, by a form."""
    until = (NOW + timedelta(minutes=1)).isoformat(timespec="milliseconds")
    policy = b64encode(json.dumps({"expiration": until, "conditions": [["eq", "$key", KEY]]}).encode()).decode()
    form = {"key": KEY, "policy": policy, "OSSAccessKeyId": ACCESS_KEY, "signature": oss_signature(SECRET_KEY, policy)}
    httpx.post(f"{url}/", data=form, files={"file": ("app.bin", FILE)}).raise_for_status()


def record(backend: str, name: str) -> str:
    """The cassette of an exchange."""
    tape, clock, shown = Tape(), Clock(), origin(backend)
    quota = EXCHANGES[backend](shown)[name].quota
    serving = running(backend, quota=quota, world=clock.world(1), access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    with serving as server:
        url = server.url
        exchange = EXCHANGES[backend](url)[name]
        exchange.fill(server.cloud)
        if exchange.uploads:
            upload(url)
        given = {**server.settings(backend), "quotas": "off", **SETTINGS[backend], **exchange.settings}
        given = {field: SECRET_KEY if value == MASK else value for field, value in given.items() if value is not None}
        with connect(**given, transport=tape, world=clock.world(12 << 124)) as client, suppress(ApiError):
            exchange.use(client)

    return cassette(
        [interaction(*exchanged, lambda text: clean(text, url, shown)) for exchanged in tape.exchanges],
        provenance="emulator",
        source=f"otabridge serve --as {backend}, asked by the backend of that name",
        recorded=f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
    )


def main(folder: Path) -> None:
    """Write every cassette below a folder."""
    for backend, exchanges in EXCHANGES.items():
        for name in exchanges(origin(backend)):
            path = folder / backend / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(record(backend, name), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)
