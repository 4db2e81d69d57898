"""Calls of the Action dialect signed by hand, and what its facades' tests are about."""

import json
from base64 import b64encode
from datetime import datetime
from hashlib import md5, sha256
from hmac import digest
from typing import Any

from otabridge_action.signing import Acs3Signer

from otabridge.wire import Request, encoded_query, quote3986

KEY, SECRET = "AK", "SkExample000000000000000000002"
HOST = "http://127.0.0.1:8080"
# A file that is uploaded, and a package of it.
BYTES = b"firmware of the mcu"
MD5, SHA256 = md5(BYTES).hexdigest(), sha256(BYTES).hexdigest()
OURS = f"{HOST}/ota/0123456789abcdef0123456789abcdef/app.bin"
MADE = {"ProductKey": "p1", "ModuleName": "mcu", "FirmwareName": "mcu-1", "DestVersion": "1.0", "FirmwareUrl": OURS}


def stamped(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def pairs(mirror: Any, action: str = "QueryProductList", **more: str | None) -> dict[str, str]:
    """The parameters of a call that would succeed, less its signature; None leaves one out."""
    given = {
        "Action": action,
        "Version": "2018-01-20",
        "Format": "JSON",
        "AccessKeyId": KEY,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": mirror.world.nonce(),
        "Timestamp": stamped(mirror.now),
        "CurrentPage": "1",
        "PageSize": "10",
    } | more
    return {name: value for name, value in given.items() if value is not None}


def canonical(given: dict[str, str]) -> str:
    return "&".join(f"{quote3986(name)}={quote3986(given[name])}" for name in sorted(given))


def signature(text: str, key: str = f"{SECRET}&", kind: str = "sha1") -> bytes:
    return digest(key.encode(), text.encode(), kind)


def to_sign(query: str, method: str = "GET") -> str:
    return f"{method}&%2F&{quote3986(query)}"


def ask(
    mirror: Any, given: dict[str, str], text: bytes | str | None = None, method: str = "GET"
) -> tuple[int, dict[str, Any]]:
    """Send parameters with a signature, by default the right one."""
    signed = b64encode(signature(to_sign(canonical(given), method))) if text is None else text
    sent = given | {"Signature": signed.decode() if isinstance(signed, bytes) else signed}
    answer = mirror.call(method, f"/?{encoded_query(sent.items())}")
    told = json.loads(answer.body)
    return answer.status, {name[:1].upper() + name[1:]: value for name, value in told.items()}


def acs3(mirror: Any, query: Any = (), *, form: Any = (), secret: str = SECRET, token: str | None = None) -> Request:
    signer = Acs3Signer(KEY, secret, token)
    method = "POST" if form else "GET"
    request = Request(operation="ListOTAModuleByProduct", method=method, origin=HOST, query=query, form=form)
    return signer.sign(request, now=mirror.now, nonce=mirror.world.nonce())


def lowered(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers} | {"accept": "application/json"}
