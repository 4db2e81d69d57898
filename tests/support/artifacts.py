"""Files that lie where a cloud wants them, for the kit's tests of publishing."""

import json
from base64 import b64encode
from datetime import timedelta
from hashlib import md5

import httpx
from otabridge_action.signing import oss_signature

from otabridge.models import Artifact, Checksum, ObjectLocation, UrlLocation
from otabridge.testing.ground import Cloud

BYTES = b"firmware"


def in_a_bucket(cloud: Cloud) -> Artifact:
    """An object that nobody looks at."""
    return Artifact(
        name="app.bin",
        checksum=Checksum(algorithm="sha256", hex="5a" * 32),
        location=ObjectLocation(region="cn-north-4", bucket="releases", key="app.bin"),
    )


def uploaded(cloud: Cloud) -> Artifact:
    """A file that is uploaded by the form that the Action clouds grant."""
    server, key = cloud.ground.server, f"ota/{cloud.product}/app.bin"
    until = (cloud.clock.now() + timedelta(minutes=1)).isoformat(timespec="milliseconds")
    policy = b64encode(json.dumps({"expiration": until, "conditions": [["eq", "$key", key]]}).encode()).decode()
    form = {"key": key, "policy": policy, "OSSAccessKeyId": server.access_key}
    form["signature"] = oss_signature(server.secret_key, policy)
    httpx.post(f"{server.url}/", data=form, files={"file": ("app.bin", BYTES)}).raise_for_status()
    return Artifact(
        name="app.bin",
        size=len(BYTES),
        checksum=Checksum(algorithm="md5", hex=md5(BYTES).hexdigest()),
        location=UrlLocation(url=f"{server.url}/{key}"),
    )


def artifact(cloud: Cloud) -> Artifact:
    """A file for whichever cloud it is."""
    return in_a_bucket(cloud) if cloud.backend.name == "huawei" else uploaded(cloud)
