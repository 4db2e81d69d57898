"""The plugin as core sees it."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import otabridge_huawei
from otabridge_huawei import hooks
from otabridge_huawei.backend import HuaweiBackend
from otabridge_huawei.settings import HuaweiSettings

from otabridge.capabilities import Capability
from otabridge.registry import check_backend


def test_the_table_of_capabilities_agrees_with_the_methods() -> None:
    check_backend(HuaweiBackend)
    assert HuaweiBackend.capabilities.keys() == set(Capability)


def test_the_hook_registers_the_backend() -> None:
    assert hooks.otabridge_register_backends() == [HuaweiBackend]


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == otabridge_huawei.__version__


def test_the_search_is_paced_at_one_request_a_second(make_settings: Callable[..., HuaweiSettings]) -> None:
    rates = HuaweiBackend(make_settings()).rates()
    assert rates == {"SearchDevices": 1.0, "*": 200.0}
