"""What can be made and deleted on a cloud: a module, and a package. Each test of writes is tried with both."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.testing.ground import Cloud
from otabridge.testing.suite import Suite, has


class Thing(ABC):
    """One that is not there yet. `texts` are its fields that hold any text."""

    kind: ClassVar[str]
    create: ClassVar[Op]
    remove: ClassVar[Op]
    texts: ClassVar[tuple[str, ...]]

    def __init__(self, suite: Suite, cloud: Cloud) -> None:
        self.suite = suite
        self.cloud = cloud

    def field(self, *candidates: str) -> dict[str, str]:
        """The first text that the cloud has, with a value of the candidates; empty if it has none."""
        for name in self.texts:
            if text := self.cloud.text(f"{self.kind}.{name}", *candidates):
                return {name: text}
        return {}

    @abstractmethod
    def make(self, **texts: str) -> Any:
        """Ask the backend for it."""

    @abstractmethod
    def delete(self, made: Any) -> None:
        """Ask the backend to delete it."""

    @abstractmethod
    def lay(self, **texts: str) -> None:
        """Make it from behind."""

    @abstractmethod
    def stored(self) -> list[Any]:
        """What there is of its kind, seen from behind."""


class AModule(Thing):
    """The first module of the product."""

    kind = "module"
    create = Op.CREATE_MODULE
    remove = Op.DELETE_MODULE
    texts = ("alias", "description")

    def make(self, **texts: str) -> Any:
        cloud = self.cloud
        texts.setdefault("alias", cloud.text("module.alias"))  # type: ignore[arg-type]  # there may be no such field
        return cloud.do(Op.CREATE_MODULE, product=cloud.product, name=cloud.modules[0], **texts)

    def delete(self, made: Any) -> None:
        self.cloud.do(Op.DELETE_MODULE, product=self.cloud.product, name=made.name)

    def lay(self, **texts: str) -> None:
        assert self.cloud.store
        self.cloud.store.modules.create(self.cloud.modules[0], product=self.cloud.product, **texts)

    def stored(self) -> list[Any]:
        assert self.cloud.store
        return self.cloud.ours(self.cloud.store.modules.list(product=self.cloud.product))


class APackage(Thing):
    """Version 1.0 of the first module."""

    kind = "package"
    create = Op.CREATE_PACKAGE
    remove = Op.DELETE_PACKAGE
    texts = ("description", "custom_info")

    def __init__(self, suite: Suite, cloud: Cloud) -> None:
        super().__init__(suite, cloud)
        self.draft = suite.draft(cloud)

    def make(self, **texts: str) -> Any:
        return self.suite.publish(self.cloud, replace(self.draft, **texts))  # type: ignore[arg-type]

    def delete(self, made: Any) -> None:
        self.cloud.do(Op.DELETE_PACKAGE, package_id=made.id)

    def lay(self, **texts: str) -> None:
        (module,) = self.cloud.lay()
        self.cloud.package("1.0", module, **texts)

    def stored(self) -> list[Any]:
        assert self.cloud.store
        return list(self.cloud.store.packages.list(product=self.cloud.product))


THINGS: dict[str, type[Thing]] = {kind.kind: kind for kind in (AModule, APackage)}


class Writing(Suite):
    """A group whose tests write."""

    @pytest.fixture(params=THINGS)
    def thing(self, request: pytest.FixtureRequest, cloud: Cloud) -> Thing:
        """Something to make."""
        kind = THINGS[request.param]
        has(type(cloud.backend), kind.create)
        return kind(self, cloud)
