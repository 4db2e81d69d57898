"""The first call to a facade, as a program that a newcomer can copy."""

import json
from collections.abc import Mapping

from otabridge.errors import OtaBridgeError
from otabridge.serve.reach import reach

PLACEHOLDER = "the secret key"
_PROGRAM = """import otabridge

with otabridge.connect(
{settings}
) as cloud:
    cloud.modules.create("mcu", product="demo", alias="main-controller")
    for module in cloud.modules.list(product="demo"):
        print(module.name, module.alias)
"""


def first_call(facade: str, url: str, hints: Mapping[str, str], access_key: str) -> str:
    """A program for the client of that cloud, with a placeholder for the secret key; empty where there is none."""
    try:
        given = reach(facade, url, hints, access_key, PLACEHOLDER)
    except OtaBridgeError:
        return ""
    lines = (f"    {name}={json.dumps(value)}," for name, value in given.items())
    return _PROGRAM.format(settings="\n".join(lines))
