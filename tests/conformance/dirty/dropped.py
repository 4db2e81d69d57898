"""A backend that drops a flow."""

from typing import Any

from otabridge_huawei.backend import HuaweiBackend

from otabridge.plugin import Steps, flow


class DropsAFlow(HuaweiBackend):
    """It deletes without yielding from what deletes."""

    @flow
    def delete_package(self, *, package_id: str, **_: Any) -> Steps[None]:
        self.get_package(package_id=package_id)
        yield from super().delete_package(package_id=package_id)
