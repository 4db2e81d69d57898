"""The conformance kit on a real server: `pytest --otabridge-target=live`. There is no facade that could be wrong.

Without that it replays what is on record of one.
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from clients import settings
from hawkbit_server import shared
from players import Operator, Player
from recordings import RECORDINGS, SETTINGS, URL

from otabridge.models import FIRMWARE
from otabridge.testing import BackendConformance
from otabridge.testing.ground import Ground

MOST_ATTRIBUTES = 100  # the server's quota
HERE: dict[str, Operator] = {}  # by the endpoint that the kit is given


class TestHawkbit(BackendConformance):
    """Products are prefixes of type keys, so that each test has its own."""

    backend = "hawkbit"
    facade = None
    begins = False
    manner: ClassVar[Mapping[str, Any]] = {"product_mode": "prefix", "version_attribute": "{product}_{module}"}
    known_gaps = {}  # noqa: RUF012
    cassettes = Path(__file__).parents[3] / "cassettes" / "hawkbit"
    recorded = SETTINGS
    # The kit's tape holds no files: test_documents.py replays the rest.
    exchanges = {  # noqa: RUF012
        f"{name}.yaml": recording.exchange(URL, Path())
        for name, recording in RECORDINGS.items()
        if not recording.bytes_move
    }

    @classmethod
    def lay(cls, folder: Path, target: str = "facade") -> AbstractContextManager[Ground]:
        if target != "live":
            pytest.skip("there is no facade, since a real server can be run: --otabridge-target=live")
        return cls._on_a_server(folder)

    @classmethod
    @contextmanager
    def _on_a_server(cls, folder: Path) -> Iterator[Ground]:
        site = shared()
        numbers = itertools.count()
        with Operator(site) as operator:
            HERE[site.url] = operator
            cls.live = {**settings(site), **cls.manner}
            cls.live.pop("backend")
            cls.product = staticmethod(lambda _: f"{operator.prefix}{next(numbers)}")
            with super().lay(folder, "live") as ground:
                yield ground
            assert operator.tidy() == []

    @staticmethod
    def report(settings: Any, product: str, versions: Mapping[tuple[str, str], str]) -> None:
        """Devices register and tell their attributes; a module must be there for a device to be of the product."""
        operator = HERE[settings.endpoint]
        words = {module: "os" if module == FIRMWARE else module for _, module in versions}
        for word in words.values():
            key = f"{product}.{word}"
            operator.ask("POST", "/softwaremoduletypes", json=[{"key": key, "name": key, "maxAssignments": 1}])
        told: dict[str, dict[str, str]] = {}
        for (device, module), version in versions.items():
            told.setdefault(device, {})[f"{product}_{words[module]}"] = version
        with operator.site.device_client() as http:
            for device, attributes in told.items():
                if len(attributes) > MOST_ATTRIBUTES:
                    pytest.skip(f"a device reports at most {MOST_ATTRIBUTES} attributes")
                operator.made["targets"].add(device)
                player = Player(http, device)
                player.poll()
                player.report(attributes)
