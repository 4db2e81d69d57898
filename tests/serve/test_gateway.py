"""Gateways: a script written for one cloud's official SDK works another cloud, which is itself a facade here."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_iot20180120 import models
from alibabacloud_iot20180120.client import Client as Aliyun
from alibabacloud_tea_openapi.models import Config

from otabridge import Artifact, Checksum, ModuleVersion, ObjectLocation, connect
from otabridge.serve import Server, running

_numbers = itertools.count()


@pytest.fixture
def product() -> str:
    """A product that no other test has."""
    return f"5ba24f5ebbe8f56f5a14{next(_numbers):04x}"


@pytest.fixture(scope="module")
def huawei() -> Iterator[Server]:
    """The cloud in the back: Huawei's API over a store of its own."""
    with running("huawei") as server:
        yield server


@pytest.fixture(scope="module")
def gateway(huawei: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The gateway in front: Aliyun's API over the cloud that the configuration names."""
    hints = huawei.hints["huawei"]
    config: Path = tmp_path_factory.mktemp("config") / "otabridge.toml"
    config.write_text(
        f"""[clouds.behind]
backend = "huawei"
endpoint = "{huawei.url}"
region = "{hints["region"]}"
project_id = "{hints["project_id"]}"
app_id = "{hints["app_id"]}"
access_key = "{huawei.access_key}"
quotas = "off"
"""
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTABRIDGE_BEHIND_SECRET_KEY", huawei.secret_key)
        with running("aliyun", on="behind", config=config) as server:
            yield server


@pytest.fixture
def sdk(gateway: Server) -> Aliyun:
    return Aliyun(
        Config(
            access_key_id=gateway.access_key,
            access_key_secret=gateway.secret_key,
            endpoint=gateway.url.removeprefix("http://"),
            protocol="HTTP",
            region_id="cn-shanghai",
        )
    )


def succeeded(answer: Any) -> Any:
    assert answer.body.success is True, (answer.body.code, answer.body.error_message)
    return answer.body


def package(huawei: Server, product: str, module: str, version: str) -> str:
    lies = ObjectLocation(region="cn-north-4", bucket="abc", key=f"{version}.bin")
    artifact = Artifact(name="a.bin", checksum=Checksum(algorithm="sha256", hex="5" * 64), location=lies)
    return huawei.cloud.packages.create(product=product, module=module, version=version, artifacts=[artifact]).id


def test_modules_are_made_listed_and_deleted(huawei: Server, sdk: Aliyun, product: str) -> None:
    made = {"mcu": ("Main", "the main controller"), "ble": (None, None)}
    for name, (alias, desc) in made.items():
        succeeded(
            sdk.create_otamodule(
                models.CreateOTAModuleRequest(product_key=product, module_name=name, alias_name=alias, desc=desc)
            )
        )
    behind = {row.name: (row.alias, row.description) for row in huawei.cloud.modules.list(product=product)}
    assert behind == made
    listed = succeeded(sdk.list_otamodule_by_product(models.ListOTAModuleByProductRequest(product_key=product)))
    assert {row.module_name: (row.alias_name or None, row.desc or None) for row in listed.data} == made
    succeeded(sdk.delete_otamodule(models.DeleteOTAModuleRequest(product_key=product, module_name="ble")))
    assert [row.name for row in huawei.cloud.modules.list(product=product)] == ["mcu"]


def test_a_name_that_is_taken_is_told_in_the_front_s_words(huawei: Server, sdk: Aliyun, product: str) -> None:
    huawei.cloud.modules.create("mcu", product=product)
    request = models.CreateOTAModuleRequest(product_key=product, module_name="mcu", alias_name="other")
    answer = sdk.create_otamodule(request)
    assert (answer.status_code, answer.body.success, answer.body.code) == (
        200,
        False,
        "iot.ota.CreateOTAModuleNameExist",
    )


def test_packages_are_listed_page_by_page_and_deleted(huawei: Server, sdk: Aliyun, product: str) -> None:
    huawei.cloud.modules.create("mcu", product=product)
    made = {package(huawei, product, "mcu", f"1.{number}") for number in range(5)}
    seen: list[str] = []
    for number in (1, 2, 3):
        request = models.ListOTAFirmwareRequest(current_page=number, page_size=2, product_key=product)
        page = succeeded(sdk.list_otafirmware(request))
        assert (page.total, page.page_count, page.current_page) == (5, 3, number)
        seen += [row.firmware_id for row in page.firmware_info.simple_firmware_info]
    assert (len(seen), set(seen)) == (5, made)
    succeeded(sdk.delete_otafirmware(models.DeleteOTAFirmwareRequest(firmware_id=seen[0])))
    assert {row.id for row in huawei.cloud.packages.list(product=product)} == made - {seen[0]}


def test_the_versions_of_a_device_are_read(huawei: Server, sdk: Aliyun, product: str) -> None:
    rows = [("mcu", "2.1"), ("ble", "1.0"), ("@default", "9.0")]
    huawei.cloud.devices.report_versions(
        ModuleVersion(product=product, device="unit-1", module=module, version=version) for module, version in rows
    )
    request = models.ListOTAModuleVersionsByDeviceRequest(
        product_key=product, device_name="unit-1", current_page=1, page_size=200
    )
    page = succeeded(sdk.list_otamodule_versions_by_device(request))
    found = {row.module_name: row.module_version for row in page.data.simple_otamodule_info}
    assert found == {"mcu": "2.1", "ble": "1.0", "default": "9.0"}
    assert {(row.product_key, row.device_name) for row in page.data.simple_otamodule_info} == {(product, "unit-1")}


def test_what_the_cloud_behind_cannot_do_is_an_error_of_the_cloud_in_front(
    huawei: Server, sdk: Aliyun, product: str
) -> None:
    huawei.cloud.modules.create("mcu", product=product)
    found = package(huawei, product, "mcu", "1.0")
    request = models.ModifyOTAFirmwareRequest(firmware_id=found, product_key=product, firmware_name="new")
    answer = sdk.modify_otafirmware(request)
    assert answer.status_code == 200
    assert answer.body.success is False
    assert answer.body.code


def test_a_gateway_may_stand_on_settings_alone(huawei: Server, product: str) -> None:
    huawei.cloud.modules.create("mcu", product=product)
    with running("tuya", on=huawei.settings("huawei")) as front, connect(**front.settings("tuya")) as cloud:
        assert [module.name for module in cloud.modules.list(product=product)] == ["mcu"]
        assert huawei.secret_key not in repr(front) + repr(front.serving) + repr(front.cloud)


def test_a_cloud_behind_that_is_gone_is_an_error_of_the_cloud_in_front(tmp_path: Path) -> None:
    config = tmp_path / "otabridge.toml"
    config.write_text(
        '[clouds.gone]\nbackend = "tuya"\nendpoint = "http://127.0.0.1:9"\naccess_key_id = "a"\nquotas = "off"\n'
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTABRIDGE_GONE_ACCESS_KEY_SECRET", "b")
        with running("aliyun", on="gone", config=config) as server:
            sdk = Aliyun(
                Config(
                    access_key_id=server.access_key,
                    access_key_secret=server.secret_key,
                    endpoint=server.url.removeprefix("http://"),
                    protocol="HTTP",
                    region_id="cn-shanghai",
                )
            )
            request = models.DeleteOTAModuleRequest(product_key="p", module_name="mcu")
            with pytest.raises(Exception, match="ServiceUnavailable") as caught:
                sdk.delete_otamodule(request)
    assert getattr(caught.value, "status_code", None) == 503
