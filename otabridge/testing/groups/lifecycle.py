"""Lifecycle: a backend is made without any I/O, is closed twice without harm, and shares nothing with another."""

from otabridge.capabilities import Capability as Op
from otabridge.flow import Flow
from otabridge.testing.ground import Cloud
from otabridge.testing.groups.errors import sent
from otabridge.testing.suite import Suite


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
        cloud.ground.begin(cloud.product)
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

    def test_a_backend_remembers_nothing_that_goes_stale(self, cloud: Cloud) -> None:
        assert cloud.store
        sent(cloud)
        for name in ("unit_0", "unit_1"):
            cloud.store.modules.create(name, product=cloud.product)
            cloud.settle()
            told = [row.name for row in cloud.rows(Op.LIST_MODULES, product=cloud.product) if not row.builtin]
            assert name in told
        if cloud.supports(Op.GET_MODULE):
            cloud.do(Op.GET_MODULE, product=cloud.product, name="unit_1")
        cloud.store.modules.delete("unit_1", product=cloud.product)
        cloud.settle()
        told = [row.name for row in cloud.rows(Op.LIST_MODULES, product=cloud.product) if not row.builtin]
        assert told == ["unit_0"]
