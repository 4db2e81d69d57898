"""The kiosk from the server's side."""

import hmac
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

from otabridge import plugin as ota
from otabridge.facade import Answer, Asked, Call, Facade, Reason, Verdict
from otabridge.windows import Listed, window
from tests.conformance.kiosk.backend import KINDS, MODULES, SIZE

Json = dict[str, Any]
STATUSES: dict[Reason, tuple[int, int]] = {
    "throttled": (429, 33),
    "unavailable": (503, 2),
    "failed": (500, 2),
    "no such call": (404, 31),
    "too large": (413, 31),
    "bad request": (400, 31),
}


class KioskFacade(Facade):
    """The cloud `kiosk`, served."""

    name = "kiosk"
    contract = 1

    def read(self, call: Call) -> Asked:
        match (call.method, *map(unquote, call.path.strip("/").split("/"))):
            case ("GET", "products" | "packages" | "devices" as what):
                return Asked(operation=f"list_{what}")
            case ("GET", "products" | "packages" | "devices" as what, found):
                return Asked(operation=f"get_{what}", given={"id": found})
            case ("GET", "packages", found, "file"):
                return Asked(operation="get_file", given={"id": found})
            case ("GET", "devices", found, "versions" | "history" as what):
                return Asked(operation=f"list_{what}", given={"id": found})
            case ("POST", "packages"):
                return Asked(operation="create", write=True)
            case ("PUT" | "DELETE" as method, "packages", found):
                return Asked(operation={"PUT": "update"}.get(method, "delete"), write=True, given={"id": found})
        return Asked(operation="")

    def verify(self, call: Call, asked: Asked) -> Verdict:
        said = call.headers.get("authorization", "").removeprefix("Bearer ").encode("utf-8", "replace")
        good = hmac.compare_digest(said, self.site.master.secret_key.encode())
        return Verdict(scheme="bearer", account="kiosk", refusal=None if good else "bad token")

    def perform(self, call: Call, asked: Asked) -> ota.Steps[Answer]:
        work: Callable[..., ota.Steps[Any]] = getattr(self, f"_{asked.operation}")
        told = yield from work(dict(call.query), call, *asked.given.values())
        return Answer(body=told) if isinstance(told, bytes) else answered(200, told)

    def refuse(
        self,
        call: Call,
        reason: Reason,
        message: str = "",
        *,
        verdict: Verdict | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> Answer:
        usual, number = STATUSES.get(reason, (401, 10))
        return answered(status or usual, {"code": number, "message": message or reason}, str(number))

    def explain(self, call: Call, asked: Asked, error: ota.OtaBridgeError) -> Answer:
        status, number = (404, 32) if isinstance(error, ota.NotFoundError) else (400, 31)
        return answered(status, {"code": number, "message": str(error)}, str(number))

    def _list_products(self, query: Json, call: Call) -> ota.Steps[Json]:
        return (yield from self._rows(query, self.store.list_products, lambda row: {"id": row.id}))

    def _get_products(self, query: Json, call: Call, name: str) -> ota.Steps[Json]:
        yield from ()
        return {"id": name}

    def _list_packages(self, query: Json, call: Call) -> ota.Steps[Json]:
        return (yield from self._rows(query, self.store.list_packages, packed, product=query.get("product")))

    def _get_packages(self, query: Json, call: Call, package_id: str) -> ota.Steps[Json]:
        return packed((yield from self.store.get_package(package_id=package_id)))

    def _get_file(self, query: Json, call: Call, package_id: str) -> ota.Steps[bytes]:
        found = yield from self.store.get_package(package_id=package_id)
        with TemporaryDirectory() as folder:
            path = yield from self.store.open_artifact(artifact=found.artifacts[0], folder=Path(folder))
            return path.read_bytes()

    def _create(self, query: Json, call: Call) -> ota.Steps[Json]:
        if query.get("kind") not in MODULES:
            raise ota.InvalidRequestError("no such kind")
        with TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            path.write_bytes(call.body)
            file = yield from self.store.stage_artifact(path=path, filename=query.get("filename") or "file")
        draft = ota.PackageDraft(
            product=query.get("product") or "",
            module=MODULES[query["kind"]],
            version=query.get("version") or "",
            name=query.get("title"),
            description=query.get("notes"),
            artifacts=(file,),
        )
        return packed((yield from self.store.create_package(draft=draft)))

    def _update(self, query: Json, call: Call, package_id: str) -> ota.Steps[Json]:
        texts = {"name": query.get("title"), "description": query.get("notes")}
        return packed((yield from self.store.update_package(package_id=package_id, **texts)))

    def _delete(self, query: Json, call: Call, package_id: str) -> ota.Steps[Json]:
        yield from self.store.delete_package(package_id=package_id)
        return {}

    def _list_devices(self, query: Json, call: Call) -> ota.Steps[Json]:
        name = query.get("name")
        if name is None:
            return (yield from self._rows(query, self.store.list_devices, shown, product=query.get("product")))
        found = yield from self.store.get_device(device=name)
        return {"items": [shown(found)], "more": False}

    def _get_devices(self, query: Json, call: Call, device_id: str) -> ota.Steps[Json]:
        return shown((yield from self.store.get_device(**key(device_id))))

    def _list_versions(self, query: Json, call: Call, device_id: str) -> ota.Steps[Json]:
        return (yield from self._rows(query, self.store.list_module_versions, run, **key(device_id)))

    def _list_history(self, query: Json, call: Call, device_id: str) -> ota.Steps[Json]:
        return (yield from self._rows(query, self.store.list_version_history, run, **key(device_id)))

    def _rows(self, query: Json, operation: Any, told: Callable[[Any], Json], **filters: Any) -> ota.Steps[Json]:
        listed = Listed(fetch=lambda at, limit: operation(**filters, cursor=at, limit=limit), largest=SIZE)
        start, size = (int(query[name]) if query.get(name, "").isdecimal() else 0 for name in ("start", "size"))
        found = yield from window(listed, None, min(size, SIZE) or 1, skip=start)
        return {"items": [told(row) for row in found.rows], "more": found.cursor is not None}


def answered(status: int, told: Json, code: str = "") -> Answer:
    return Answer(
        status=status, headers=(("Content-Type", "application/json"),), body=json.dumps(told).encode(), code=code
    )


def packed(row: ota.Package) -> Json:
    file = row.artifacts[0] if row.artifacts else None
    about = {"file": file.name, "size": file.size, "sha256": file.checksum and file.checksum.hex} if file else {}
    named = {"id": row.id, "product": row.product, "kind": KINDS.get(row.module), "version": row.version}
    return {**named, "title": row.name, "notes": row.description, **about}


def shown(row: ota.Device) -> Json:
    return {"product": row.product, "name": row.name, "id": f"{row.product}\n{row.name}".encode().hex()}


def run(row: ota.ModuleVersion) -> Json:
    return {"kind": KINDS.get(row.module), "version": row.version}


def key(device_id: str) -> dict[str, str]:
    try:
        product, _, device = bytes.fromhex(device_id).decode().partition("\n")
    except ValueError:
        raise ota.NotFoundError("no such device") from None
    return {"product": product, "device": device}
