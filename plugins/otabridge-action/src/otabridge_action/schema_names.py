"""The vendors' names, each said once: field or word of ours -> name of theirs, as Aliyun spells it.

`schema.py` is made of these, which writes parameters and reads answers, and `schema_answers.py`, which writes answers.
"""

from collections.abc import Mapping

from otabridge.plugin import DEFAULT, FIRMWARE, Pairs

RESERVED = "default"
INSTANCE = "IotInstanceId"
SUCCESS, CODE, COMPLAINT, REQUEST = "Success", "Code", "ErrorMessage", "RequestId"
# Of the gateway's own refusals.
MESSAGE, HOST = "Message", "HostId"

# --- parameters -----------------------------------------------------------------------------------------------------

WORDS: Mapping[str, str] = {
    "instance": INSTANCE,
    "product": "ProductKey",
    "module": "ModuleName",
    "alias": "AliasName",
    "description": "Desc",
    "device": "DeviceName",
    # "IoTID" on Tuya's English pages is machine translation; its Chinese pages and samples have this.
    "device_id": "IotId",
    "page": "CurrentPage",
    "size": "PageSize",
    "token": "NextToken",
    "version": "DestVersion",
    "package_id": "FirmwareId",
    "statement": "SQL",
    "status": "Status",
    "group": "GroupId",
    "suffix": "FileSuffix",
}
# One of several files of a package, and the only one; the digest of the first kind has two names.
FILES = "MultiFiles"
FILE: Mapping[str, str] = {"name": "Name", "url": "Url", "size": "Size", "digest": "SignValue", "twin": "FileMd5"}
LONE_FILE: Mapping[str, str] = {"url": "FirmwareUrl", "size": "FirmwareSize", "digest": "FirmwareSign"}
ALGORITHM, VERIFY, CHANGED_INFO = "SignMethod", "NeedToVerify", "FirmwareUdi"

# --- rows -----------------------------------------------------------------------------------------------------------

PRODUCT: Mapping[str, str] = {"id": WORDS["product"], "name": "ProductName"}
MODULE: Mapping[str, str] = {
    "product": WORDS["product"],
    "name": WORDS["module"],
    "alias": WORDS["alias"],
    "description": WORDS["description"],
}
PACKAGE: Mapping[str, str] = {
    "id": WORDS["package_id"],
    "product": WORDS["product"],
    "module": WORDS["module"],
    "version": WORDS["version"],
    "kind": "Type",
    "source_versions": "SrcVersion",
    "name": "FirmwareName",
    "description": "FirmwareDesc",
    "custom_info": "Udi",
    "status": WORDS["status"],
}
DEVICE: Mapping[str, str] = {
    "product": WORDS["product"],
    "name": WORDS["device"],
    "id": WORDS["device_id"],
    "status": WORDS["status"],
}
DEVICE_STATUS = "DeviceStatus"  # in one list
VERSION: Mapping[str, str] = {
    "product": WORDS["product"],
    "device": WORDS["device"],
    "device_id": WORDS["device_id"],
    "module": WORDS["module"],
    "version": "ModuleVersion",
}
INSTALLED = "OTAModules"
INSTALLED_VERSION = "FirmwareVersion"
# When a row was made and changed; what calls itself GMT is not always that.
CREATED = ("UtcCreate", "GmtCreate")
MODIFIED = ("UtcModified", "GmtModified")

# --- uploads ----------------------------------------------------------------------------------------------------------

# How Tuya spells the name of the access key is unverified.
GRANT: Mapping[str, str] = {
    "host": "Host",
    "key": "Key",
    "access_key": "OSSAccessKeyId",
    "policy": "Policy",
    "signature": "Signature",
    "url": LONE_FILE["url"],
}
# The fields of the form in which a file is uploaded, in order; the file itself comes last, as FORM_FILE.
FORM: Mapping[str, str] = {
    "key": "key",
    "policy": "policy",
    "access_key": GRANT["access_key"],
    "signature": "signature",
}
FORM_STATUS = "success_action_status"
FORM_FILE = "file"

# --- answers --------------------------------------------------------------------------------------------------------

DATA = "Data"
PRODUCTS = (DATA, "List", "ProductInfo")
VERSIONS = (DATA, "SimpleOTAModuleInfo")
DEVICES = (DATA, "DeviceInfo")
DEVICES_OF_STATUS = (DATA, "SimpleDeviceInfo")
DEVICE_STATES = ("DeviceStatusList", DEVICE_STATUS)
PACKAGE_INFO = "FirmwareInfo"
PACKAGES = (PACKAGE_INFO, "SimpleFirmwareInfo")
PAGE_COUNT, TOTAL, TOTAL_COUNT = "PageCount", "Total", "TotalCount"
PAGE_OF_DEVICES = "Page"  # the page's number, in lists of devices
DEVICE_COUNT = "DeviceCount"


def lowered(name: str) -> str:
    """A name as Tuya has it: the first letter lowered, the rest as it is."""
    return name[:1].lower() + name[1:]


def core_module(name: str) -> str:
    """A module's core name: the reserved word becomes the built-in module."""
    return DEFAULT if name == RESERVED else name


def vendor_module(name: str) -> str:
    """A module's name for these clouds; their one built-in module is the whole device's firmware."""
    return RESERVED if name in (DEFAULT, FIRMWARE) else name


def parameters(**words: str | int | None) -> Pairs:
    """An action's parameters in the vendors' spelling; what is None is left out."""
    return tuple(
        (WORDS[word], RESERVED if word == "module" and value == DEFAULT else str(value))
        for word, value in words.items()
        if value is not None
    )


_READ: Mapping[str, str] = {
    **{PACKAGE[word]: word for word in ("kind", "source_versions", "name", "description", "custom_info")},
    CHANGED_INFO: "custom_info",
    ALGORITHM: "algorithm",
    VERIFY: "verify",
    LONE_FILE["url"]: "url",
    LONE_FILE["size"]: "bytes",
    LONE_FILE["digest"]: "digest",
    **{name: word for word, name in WORDS.items()},
}
_NAMES: Mapping[str, str] = {word: name for name, word in _READ.items()}


def words(pairs: Pairs) -> dict[str, str]:
    """The parameters of a request by our words; others are left out, and of repeated ones the last counts."""
    return {_READ[name]: value for name, value in pairs if name in _READ}


def name_of(word: str) -> str:
    """The vendors' name of a parameter."""
    return WORDS.get(word) or _NAMES[word]


def numbered(pairs: Pairs, word: str) -> list[str]:
    """The values of a numbered parameter, such as `DeviceName.1`, by number."""
    prefix = f"{name_of(word)}."
    found = {name.removeprefix(prefix): value for name, value in pairs if name.startswith(prefix)}
    return [found[number] for number in sorted(filter(_counts, found), key=int)]


def files(pairs: Pairs) -> list[dict[str, str]]:
    """The numbered files of a new package, each by our words."""
    found: dict[int, dict[str, str]] = {}
    read = {name: word for word, name in FILE.items()}
    for name, value in pairs:
        head, _, rest = name.partition(".")
        number, _, member = rest.partition(".")
        if head == FILES and _counts(number) and member in read:
            found.setdefault(int(number), {})[read[member]] = value
    return [found[number] for number in sorted(found)]


def _counts(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6
