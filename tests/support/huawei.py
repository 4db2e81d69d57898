"""What the tests of Huawei's facade ask with: bodies for a mirror, and the vendor's SDK for a server."""

from types import SimpleNamespace
from typing import Any

import httpx

from otabridge.models import ModuleVersion
from otabridge.serve import Server

PRODUCT = "5ba24f5ebbe8f56f5a14f605"
SHA = "595124473f866b033dfa1f7e831c8c99a12f6143f392dfa996a819010842c99d"


def module(mirror: Any, name: str = "MCU", **changes: Any) -> dict[str, Any]:
    body = {"app_id": mirror.app, "product_id": PRODUCT, "module_name": name, **changes}
    return {name: value for name, value in body.items() if value is not None}


def package(mirror: Any, **changes: Any) -> dict[str, Any]:
    lies = {"region_name": "cn-north-4", "bucket_name": "abc", "object_key": "a/b.bin", "sign": SHA}
    body = {
        "app_id": mirror.app,
        "package_type": "modulePackage",
        "product_id": PRODUCT,
        "module_name": "MCU",
        "version": "V1",
        "file_location": {"obs_location": lies},
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def report(mirror: Any, product: str, device: str, **versions: str) -> None:
    rows = [
        ModuleVersion(product=product, device=device, module=module, version=version)
        for module, version in versions.items()
    ]
    mirror.cloud.devices.report_versions(rows)


# --- over HTTP ---


def login(server: Server, **scope: Any) -> httpx.Response:
    user = {"name": "someone", "password": server.secret_key, "domain": {"name": "home"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    auth = {"identity": identity} | ({"scope": scope} if scope else {})
    return httpx.post(f"{server.url}/v3/auth/tokens", json={"auth": auth})


def temporary(server: Server) -> dict[str, str]:
    token = login(server, project={"name": "cn-north-4"}).headers["X-Subject-Token"]
    identity = {"methods": ["token"], "token": {"id": token, "duration_seconds": 21600}}
    answer = httpx.post(f"{server.url}/v3.0/OS-CREDENTIAL/securitytokens", json={"auth": {"identity": identity}})
    assert answer.status_code == 201
    credential: dict[str, str] = answer.json()["credential"]
    return credential


def made(sdk: SimpleNamespace, server: Server, way: str = "plain", **hints: str) -> Any:
    """A client of the SDK."""
    keys, hints = (server.access_key, server.secret_key), {**server.hints["huawei"], **hints}
    key = temporary(server) if way == "temporary" else None
    basic = sdk.credentials.BasicCredentials
    credentials = basic(*((key["access"], key["secret"]) if key else keys), hints["project_id"])
    if key:
        credentials = credentials.with_security_token(key["securitytoken"])
    if way == "derived":
        credentials = credentials.with_derived_predicate(basic.get_default_derived_predicate())
    region = sdk.region.Region(hints["region"], server.url)
    return sdk.v5.IoTDAClient.new_builder().with_credentials(credentials).with_region(region).build()


def create_module(sdk: SimpleNamespace, iotda: Any, app: str, product: str, name: str, **more: Any) -> Any:
    body = sdk.v5.CreateOtaModule(app_id=app, product_id=product, module_name=name, **more)
    return iotda.create_ota_module(sdk.v5.CreateOtaModuleRequest(body=body, instance_id="i-1"))
