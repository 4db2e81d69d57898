"""How much a test of chance tries: a seeded sample, or with OTABRIDGE_TEST_SCALE=full as much as was promised."""

import os

from hypothesis import HealthCheck, settings

FULL = os.environ.get("OTABRIDGE_TEST_SCALE") == "full"


def scaled(sample: int, full: int) -> settings:
    """Settings for so many examples, always the same ones, none saved, over a server that all of them share."""
    return settings(
        max_examples=full if FULL else sample,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
