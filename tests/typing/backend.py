"""A plugin author's class, for mypy alone: the least that a backend is made of type-checks strictly."""

from collections.abc import Mapping
from typing import ClassVar, assert_type

from pydantic import SecretStr

from otabridge.plugin import (
    NATIVE,
    Backend,
    Capability,
    Flow,
    HttpSettings,
    Module,
    ModuleVersion,
    Package,
    Page,
    Request,
    Response,
    Steps,
    Support,
    flow,
    hookimpl,
    send,
)


class AcmeSettings(HttpSettings):
    """What an account has."""

    key: SecretStr


class AcmeBackend(Backend):
    """The three required operations."""

    name = "acme"
    contract = 1
    settings = AcmeSettings
    capabilities: ClassVar[Mapping[Capability, Support]] = {
        Capability.LIST_MODULES: NATIVE,
        Capability.LIST_PACKAGES: NATIVE,
        Capability.LIST_MODULE_VERSIONS: NATIVE,
    }

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        """One page."""
        reply = yield from send(Request(operation="ListModules", query=(("product", product or ""),)))
        assert_type(reply, Response)
        return Page((Module(product=product or "", name=reply.body.decode()),))

    @flow
    def list_packages(
        self,
        *,
        product: str | None = None,
        module: str | None = None,
        version: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[Package]]:
        """One page."""
        yield from ()
        return Page(())

    @flow
    def list_module_versions(
        self,
        *,
        product: str | None = None,
        device: str | None = None,
        device_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[ModuleVersion]]:
        """One page."""
        yield from ()
        return Page(())


def use(backend: AcmeBackend) -> None:
    """Operations give flows."""
    assert_type(backend.list_modules(product="p"), Flow[Page[Module]])


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """What the plugin registers."""
    return [AcmeBackend]
