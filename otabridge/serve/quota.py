"""Rate limits as a cloud enforces them: so many calls of one operation in any second, and the next one is refused."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal

from otabridge.errors import ConfigurationError
from otabridge.facade import Facade, Table
from otabridge.pacing import EVERYTHING, Quota

QuotaRule = Literal["off", "documented"] | float
KNOWN = 10_000


class Throttle:
    """The gates of one facade. `rule` is `off`, `documented`, or calls per second for every operation."""

    def __init__(self, facade: type[Facade] | Facade, rule: QuotaRule, monotonic: Callable[[], float]) -> None:
        self._quotas = quotas(facade.quotas, rule)
        self._monotonic = monotonic
        self._gates: Table[tuple[str, str], deque[float]] = Table(KNOWN)

    def admits(self, account: str, operation: str) -> bool:
        """Whether a call may pass; one that may not uses up nothing."""
        quota = self._quotas.get(operation) or self._quotas.get(EVERYTHING)
        if quota is None:
            return True
        # Below one a second, one call has a longer window.
        window = max(1.0, 1 / quota.rate)
        place = (account if quota.per == "account" else "", operation)
        passed = self._gates.get(place)
        if passed is None:
            passed = self._gates.put(place, deque(maxlen=max(1, int(quota.rate))))
        now = self._monotonic()
        if len(passed) == passed.maxlen and now - passed[0] < window:
            return False
        passed.append(now)
        return True


def quotas(documented: Mapping[str, Quota], rule: QuotaRule) -> Mapping[str, Quota]:
    """Operation -> its quota, by the rule."""
    if rule == "off":
        return {}
    return documented if rule == "documented" else {EVERYTHING: Quota(float(rule))}


def quota_rule(text: str | float) -> QuotaRule:
    """The rule that was typed. ConfigurationError if it is none."""
    if text == "off":
        return "off"
    if text == "documented":
        return "documented"
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1e-3 <= rate <= 1e6:
        raise ConfigurationError(
            f"quota: {str(text)[:40]!r} is none: give off, documented, or calls per second of every operation"
        )
    return rate
