"""Lifecycle: a backend is made without any I/O, is closed twice without harm, and shares nothing with another."""

from otabridge.capabilities import Capability as Op
from otabridge.flow import Flow
from otabridge.testing.ground import Cloud
from otabridge.testing.groups.errors import sent
from otabridge.testing.suite import Suite, needs


class Lifecycle(Suite):
    """Clients come and go, and flows are dropped in the middle."""

    def test_making_a_backend_sends_nothing(self, cloud: Cloud) -> None:
        assert cloud.tape.sent == []

    def test_closing_twice_does_no_harm(self, cloud: Cloud) -> None:
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        cloud.close()
        cloud.backend.close()

    def test_an_operation_is_a_flow_that_does_nothing_until_it_is_run(self, cloud: Cloud) -> None:
        flow = cloud.backend.list_modules(product=cloud.product)
        assert isinstance(flow, Flow), "an operation returns a Flow: write @flow above it"
        assert cloud.tape.sent == []
        cloud.run(flow)

    def test_a_flow_that_is_dropped_in_the_middle_leaves_the_rest_alone(self, cloud: Cloud) -> None:
        cloud.begin()
        steps = iter(cloud.backend.list_modules(product=cloud.product))
        next(steps, None)
        steps.close()
        cloud.rows(Op.LIST_MODULES, product=cloud.product)

    def test_two_clients_share_nothing(self, cloud: Cloud) -> None:
        sent(cloud)
        other = cloud.another()
        other.rows(Op.LIST_MODULES, product=cloud.product)
        other.close()
        assert other.backend is not cloud.backend
        cloud.rows(Op.LIST_MODULES, product=cloud.product)

    @needs(Op.CREATE_MODULE)
    def test_a_backend_remembers_nothing_that_goes_stale(self, cloud: Cloud) -> None:
        assert cloud.store
        sent(cloud)
        kept, gone = cloud.some_modules(2)
        for name in (kept, gone):
            cloud.store.modules.create(name, product=cloud.product)
            cloud.settle()
            assert name in [row.name for row in cloud.rows(Op.LIST_MODULES, product=cloud.product)]
        if cloud.supports(Op.GET_MODULE):
            cloud.do(Op.GET_MODULE, product=cloud.product, name=gone)
        cloud.store.modules.delete(gone, product=cloud.product)
        cloud.settle()
        assert [row.name for row in cloud.ours(cloud.rows(Op.LIST_MODULES, product=cloud.product))] == [kept]

    def test_a_backend_remembers_no_package_that_is_gone(self, cloud: Cloud) -> None:
        assert cloud.store
        sent(cloud)
        cloud.lay()
        for version in ("1.0", "2.0"):
            made = cloud.package(version)
            cloud.settle()
            told = {row.version: row for row in cloud.rows(Op.LIST_PACKAGES, product=cloud.product)}
            assert version in told
        if cloud.supports(Op.GET_PACKAGE):
            cloud.do(Op.GET_PACKAGE, package_id=told["2.0"].id)
        cloud.store.packages.delete(made.id)
        cloud.settle()
        assert [row.version for row in cloud.rows(Op.LIST_PACKAGES, product=cloud.product)] == ["1.0"]
