"""Records the cassettes of a real hawkBit, which it builds, starts and stops: Java and Maven must be there.

python cassettes/record_server.py [FOLDER]

What is recorded is listed in plugins/otabridge-hawkbit/tests/recordings.py.
"""

import itertools
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml  # type: ignore[import-untyped]
from exchanges import MASK
from record import DROPPED, Tape, cassette, clean, interaction

sys.path.append(str(Path(__file__).parents[1] / "plugins" / "otabridge-hawkbit" / "tests"))

from hawkbit_server import Hawkbit, Server
from otabridge_hawkbit.backend import HawkbitBackend
from players import Operator
from recordings import BYTES, NOW, RECORDINGS, SETTINGS, URL, Recording

from otabridge._exchange import Exchange as Engine
from otabridge._runners import Runner
from otabridge.signing import World
from otabridge.testing.groups.recorded import told

# For browsers, of the connection, or made of the times.
QUIET = DROPPED | {"pragma", "expires", "cache-control", "x-content-type-options", "x-xss-protection"}
QUIET |= {"x-frame-options", "etag", "last-modified"}
VARYING = {
    r'"(\w+At)":\d{13}': rf'"\1":{int(NOW.timestamp() * 1000)}',
    r'"timestamp":"[^"]*"': f'"timestamp":"{NOW:%Y-%m-%dT%H:%M:%S}.000+00:00"',
    r'"securityToken":"[^"]*"': f'"securityToken":"{MASK}"',
}


def record(site: Hawkbit, recording: Recording, folder: Path) -> list[dict[str, Any]]:
    """What goes over the wire."""
    numbers = itertools.count(1)
    tape = Tape(lambda: recording.meanwhile(folder))
    given = {**SETTINGS, "endpoint": site.url, "password": site.password, **recording.settings}
    world = World(nonce=lambda: f"{next(numbers):032x}")
    backend = HawkbitBackend(HawkbitBackend.settings(**given), world=world)
    runner = Runner(Engine(backend), tape)
    (folder / "app.bin").write_bytes(BYTES)
    exchange = recording.exchange(site.url, folder)
    with suppress(*[exchange.result] * bool(recording.says)):
        told(runner, backend, exchange)
    runner.close()

    def shown(text: str) -> str:
        text = clean(text, site.url, URL)
        for pattern, instead in VARYING.items():
            text = re.sub(pattern, instead, text)
        return text

    return [interaction(*exchanged, shown, QUIET) for exchanged in tape.exchanges]


def first(site: Hawkbit) -> object:
    """The id of the type `application`."""
    with site.client() as http:
        rows = http.get("/softwaremoduletypes").json()["content"]
    return next(row["id"] for row in rows if row["key"] == "application")


def main(folder: Path) -> None:
    """Write every cassette below a folder; one that tells nothing new keeps its date."""
    server = Server().start()
    while first(server.site) != 1:  # which of the two built-in types comes first is chance
        server.stop()
        server = Server().start()
    with Operator(server.site) as operator:
        for name, recording in RECORDINGS.items():
            recording.before(operator)
            with TemporaryDirectory() as scratch:
                interactions = record(server.site, recording, Path(scratch))
            path = folder / "hawkbit" / f"{name}.yaml"
            text = cassette(
                interactions,
                provenance="real-server",
                source="Eclipse hawkBit 0.3.0M7, started by the tests",
                recorded=f"{datetime.now(UTC):%Y-%m-%d}",
                note="the host, the device tokens and all times are replaced",
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            known = yaml.safe_load(path.read_text("utf-8")) if path.exists() else {"interactions": None}
            if known["interactions"] != yaml.safe_load(text)["interactions"]:
                path.write_text(text, "utf-8")
    server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)
