"""What the canned server answers, prepared as bytes, and what every row of it must read as.

Two clouds: pages by number with different rows on each, and pages by marker. Totals and page counts are right.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache

SMALL, LARGE = "QjIFT0000101", "QjIFT0000999"  # ids of a device with ten module versions, and of one with 100,000
PRODUCT = "a1400000001"
MODULE_ID = "28f61af50fc9452aa0ed5ea25c3cc3d3"
VERSIONS, VERSION_PAGE, FEW = 100_000, 200, 10
DEVICES, DEVICE_PAGE = 20_000, 50
PACKAGES, PACKAGE_PAGE, MARKED_PAGE = 500, 100, 50

Row = dict[str, object]

# Kind -> the members of a row that everybody must read, in the order in which `expected` gives them.
MEMBERS = {
    "module": ("product_id", "module_name", "module_id", "alias_name"),
    "version": ("ProductKey", "DeviceName", "IotId", "ModuleName", "ModuleVersion"),
    "device": ("product_id", "node_id", "device_id"),
    "numbered device": ("ProductKey", "DeviceName", "IotId"),
    "package": ("package_id", "product_id", "module_name", "version"),
    "numbered package": ("FirmwareId", "ProductKey", "ModuleName", "DestVersion"),
}


def module(_: int = 0) -> Row:
    """The one module."""
    return {
        "module_id": MODULE_ID,
        "app_id": "61f7e74d036aca5be29e1ed4",
        "product_id": PRODUCT,
        "product_name": "Thermometer",
        "module_name": "MCU",
        "alias_name": "Micro_Controller",
        "description": "main controller",
        "create_time": "20230211T121212Z",
    }


def version(number: int, device: str = LARGE) -> Row:
    """One version that a device reported."""
    return {
        "IotId": device,
        "ProductKey": PRODUCT,
        "DeviceName": "gateway-7",
        "ModuleName": f"module-{number:06}",
        "ModuleVersion": f"1.{number % 977}.1",
    }


def device(number: int) -> Row:
    """A device as a list by marker gives it."""
    return {
        "app_id": "61f7e74d036aca5be29e1ed4",
        "app_name": "Fleet",
        "device_id": f"{PRODUCT}_unit-{number:06}",
        "node_id": f"unit-{number:06}",
        "gateway_id": f"{PRODUCT}_unit-{number:06}",
        "device_name": f"unit {number}",
        "node_type": "GATEWAY",
        "description": "on the roof",
        "fw_version": "1.1.0",
        "sw_version": "2.0.3",
        "device_sdk_version": "C_v0.5.0",
        "product_id": PRODUCT,
        "product_name": "Thermometer",
        "status": "ONLINE",
        "tags": [{"tag_key": "place", "tag_value": f"roof {number % 31}"}],
    }


def numbered_device(number: int) -> Row:
    """A device as a list by page number gives it."""
    return {
        "ProductKey": PRODUCT,
        "DeviceName": f"unit-{number:06}",
        "DeviceSecret": "",
        "IotId": f"iot{number:06}",
        "DeviceStatus": "ONLINE",
        "DeviceType": "0",
        "Nickname": "",
        "UtcCreate": "2023-02-11T12:12:12.000Z",
        "UtcModified": "2023-02-12T12:12:12.000Z",
        "GmtCreate": "Sat, 11 Feb 2023 12:12:12 GMT",
        "GmtModified": "Sun, 12 Feb 2023 12:12:12 GMT",
    }


def package(number: int) -> Row:
    """A package as a list by marker gives it."""
    return {
        "package_id": f"{number:024x}",
        "app_id": "61f7e74d036aca5be29e1ed4",
        "package_type": "modulePackage",
        "product_id": PRODUCT,
        "product_name": "Thermometer",
        "module_name": f"module-{number % 10}",
        "version": f"1.{number}",
        "support_source_versions": ["1.0"],
        "description": "what is new",
        "custom_info": "",
        "create_time": "20230211T121212Z",
    }


def numbered_package(number: int) -> Row:
    """A package as a list by page number gives it."""
    return {
        "FirmwareId": f"firmware{number:05}",
        "FirmwareName": f"package-{number}",
        "FirmwareDesc": "what is new",
        "ProductKey": PRODUCT,
        "ProductName": "Thermometer",
        "ModuleName": f"module-{number % 10}",
        "DestVersion": f"1.{number}",
        "SrcVersion": "",
        "Type": 0,
        "Status": 1,
        "SignMethod": "MD5",
        "FirmwareSign": f"{number:032x}",
        "FirmwareSize": 4096,
        "UtcCreate": "2023-02-11T12:12:12.000Z",
        "UtcModified": "2023-02-12T12:12:12.000Z",
    }


ROWS: dict[str, Callable[[int], Row]] = {
    "module": module,
    "version": version,
    "device": device,
    "numbered device": numbered_device,
    "package": package,
    "numbered package": numbered_package,
}


def expected(kind: str, number: int, device_id: str = LARGE) -> tuple[object, ...]:
    """What a row's members must be read as."""
    row = version(number, device_id) if kind == "version" else ROWS[kind](number)
    return tuple(row[name] for name in MEMBERS[kind])


# --- bytes ------------------------------------------------------------------------------------------------------------


def answer(body: object) -> bytes:
    """The bytes of an HTTP answer."""
    data = json.dumps(body, separators=(",", ":")).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: 67AF7881\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def numbered(rows: Sequence[Row], path: Sequence[str], *, number: int, size: int, total: int) -> bytes:
    """A page of a list by number, in its wrappers."""
    page: object = rows
    for name in reversed(path):
        page = {name: page}
    assert isinstance(page, dict)
    place = {"CurrentPage": number, "Page": number, "PageSize": size, "PageCount": -(-total // size), "Total": total}
    return answer({"RequestId": "67AF7881", "Success": True, "Code": "", **place, **page})


# The call -> its rows, the wrappers around them, the size of its pages and how many rows there are in all.
NUMBERED: dict[bytes, tuple[str, tuple[str, ...], int, int]] = {
    b"ListOTAModuleVersionsByDevice": ("version", ("Data", "SimpleOTAModuleInfo"), VERSION_PAGE, VERSIONS),
    b"ListOTAFirmware": ("numbered package", ("FirmwareInfo", "SimpleFirmwareInfo"), PACKAGE_PAGE, PACKAGES),
    b"QueryDevice": ("numbered device", ("Data", "DeviceInfo"), DEVICE_PAGE, DEVICES),
}
MARKED: dict[bytes, tuple[str, str, int, int]] = {
    b"/devices": ("device", "devices", DEVICE_PAGE, DEVICES),
    b"/ota-upgrades/packages": ("package", "packages", MARKED_PAGE, PACKAGES),
}


@cache
def few() -> bytes:
    """The versions of the small device: one page."""
    rows = [version(number, SMALL) for number in range(FEW)]
    return numbered(rows, ("Data", "SimpleOTAModuleInfo"), number=1, size=VERSION_PAGE, total=FEW)


@cache
def by_number(call: bytes) -> tuple[bytes, ...]:
    """Every page of a list by number, and an empty one behind them."""
    kind, path, size, total = NUMBERED[call]
    return tuple(
        numbered([ROWS[kind](row) for row in rows], path, number=number, size=size, total=total)
        for number, rows in enumerate(_cut(size, total), 1)
    )


@cache
def by_marker(place: bytes) -> tuple[bytes, ...]:
    """Every page of a list by marker, and an empty one behind them; a marker is the number of the next page."""
    kind, name, size, total = MARKED[place]
    return tuple(
        answer(
            {
                name: [ROWS[kind](row) for row in rows],
                "page": {"count": total, "marker": f"{number:024x}"} if rows else {"count": total, "marker": None},
            }
        )
        for number, rows in enumerate(_cut(size, total), 1)
    )


def _cut(size: int, total: int) -> Iterator[range]:
    yield from (range(start, min(start + size, total)) for start in range(0, total, size))
    yield range(0)


ONE_MODULE = answer(module())
NO_PACKAGES = answer({"packages": [], "page": {"count": 0, "marker": None}})
