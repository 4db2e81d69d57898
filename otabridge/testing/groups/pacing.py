"""Pacing: the rates that a vendor publishes are kept to, and each request names the rate that it counts against."""

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.pacing import EVERYTHING
from otabridge.testing.ground import Cloud
from otabridge.testing.groups.errors import sent
from otabridge.testing.suite import Suite

CALLS = 5


class Pacing(Suite):
    """An account that is throttled is throttled for everybody."""

    def test_calls_keep_to_the_published_rate(self, cloud: Cloud) -> None:
        sent(cloud)
        paced = cloud.another(quotas="documented")
        rates = paced.backend.rates()
        if not rates:
            pytest.skip("no rate is declared")
        began = cloud.clock.seconds
        for _ in range(CALLS):
            paced.rows(Op.LIST_MODULES, product=cloud.product)
        names = {request.pace or request.operation for request in paced.tape.sent if request.auth}
        known = [rates[name] for name in (*names, EVERYTHING) if name in rates]
        if not known:
            pytest.skip(f"no rate is declared for {sorted(names)}")
        least = (CALLS - 1) / min(known)
        assert cloud.clock.seconds - began >= least * 0.5, f"{CALLS} calls at {min(known)} a second take {least:.2f} s"

    def test_a_rate_that_is_set_is_kept_to(self, cloud: Cloud) -> None:
        sent(cloud)
        paced = cloud.another(quotas=2.0)
        paced.rows(Op.LIST_MODULES, product=cloud.product)
        began, before = cloud.clock.seconds, len(paced.tape.sent)
        for _ in range(CALLS):
            paced.rows(Op.LIST_MODULES, product=cloud.product)
        count = len(paced.tape.sent) - before
        assert cloud.clock.seconds - began >= (count - 1) / 2.0 * 0.5

    def test_rates_are_of_operations_that_are_sent(self, cloud: Cloud) -> None:
        sent(cloud)
        known = {*cloud.backend.quotas} - {EVERYTHING}
        if not known or EVERYTHING in cloud.backend.quotas:
            pytest.skip("rates are not by operation")
        names = {request.pace or request.operation for request in cloud.tape.sent if request.auth}
        assert names & known, f"{sorted(names)} have no rate: an operation's name in `quotas` is the request's"
