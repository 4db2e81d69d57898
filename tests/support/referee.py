"""A loopback cloud that checks every request with the vendors' own signers, from the raw bytes that arrived.

It shares no code with the library: what it answers follows the published documents, over a state of plain dicts.
"""

import hashlib
import importlib
import json
import secrets
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

ACCESS_KEY, SECRET_KEY, TOKEN = "TESTAKEXAMPLE0000001", "Secret/Key+0002==", "Security/Token+0003=="
PROJECT = "0123456789abcdef0123456789abcdef"
ROOT = f"/v5/iot/{PROJECT}/"
FRESH_SECONDS = 900
Answer = tuple[int, Any]


def vendor(name: str) -> Any:
    """A module of a vendor's SDK."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(name)


class Arrived:
    """One request as its bytes say, nothing decoded twice."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method = handler.command
        self.path, _, self.raw_query = handler.path.partition("?")
        # Header bytes reach us as latin-1 text and were sent as UTF-8.
        self.headers = {name.lower(): value.encode("latin-1").decode() for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.headers.get("content-length") or 0))
        self.query = parse_qsl(self.raw_query, keep_blank_values=True)
        form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        self.form = parse_qsl(self.body.decode(), keep_blank_values=True) if form else []
        self.parameters = dict(self.query) | dict(self.form)

    def signed(self) -> dict[str, str]:
        """The headers that the signature says it covers."""
        names = self.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        return {name: self.headers[name] for name in names}

    def check_huawei(self) -> str | None:
        """What is wrong with the signature, as huaweicloudsdkcore computes it."""
        sdk = vendor("huaweicloudsdkcore.signer.signer")
        theirs = vendor("huaweicloudsdkcore.sdk_request").SdkRequest(
            method=self.method,
            host=self.headers["host"],
            resource_path=self.path,
            query_params=self.query,
            header_params=self.signed(),
            body=self.body,
        )
        credentials = SimpleNamespace(ak=ACCESS_KEY, sk=SECRET_KEY)
        if self.headers["authorization"].startswith("V11-"):
            sdk.DerivationAKSKSigner(credentials).sign(theirs, "iotdm", "cn-north-4")
        else:
            sdk.Signer(credentials).sign(theirs)
        if theirs.header_params["Authorization"] != self.headers["authorization"]:
            return "verify aksk signature fail"
        return stale(datetime.strptime(self.headers["x-sdk-date"], "%Y%m%dT%H%M%SZ"))

    def check_action(self) -> str | None:
        """What is wrong with the signature, as both of Aliyun's current libraries compute it."""
        libraries = (("alibabacloud_openapi_util.client", "Client"), ("alibabacloud_tea_openapi.utils", "Utils"))
        tools = [getattr(vendor(module), name) for module, name in libraries]
        if "authorization" in self.headers:
            digest = hashlib.sha256(self.body).hexdigest()
            asked = SimpleNamespace(method=self.method, pathname="/", query=dict(self.query), headers=self.signed())
            arguments = (asked, "ACS3-HMAC-SHA256", digest, ACCESS_KEY, SECRET_KEY)
            if any(tool.get_authorization(*arguments) != self.headers["authorization"] for tool in tools):
                return "SignatureDoesNotMatch"
            if self.headers["x-acs-content-sha256"] != digest:
                return "InvalidDigest"
            moment = self.headers["x-acs-date"]
        else:
            unsigned = dict(self.parameters)
            signature = unsigned.pop("Signature")
            if any(tool.get_rpcsignature(unsigned, self.method, SECRET_KEY) != signature for tool in tools):
                return "SignatureDoesNotMatch"
            moment = unsigned["Timestamp"]
        return stale(datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))


def stale(moment: datetime) -> str | None:
    """Whether a request's time is too far off."""
    off = abs((datetime.now(UTC) - moment.replace(tzinfo=UTC)).total_seconds())
    return None if off < FRESH_SECONDS else "InvalidTimeStamp.Expired"


class HuaweiState:
    """IoTDA's modules, as its pages describe them."""

    def __init__(self) -> None:
        self.modules: dict[str, dict[str, Any]] = {}
        self.arrived: list[Arrived] = []

    def answer(self, asked: Arrived) -> Answer:
        """Check, then act."""
        self.arrived.append(asked)
        if wrong := asked.check_huawei():
            return 401, {"error_code": "APIGW.0301", "error_msg": wrong, "request_id": "r1"}
        if asked.path == f"{ROOT}ota-upgrades/packages" and asked.method == "GET":
            return 200, {"packages": [], "page": {"count": 0, "marker": None}}
        if not asked.path.startswith(f"{ROOT}ota-upgrades/modules"):
            return 404, {"error_code": "APIGW.0101", "error_msg": "no such API", "request_id": "r1"}
        module_id = asked.path.removeprefix(f"{ROOT}ota-upgrades/modules").removeprefix("/")
        if not module_id:
            return self._create(asked) if asked.method == "POST" else self._list(asked)
        if module_id not in self.modules:
            return 404, {"error_code": "IOTDA.014404", "error_msg": "no such module"}
        if asked.method == "DELETE":
            del self.modules[module_id]
            return 204, None
        if asked.method == "PUT":
            self.modules[module_id] |= json.loads(asked.body)
        return 200, self.modules[module_id]

    def _create(self, asked: Arrived) -> Answer:
        module_id = secrets.token_hex(16)
        self.modules[module_id] = {"module_id": module_id, **json.loads(asked.body), "create_time": "20230211T121212Z"}
        return 201, self.modules[module_id]

    def _list(self, asked: Arrived) -> Answer:
        wanted = asked.parameters
        rows = [
            row for row in self.modules.values() if row["product_id"] == wanted.get("product_id", row["product_id"])
        ]
        rows = [] if "marker" in wanted else rows[::-1][: int(wanted["limit"])]
        return 200, {"modules": rows, "page": {"count": len(rows), "marker": "5c90fa7d3c4e4405e8525079"}}


class ActionState:
    """The module actions of Aliyun and Tuya, which answers in camelCase."""

    def __init__(self, *, camel: bool = False) -> None:
        self.modules: dict[str, dict[str, str]] = {}
        self.arrived: list[Arrived] = []
        self.nonces: set[str] = set()
        self._camel = camel

    def answer(self, asked: Arrived) -> Answer:
        """Check, then act."""
        self.arrived.append(asked)
        wrong = asked.check_action()
        nonce = asked.headers.get("x-acs-signature-nonce") or asked.parameters["SignatureNonce"]
        wrong = wrong or ("SignatureNonceUsed" if nonce in self.nonces else None)
        self.nonces.add(nonce)
        if wrong:
            return 400, {"Code": wrong, "Message": f"server string to sign is: {asked.raw_query}", "RequestId": "r1"}
        action = asked.headers.get("x-acs-action") or asked.parameters["Action"]
        answer = {"RequestId": "r1", "Success": True, **getattr(self, action)(asked.parameters)}
        return 200, _camel(answer) if self._camel else answer

    def CreateOTAModule(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802  # the action's name
        """A bare success."""
        kept = ("ProductKey", "ModuleName", "AliasName", "Desc")
        self.modules[given["ModuleName"]] = {name: given[name] for name in kept if name in given}
        return {}

    UpdateOTAModule = CreateOTAModule

    def DeleteOTAModule(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802  # the action's name
        """A bare success, or a business error in a 200."""
        if given["ModuleName"] in self.modules:
            del self.modules[given["ModuleName"]]
            return {}
        return {"Success": False, "Code": "iot.ota.OTAModuleNotExist", "ErrorMessage": "no such module"}

    def ListOTAModuleByProduct(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802  # the action's name
        """A bare array in Data."""
        return {"Data": [row for row in self.modules.values() if row["ProductKey"] == given["ProductKey"]]}

    def ListOTAFirmware(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802  # the action's name
        """No packages."""
        return {"CurrentPage": 1, "PageSize": 100, "PageCount": 0, "Total": 0, "FirmwareInfo": {}}


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _camel(item) for name, item in value.items()}
    return [_camel(item) for item in value] if isinstance(value, list) else value


@contextmanager
def refereed(answer: Callable[[Arrived], Answer]) -> Iterator[str]:
    """Serve a state on loopback; gives its endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = answer(Arrived(self))
            data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json;charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # http.server's names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
