"""A plugin for the tests of the command line. The product asked for says how the cloud behaves."""

import os
import warnings
from typing import Any, ClassVar

from pydantic import SecretStr

from otabridge import errors
from otabridge.plugin import (
    CONTRACT,
    NATIVE,
    Backend,
    Capability,
    HttpSettings,
    Level,
    Limits,
    Module,
    Page,
    Quota,
    Settings,
    Steps,
    Support,
    Text,
    World,
    flow,
    hookimpl,
    local,
)


class FakeSettings(HttpSettings):
    """`fails` names the error that every call ends with."""

    environment: ClassVar = {"key": ("FAKECLOUD_KEY",)}
    credentials: ClassVar = frozenset({"key"})

    endpoint: str = "https://fake.test"
    key: SecretStr = SecretStr("fake-default-key")
    fails: str = ""


class FakeBackend(Backend):
    """Lists modules as the product's name says; everything else is not there, or empty."""

    name = "fake"
    contract = CONTRACT
    settings: ClassVar[type[Settings]] = FakeSettings
    capabilities: ClassVar = {
        Capability.LIST_MODULES: NATIVE,
        Capability.CREATE_MODULE: Support(Level.EMULATED, "made up"),
        Capability.LIST_PACKAGES: NATIVE,
        Capability.LIST_MODULE_VERSIONS: NATIVE,
        Capability.LIST_DEVICES: Support(Level.UNSUPPORTED, "this cloud has no list of devices"),
    }
    limits: ClassVar = Limits(
        text={"module.name": Text(max_length=8, required=True, hint="shorten it")},
        page_size={Capability.LIST_MODULES: 50},
        counts={"modules per product": 10},
    )
    quotas: ClassVar = {"ListThings": Quota(2.5)}

    def __init__(self, config: Settings, *, world: World | None = None) -> None:
        super().__init__(config, world=world)
        assert isinstance(config, FakeSettings)
        self.fails, self.endpoint, self.key = config.fails, config.endpoint, config.key

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        kind = self.fails or (product if product and product.endswith("Error") else "")
        if kind:
            secret = self.key.get_secret_value()
            assert secret
            raise getattr(errors, kind, RuntimeError)(f"the cloud said\n{kind}\x1b[31m in red")
        if product == "warns":
            warnings.warn("this is\nodd", UserWarning, stacklevel=2)
        if product == "one":
            return Page((Module(product="one", name=self.endpoint),))
        if product == "escapes":
            return Page((Module(product="p", name="\x1b[2Jevil\u202e", alias="a\nb\tc"),))
        if product == "half":
            return Page((Module(product="p", name="a\udc80"),))
        if cursor is None:
            return Page((Module(product="p", name="first"),), cursor="2")
        if product == "breaks":
            raise errors.ServerError("the second page is gone")
        if product == "gate":
            yield from local(wait_at_gate)
        return Page((Module(product="p", name="a longer second"),))

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        yield from ()
        if self.fails:
            raise getattr(errors, self.fails)("refused")
        return Module(product=product, name=name)

    @flow
    def list_packages(self, **_: Any) -> Steps[Page[Any]]:
        yield from ()
        return Page(())

    @flow
    def list_module_versions(self, **_: Any) -> Steps[Page[Any]]:
        yield from ()
        return Page(())


def wait_at_gate() -> None:
    """Block until somebody opens the other end of the FIFO."""
    with open(os.environ["FAKE_GATE"]) as gate:
        gate.read()


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    return [FakeBackend]
