"""What is known of the two clouds, as data: hosts, limits, quotas, capabilities, states and error codes.

Sources: https://www.alibabacloud.com/help/en/iot/developer-reference/ and https://developer.tuya.com/en/docs/tuya-iot/.
"""

import re
from collections.abc import Iterator, Mapping

from otabridge.plugin import (
    NATIVE,
    ApiError,
    AuthenticationError,
    Capability,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    Level,
    NotFoundError,
    Quota,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    Support,
    Text,
)

VERSION = "2018-01-20"
# A URL has no safe length beyond this; the documents allow parameters in a form body instead.
QUERY_BYTES = 4000
# The statement may name rows up to here, and a page of them has so many devices.
SEARCHED, SEARCH_PAGE = 10_000, 50
# A device has ten custom modules and the default one, so a page of rows is this many times fewer devices.
MODULES_PER_DEVICE = 11
NAME_LENGTH = 40
# Pages from this row on have a quota of their own.
DEEP = 100_000

# The other regions have no host of their own for this service.
HOSTS = {
    region: f"iot.{region}.aliyuncs.com"
    for region in (
        *("cn-shanghai", "cn-beijing", "cn-shenzhen", "ap-southeast-1", "ap-northeast-1"),
        *("us-west-1", "us-east-1", "eu-central-1"),
    )
}

QUOTAS = {
    **{
        action: Quota(10)
        for action in (
            *("CreateOTAModule", "UpdateOTAModule", "DeleteOTAModule", "ListOTAModuleByProduct"),
            *("CreateOTAFirmware", "DeleteOTAFirmware", "ListOTAFirmware"),
            *("ListOTAModuleVersionsByDevice", "QueryDeviceBySQL"),
        )
    },
    "ModifyOTAFirmware": Quota(5),
    "QueryOTAFirmware": Quota(20),
    **{action: Quota(50) for action in ("QueryProductList", "QueryDevice", "QueryDeviceDetail")},
    **{f"{action}.deep": Quota(2) for action in ("QueryProductList", "QueryDevice")},
}
# Operation -> the actions that a call of it sends; of an upload, the storage has no quota.
SPENDS: Mapping[Capability, tuple[str, ...]] = {
    Capability.LIST_PRODUCTS: ("QueryProductList",),
    Capability.LIST_MODULES: ("ListOTAModuleByProduct",),
    Capability.GET_MODULE: ("ListOTAModuleByProduct",),
    Capability.CREATE_MODULE: ("CreateOTAModule",),
    Capability.UPDATE_MODULE: ("UpdateOTAModule",),
    Capability.LIST_PACKAGES: ("ListOTAFirmware",),
    Capability.GET_PACKAGE: ("QueryOTAFirmware",),
    Capability.CREATE_PACKAGE: ("CreateOTAFirmware",),
    Capability.UPDATE_PACKAGE: ("QueryOTAFirmware", "ModifyOTAFirmware", "QueryOTAFirmware"),
    Capability.STAGE_ARTIFACT: (),
    Capability.OPEN_ARTIFACT: (),
}

PAGE_SIZES = {
    Capability.LIST_PRODUCTS: 200,
    Capability.LIST_PACKAGES: 100,
    Capability.LIST_DEVICES: 50,
    Capability.LIST_MODULE_VERSIONS: 200,
    Capability.LIST_FLEET_VERSIONS: 200,
}
COUNTS = {"modules per product": 10, "packages per account": 500}

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"


def _word(*, required: bool = False) -> Text:
    return Text(max_length=64, pattern=r"[A-Za-z0-9._-]+", words="letters, digits, . _ and - only", required=required)


TEXT: Mapping[str, Text] = {
    "product.id": Text(required=True),
    "package.id": Text(),
    "device.id": Text(),
    "device.name": Text(),
    "module.name": _word(required=True),
    "module.alias": Text(
        max_length=64, pattern=f"[A-Za-z0-9._{_HAN}-]+", words="Chinese, letters, digits, . _ and - only"
    ),
    "module.description": Text(max_length=100, min_length=0),
    "package.version": _word(required=True),
    "package.source_versions": _word(),
    "package.name": Text(
        max_length=NAME_LENGTH,
        pattern=f"[A-Za-z0-9{_HAN}{_KANA}][A-Za-z0-9_(){_HAN}{_KANA}-]*",
        words="Chinese, Japanese, letters, digits, - _ ( ) only, and none of the signs first",
        hint="leave it out for a name made of module and version",
    ),
    "package.description": Text(max_length=100, min_length=0),
    "package.custom_info": Text(max_length=4096, min_length=0),
    "artifact.url": Text(pattern=r"https?://[!-~]+", words="a URL of the platform's own storage"),
}
# Of the files of one package, where there are several.
FILE_NAME = Text(max_length=32)
FILE_SUFFIXES = (".bin", ".dav", ".apk", ".tar", ".gz", ".tar.gz", ".zip", ".gzip")
FILE_SIZE = 1_048_576_000

CAPABILITIES: Mapping[Capability, Support] = {
    Capability.LIST_PRODUCTS: NATIVE,
    Capability.LIST_MODULES: Support(Level.NATIVE, "without a product: composed of a call for each product"),
    Capability.GET_MODULE: Support(Level.EMULATED, "found in the list of its product; modules have no id"),
    Capability.CREATE_MODULE: NATIVE,
    Capability.UPDATE_MODULE: NATIVE,
    Capability.DELETE_MODULE: NATIVE,
    Capability.LIST_PACKAGES: Support(Level.NATIVE, "by module: filtered here, since the cloud has no such filter"),
    Capability.GET_PACKAGE: NATIVE,
    Capability.CREATE_PACKAGE: NATIVE,
    Capability.UPDATE_PACKAGE: Support(Level.NATIVE, "the package is read before and after"),
    Capability.DELETE_PACKAGE: NATIVE,
    Capability.STAGE_ARTIFACT: Support(Level.NATIVE, "a package must be made of the file within the hour"),
    Capability.OPEN_ARTIFACT: Support(Level.NATIVE, "of a file that a package has; an upload alone cannot be fetched"),
    Capability.LIST_DEVICES: Support(Level.NATIVE, "without a product: composed of a call for each product"),
    Capability.GET_DEVICE: NATIVE,
    Capability.LIST_MODULE_VERSIONS: NATIVE,
    Capability.LIST_VERSION_HISTORY: Support(Level.UNSUPPORTED, "the cloud keeps the newest version alone"),
    Capability.REPORT_MODULE_VERSIONS: Support(Level.UNSUPPORTED, "devices report over MQTT themselves"),
    Capability.LIST_FLEET_VERSIONS: Support(Level.EMULATED, "a call for each device"),
    Capability.COUNT_FLEET_VERSIONS: Support(Level.EMULATED, "counted row by row"),
}

PACKAGE_STATUS = {"-1": "ready", "0": "unverified", "1": "verified", "2": "verifying", "3": "rejected"}
STATUS_WORDS = {"ONLINE": "online", "OFFLINE": "offline", "UNACTIVE": "inactive", "DISABLE": "disabled"}
STATUS_NUMBERS = {"0": "inactive", "1": "online", "3": "offline", "8": "disabled"}
DEVICE_STATUS = STATUS_WORDS | STATUS_NUMBERS
# What a server calls the core's statuses. A device that is there has reported, so it was activated; whether it is
# connected now, the last two do not say.
DEVICE_WORDS: Mapping[str, str] = {
    **{status: word for word, status in STATUS_WORDS.items()},
    **dict.fromkeys(("unknown", "abnormal"), "OFFLINE"),
}


class Codes(Mapping[str, type[ApiError]]):
    """Error codes by their form, in lower case, the first that fits; both clouds name like things alike."""

    def __init__(self, forms: tuple[tuple[type[ApiError], str], ...]) -> None:
        self._forms = {form: kind for kind, form in forms}

    def __getitem__(self, code: str) -> type[ApiError]:
        for form, kind in self._forms.items():
            if re.fullmatch(form, code):
                return kind
        raise KeyError(code)

    def __iter__(self) -> Iterator[str]:
        return iter(self._forms)

    def __len__(self) -> int:
        return len(self._forms)


# What is in no row is a refused parameter. A wrong instance id or action is no missing object, whatever its name says.
ERRORS = Codes(
    (
        (InvalidRequestError, r"missing.*|invalidaction\.notfound|iot\..*instancenotfound"),
        # The codes of an expired STS token are unverified.
        (
            AuthenticationError,
            r"(incomplete)?signature.*|(invalid|inactive)accesskey.*|.*timestamp.*|.*securitytoken.*|.*uidnotfound",
        ),
        (ForbiddenError, r"nopermission.*|forbidden.*|.*permissiondeny|.*notproductowner|.*billisoverdue"),
        (ForbiddenError, r".*apinotsupportedininstance|.*invalidtenant"),
        (RateLimitError, r"throttling.*|.*\.(systembusy|toomanydeviceupgrade|ratelimit)"),
        (QuotaExceededError, r".*(exceedlimit|countlimitexceeded|countexceedmax)"),
        (ConflictError, r".*(nameexist|packageexist|alreadyexisted.*|jobexisted)"),
        (NotFoundError, r".*(notexist|notfound).*"),
        (ServerError, r".*(systemexception|failure|failed|actionerror)|serviceunavailable.*|internalerror.*"),
    )
)
