"""Who meets on a hawkBit, by plain REST: an operator, who removes what it made, and devices that update."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hawkbit_server import Hawkbit

# kind -> the field that begins with the run's prefix. They are deleted in this order: what uses others comes first.
KINDS = {
    "rollouts": "name",
    "targets": "controllerId",
    "distributionsets": "name",
    "softwaremodules": "name",
    "distributionsettypes": "key",
    "softwaremoduletypes": "key",
}
PAGE = 500
GONE = (200, 204, 404)
ERRORS = "hawkbit.server.error."
OLD_SPELLINGS = {
    "repo.entitiyAlreayExists": "repo.entityAlreadyExists",
    "repo.entitiyNotFound": "repo.entityNotFound",
}
# Calls in flight; and how often, and after how many seconds, something is asked for again.
HANDS = 8
TRIES = 100
PAUSE = 0.1


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and error code of an answer, without the prefix and in the new spelling; no code is the empty text."""
    known = response.headers.get("content-type", "").startswith("application/") and response.content
    code = (response.json().get("errorCode") or "").removeprefix(ERRORS) if known else ""
    return response.status_code, OLD_SPELLINGS.get(code, code)


def repeated(call: Callable[[], httpx.Response], done: Callable[[httpx.Response], bool]) -> httpx.Response:
    """The first answer that is `done`, or the last one."""
    for _ in range(TRIES):
        response = call()
        if done(response):
            break
        time.sleep(PAUSE)
    return response


class Operator:
    """Uses the Management API. What it makes begins with its `prefix`, or is remembered; `tidy` removes it."""

    def __init__(self, site: Hawkbit) -> None:
        self.site = site
        self.http = site.client()
        self.prefix = f"t{secrets.token_hex(4)}"
        self.made: dict[str, set[str]] = {kind: set() for kind in KINDS}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.http.close()

    def name(self, text: str = "") -> str:
        """A name that nobody else on this server has."""
        return f"{self.prefix}_{text or secrets.token_hex(3)}"

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """An answer of the server, whatever it is; but a flood's 429, which has no body, is waited out."""
        call = partial(self.http.request, method, path, **options)
        return repeated(call, lambda response: response.status_code != 429 or bool(response.content))

    def get(self, path: str, **params: Any) -> Any:
        """What an answer of 200 says."""
        response = self.ask("GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def make(self, kind: str, *bodies: Mapping[str, Any]) -> list[dict[str, Any]]:
        """New things of a kind; they are remembered."""
        response = self.ask("POST", f"/{kind}", json=bodies)
        assert response.status_code == 201, response.text
        rows: list[dict[str, Any]] = response.json()
        self.made[kind] |= {str(row.get("id", row.get("controllerId"))) for row in rows}
        return rows

    def type(self, key: str = "", **more: Any) -> dict[str, Any]:
        """A new software module type."""
        key = key or self.name()
        return self.make("softwaremoduletypes", {"key": key, "name": key, "maxAssignments": 1} | more)[0]

    def module(self, key: str, version: str, **more: Any) -> dict[str, Any]:
        """A new software module, named as its type."""
        return self.make("softwaremodules", {"name": key, "version": version, "type": key} | more)[0]

    def upload(self, module: int, data: bytes, *, filename: str = "app.bin", **sums: str) -> httpx.Response:
        """The answer to an artifact's upload."""
        path, params = f"/softwaremodules/{module}/artifacts", {"filename": filename} | sums
        return self.ask("POST", path, params=params, files={"file": (filename, data)})

    def targets(self, *ids: str) -> list[dict[str, Any]]:
        """New devices that never called."""
        return self.make("targets", *({"controllerId": device, "name": device} for device in ids))

    def set_of(self, *modules: Mapping[str, Any]) -> dict[str, Any]:
        """A new distribution set with these modules, and a type for it."""
        types = self.get("/softwaremoduletypes", q=_any_of("key", {module["type"] for module in modules}))["content"]
        key = self.name()
        wanted = [{"id": row["id"]} for row in types]
        self.make("distributionsettypes", {"key": key, "name": key, "mandatorymodules": wanted})
        content = [{"id": module["id"]} for module in modules]
        return self.make("distributionsets", {"name": key, "version": "1", "type": key, "modules": content})[0]

    def assign(self, made: Mapping[str, Any], *devices: str) -> dict[str, Any]:
        """The devices are to install the set."""
        path = f"/distributionsets/{made['id']}/assignedTargets"
        response = self.ask("POST", path, json=[{"id": device} for device in devices])
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        return told

    def tidy(self) -> list[str]:
        """Delete what begins with the prefix or is remembered; the result names what the server would not delete."""
        refused = []
        for kind in KINDS:
            found = sorted(self.made[kind] | set(self._own(kind)))
            with ThreadPoolExecutor(HANDS) as hands:
                refused += [told for told in hands.map(partial(self._delete, kind), found) if told]
        return refused

    def _own(self, kind: str) -> Iterable[str]:
        field = KINDS[kind]
        asked = {"q": f"{field.lower()}=='{self.prefix}*'", "sort": "id:ASC", "limit": PAGE}
        offset = 0
        while rows := self.get(f"/{kind}", offset=offset, **asked)["content"]:
            yield from (str(row[field if kind == "targets" else "id"]) for row in rows)
            offset += len(rows)

    def _delete(self, kind: str, name: str) -> str | None:
        path = f"/{kind}/{quote(name, safe='')}"
        response = self.ask("DELETE", path)
        if kind == "rollouts":  # they go later, and hold their set until then
            repeated(lambda: self.ask("GET", path), lambda told: told.status_code == 404)
        return None if response.status_code in GONE else f"{path}: {response.status_code} {response.text}"


@dataclass(frozen=True)
class Installed:
    """A module that a device installed: `part` is its type, `files` are the bytes by name."""

    part: str
    name: str
    version: str
    files: Mapping[str, bytes]


class Player:
    """A device: it reports attributes, and does what it is told when it polls."""

    def __init__(self, http: httpx.Client, device: str) -> None:
        self.http = http
        self.device = device
        self._path = f"/{quote(device, safe='')}"

    def poll(self) -> dict[str, Any]:
        """Say hello, which registers a new device; the links to what there is to do."""
        return self._told("GET", self._path).json().get("_links") or {}

    def report(self, attributes: Mapping[str, str], *, mode: str = "merge") -> None:
        """Tell attributes, in a body that old and new servers read."""
        body = {"mode": mode, "data": dict(attributes)} | _finished("")
        answer = self.http.request("PUT", f"{self._path}/configData", json=body)
        if refusal(answer) == (400, "repo.invalidTargetAttributes"):
            pytest.skip("this server takes no such attribute")
        if answer.status_code != 200:
            self._told("PUT", f"{self._path}/configData", json=body)

    def install(self, *, success: bool = True) -> list[Installed]:
        """Poll, load what is offered, hold it to its checksums, and say how it went; nothing offered is no module."""
        links = self.poll()
        if "deploymentBase" not in links:
            return []
        action = self._follow(links["deploymentBase"]).json()
        chunks = action["deployment"]["chunks"]
        done = [
            Installed(chunk["part"], chunk["name"], chunk["version"], dict(map(self._load, chunk["artifacts"])))
            for chunk in chunks
        ]
        path = f"{self._path}/deploymentBase/{action['id']}/feedback"
        self._told("POST", path, json=_finished(action["id"], "success" if success else "failure"))
        return done

    def _load(self, artifact: Mapping[str, Any]) -> tuple[str, bytes]:
        links = artifact["_links"]
        data = self._follow(links.get("download") or links["download-http"]).content
        for algorithm, told in artifact["hashes"].items():
            assert hashlib.new(algorithm, data, usedforsecurity=False).hexdigest() == told, algorithm
        assert len(data) == artifact["size"]
        return artifact["filename"], data

    def _follow(self, link: Mapping[str, str]) -> httpx.Response:
        # Of a link only the path counts: the token goes to no other host than the one we were given.
        parts = urlsplit(link["href"])
        base = urlsplit(str(self.http.base_url))
        return self._told("GET", f"{base.scheme}://{base.netloc}{parts.path}?{parts.query}")

    def _told(self, method: str, path: str, **options: Any) -> httpx.Response:
        call = partial(self.http.request, method, path, **options)
        response = repeated(call, lambda told: told.status_code != 429)
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
        return response


def _finished(action: str, how: str = "success") -> dict[str, Any]:
    # Newer servers ignore `id` and `time`, older ones demand them.
    status = {"execution": "closed", "result": {"finished": how}, "details": []}
    return {"id": action, "time": "20260101T000000", "status": status}


def _any_of(field: str, values: Iterable[str]) -> str:
    texts = ",".join("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in sorted(values))
    return f"{field}=in=({texts})"


Fleet = dict[str, dict[str, str]]


def fleet_of(
    operator: Operator,
    modules: Sequence[str],
    *,
    size: int = 300,
    versions: Sequence[str] = ("2.0", "1.0"),
    attribute: str = "{module}_version",
) -> Fleet:
    """Devices that registered and reported: the versions by device and module, which a server must tell likewise.

    Every fifth device has the older version of the first module, every sixth of the second, and so on.
    """
    current, older = versions
    fleet = {
        f"{operator.prefix}_device{number:04}": {
            module: older if number % (5 + place) == 0 else current for place, module in enumerate(modules)
        }
        for number in range(size)
    }
    operator.made["targets"] |= set(fleet)

    def join(device: str) -> None:
        player = Player(http, device)
        player.poll()
        player.report({attribute.format(module=module): version for module, version in fleet[device].items()})

    with operator.site.device_client() as http, ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(join, fleet))
    return fleet
