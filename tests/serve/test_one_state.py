"""One state, three dialects: what is made through one cloud's API is there through the others, and nothing else is."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from otabridge import (
    Artifact,
    Checksum,
    Client,
    ConflictError,
    ModuleVersion,
    NotFoundError,
    ObjectLocation,
    connect,
)
from otabridge.serve import Server, running
from tests.support.mirror import settings

DIALECTS = ("huawei", "tuya", "aliyun")
NAMES = st.sampled_from(["mcu", "MCU2", "b.l-e_", "x" * 64])
TEXTS = st.none() | st.text("aZ09._-主控é +%&=*~'", min_size=1, max_size=20).map(str.strip).filter(bool)
ALIASES = st.none() | st.text("aZ09._-主控", min_size=1, max_size=64)
VERSIONS = st.sampled_from(["1.0", "2.0-rc_1", "v" * 64])
_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(*DIALECTS) as server:
        yield server


@pytest.fixture(scope="module")
def clouds(server: Server) -> Iterator[dict[str, Client]]:
    clouds = {name: connect(**settings(server, name)) for name in DIALECTS}
    yield clouds
    for cloud in clouds.values():
        cloud.close()


class OneState(RuleBasedStateMachine):
    """A product worked on through random dialects, beside a model of what it has."""

    clouds: dict[str, Client]

    @initialize()
    def begin(self) -> None:
        self.product = f"p{next(_numbers):06}"
        self.modules: dict[str, tuple[str | None, str | None]] = {}
        self.packages: dict[str, tuple[str, str]] = {}

    @rule(through=st.sampled_from(DIALECTS), name=NAMES, alias=ALIASES, description=TEXTS)
    def create_module(self, through: str, name: str, alias: str | None, description: str | None) -> None:
        call = self.clouds[through].modules.create
        if name in self.modules:
            with pytest.raises(ConflictError):
                call(name, product=self.product, alias="other", description=f"{description}.")
            return
        call(name, product=self.product, alias=alias, description=description)
        self.modules[name] = (alias, description)

    @rule(through=st.sampled_from(DIALECTS), name=NAMES, description=TEXTS.filter(bool))
    def update_module(self, through: str, name: str, description: str) -> None:
        call = self.clouds[through].modules.update
        if name not in self.modules:
            with pytest.raises(NotFoundError):
                call(name, product=self.product, description=description)
            return
        call(name, product=self.product, description=description)
        self.modules[name] = (self.modules[name][0], description)

    @rule(through=st.sampled_from(DIALECTS), name=NAMES)
    def delete_module(self, through: str, name: str) -> None:
        call = self.clouds[through].modules.delete
        if name not in self.modules:
            with pytest.raises(NotFoundError):
                call(name, product=self.product)
        elif any(module == name for module, _ in self.packages.values()):
            with pytest.raises(ConflictError):
                call(name, product=self.product)
        else:
            call(name, product=self.product)
            del self.modules[name]

    @rule(name=NAMES, version=VERSIONS)
    def create_package(self, name: str, version: str) -> None:
        if name not in self.modules or (name, version) in self.packages.values():
            return
        lies = ObjectLocation(region="r1", bucket="abc", key="a/b.bin")
        artifact = Artifact(name="b.bin", checksum=Checksum(algorithm="sha256", hex="5" * 64), location=lies)
        made = self.clouds["huawei"].packages.create(
            product=self.product, module=name, version=version, artifacts=[artifact]
        )
        self.packages[made.id] = (name, version)

    @rule(through=st.sampled_from(DIALECTS), at=st.integers(0, 9))
    def delete_package(self, through: str, at: int) -> None:
        if self.packages:
            gone = sorted(self.packages)[at % len(self.packages)]
            self.clouds[through].packages.delete(gone)
            del self.packages[gone]

    @invariant()
    def every_dialect_tells_the_same(self) -> None:
        if not hasattr(self, "product"):
            return
        for cloud in self.clouds.values():
            rows = list(cloud.modules.list(product=self.product))
            assert {row.name: (row.alias, row.description) for row in rows} == self.modules
            assert len(rows) == len(self.modules)
            packages = list(cloud.packages.list(product=self.product))
            assert {row.id: (row.module, row.version) for row in packages} == self.packages


def test_every_dialect_tells_the_same_whatever_was_done_through_which(clouds: dict[str, Client]) -> None:
    machine: Any = type("Machine", (OneState,), {"clouds": clouds})
    run_state_machine_as_test(
        machine,
        settings=profile(
            max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@profile(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    versions=st.dictionaries(
        st.tuples(st.sampled_from(["unit-1", "unit_2", "unit.3"]), st.sampled_from(["mcu", "ble", "@default"])),
        VERSIONS,
        max_size=9,
    )
)
def test_what_devices_reported_is_told_alike_by_every_dialect(
    server: Server, clouds: dict[str, Client], versions: dict[tuple[str, str], str]
) -> None:
    product = f"p{next(_numbers):06}"
    server.cloud.devices.report_versions(
        ModuleVersion(product=product, device=device, module=module, version=version)
        for (device, module), version in versions.items()
    )
    for cloud in clouds.values():
        rows = list(cloud.fleet.versions(product=product))
        # The whole-device module has a name of its own in each cloud.
        told = {(row.device, row.module.replace("@firmware", "@default")): row.version for row in rows}
        assert told == versions
