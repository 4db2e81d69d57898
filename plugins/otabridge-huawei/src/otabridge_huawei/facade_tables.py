"""The facade as data: which calls there are, the errors for what goes wrong, and everything that had to be invented."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from otabridge.facade import Reason, Site
from otabridge.plugin import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OtaBridgeError,
    OutcomeUnknownError,
    PagingError,
    QuotaExceededError,
    RateLimitError,
    Text,
    UnsupportedError,
    ValidationError,
)
from otabridge_huawei.tables import DIGEST, LIMITS

# Method and path below the project -> the operation; `*` is an id. The singular is in one of the vendor's examples.
ROUTES: Mapping[tuple[str, str], str] = {
    ("POST", "ota-upgrades/modules"): "CreateOtaModule",
    ("GET", "ota-upgrades/modules"): "ListOtaModules",
    ("GET", "ota-upgrades/modules/*"): "ShowOtaModule",
    ("GET", "ota-upgrades/module/*"): "ShowOtaModule",
    ("PUT", "ota-upgrades/modules/*"): "UpdateOtaModule",
    ("DELETE", "ota-upgrades/modules/*"): "DeleteOtaModule",
    ("POST", "ota-upgrades/packages"): "CreateOtaPackage",
    ("GET", "ota-upgrades/packages"): "ListOtaPackageInfo",
    ("GET", "ota-upgrades/packages/*"): "ShowOtaPackage",
    ("DELETE", "ota-upgrades/packages/*"): "DeleteOtaPackage",
    ("GET", "devices"): "ListDevices",
    ("GET", "devices/*"): "ShowDevice",
    ("POST", "search/query-devices"): "SearchDevices",
    ("GET", "products"): "ListProducts",
    ("GET", "products/*"): "ShowProduct",
    ("GET", "apps"): "ShowApplications",
}
LOGIN, PROJECTS, TEMPORARY_KEY = (
    "KeystoneCreateUserTokenByPassword",
    "KeystoneListProjects",
    "CreateTemporaryAccessKeyByToken",
)
IDENTITY_ROUTES: Mapping[tuple[str, str], str] = {
    ("POST", "/v3/auth/tokens"): LOGIN,
    ("GET", "/v3/projects"): PROJECTS,
    ("POST", "/v3.0/OS-CREDENTIAL/securitytokens"): TEMPORARY_KEY,
}
IDENTITY = ("/v3/", "/v3.0/")
OPEN = frozenset({LOGIN, TEMPORARY_KEY})  # their credential is in the body
WRITES = {operation for (method, _), operation in ROUTES.items() if method != "GET"} - {"SearchDevices"} | {PROJECTS}

Error = tuple[int, str, str]
_DENIED = "Incorrect IAM authentication information: "
REASONS: Mapping[Reason, Error] = {
    "no such call": (404, "APIGW.0101", "The API does not exist or has not been published in the environment"),
    "bad request": (400, "APIGW.0201", "Bad request"),
    "no credential": (401, "APIGW.0301", f"{_DENIED}no signature and no token in the request"),
    "unknown key": (401, "APIGW.0301", f"{_DENIED}AK does not exist"),
    "bad signature": (401, "APIGW.0301", f"{_DENIED}verify aksk signature fail"),
    "bad time": (401, "APIGW.0301", f"{_DENIED}x-sdk-date is too far from the server's time"),
    "nonce used": (401, "APIGW.0301", f"{_DENIED}the request was sent before"),
    "bad token": (401, "APIGW.0301", f"{_DENIED}the token is not valid"),
    "expired token": (401, "APIGW.0307", "The token must be updated"),
    "throttled": (429, "APIGW.0308", "The throttling threshold has been reached: policy of the API over ratelimit"),
    "too large": (413, "APIGW.0201", "Request entity too large"),
    "unavailable": (502, "APIGW.0201", "Backend unavailable"),
    "failed": (500, "IOTDA.000001", "Internal server error"),
}
WRONG_PATH: Error = (404, "IOTDA.000029", "The requested URL does not exist")
NO_PROJECT: Error = (403, "APIGW.0310", "The project is not available")
NO_INSTANCE: Error = (403, "IOTDA.000021", "The instance does not exist")  # that it has this code is unverified
NO_APPLICATION: Error = (403, "IOTDA.001000", "The application does not exist")
NO_PRODUCT: Error = (404, "IOTDA.014204", "The product does not exist")
NO_DEVICE: Error = (404, "IOTDA.014000", "The device does not exist")
INVALID: Error = (400, "IOTDA.000006", "Invalid input data")
MALFORMED: Error = (400, "IOTDA.000008", "The request is malformed")
BAD_TIME: Error = (400, "IOTDA.000009", "Invalid time format")
BAD_ORDER: Error = (400, "IOTDA.000010", "The start time must be before the end time")
BAD_LIMIT: Error = (400, "IOTDA.000017", "The value of limit is out of range")
BAD_MARKER: Error = (400, "IOTDA.000018", "The value of marker is out of range")

# INVENTED: the vendor's codes for these are not known, so these are numbers that it does not use, and the statuses are
# the customary ones. A client must class them by status, as it would have to with the real ones.
NO_MODULE: Error = (404, "IOTDA.990001", "The OTA module does not exist")
MODULE_TAKEN: Error = (409, "IOTDA.990002", "The product has an OTA module of this name already")
TOO_MANY_MODULES: Error = (409, "IOTDA.990003", "The product has as many OTA modules as it may have")
MODULE_IN_USE: Error = (409, "IOTDA.990004", "The OTA module has upgrade packages")
NO_PACKAGE: Error = (404, "IOTDA.990005", "The upgrade package does not exist")
PACKAGE_TAKEN: Error = (409, "IOTDA.990006", "There is an upgrade package of this version already")
NO_OBJECT: Error = (404, "IOTDA.990007", "The object does not exist in the bucket")
TOO_MANY_PRODUCTS: Error = (409, "IOTDA.990008", "The instance has as many products as it may have")
NOT_HERE: Error = (403, "IOTDA.001002", "The operation is not allowed")

# Of the identity service, whose errors have no code of their own but the status, and a title with it.
TITLES = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
BAD_LOGIN: Error = (400, "400", "The request body is invalid")
WRONG_PASSWORD: Error = (401, "401", "The username or password is wrong.")
WRONG_TOKEN: Error = (401, "401", "The token must be updated.")

# What an operation of the store raised -> the error, the first class that fits; for some operations another.
RAISED: Mapping[type[OtaBridgeError], Error] = {
    ValidationError: INVALID,
    PagingError: BAD_MARKER,
    UnsupportedError: NOT_HERE,
    ForbiddenError: NOT_HERE,
    NotFoundError: NO_MODULE,
    ConflictError: MODULE_TAKEN,
    QuotaExceededError: TOO_MANY_MODULES,
    RateLimitError: REASONS["throttled"],
    InvalidRequestError: INVALID,
    OutcomeUnknownError: (504, "APIGW.0201", "Backend timeout"),
    OtaBridgeError: REASONS["unavailable"],
}
OF_OPERATION: Mapping[tuple[type[OtaBridgeError], str], Error] = {
    (NotFoundError, "ListDevices"): NO_DEVICE,
    (NotFoundError, "ShowDevice"): NO_DEVICE,
    (NotFoundError, "SearchDevices"): NO_DEVICE,
    (NotFoundError, "ListProducts"): NO_PRODUCT,
    (NotFoundError, "ShowProduct"): NO_PRODUCT,
    (NotFoundError, "ShowOtaPackage"): NO_PACKAGE,
    (NotFoundError, "DeleteOtaPackage"): NO_PACKAGE,
    (ConflictError, "DeleteOtaModule"): MODULE_IN_USE,
    (ConflictError, "CreateOtaPackage"): PACKAGE_TAKEN,
}

_NAMED = r"[\u4e00-\u9fa5A-Za-z0-9_?'#().,&%@!-]+"
_NAMED_WORDS = "Chinese, letters, digits and _ ? ' # ( ) . , & % @ ! - only"
# The limits of what the query of a list may have; those of pages have codes of their own.
FILTERS: Mapping[str, Text] = {
    "product": LIMITS.text["product.id"],
    "version": LIMITS.text["package.version"],
    "node": LIMITS.text["device.name"],
    "gateway": LIMITS.text["device.id"],
    "line": Text(max_length=64, pattern=_NAMED, words=_NAMED_WORDS),
    "shown": Text(max_length=256, pattern=_NAMED, words=_NAMED_WORDS),
}

# --- what no source says ----------------------------------------------------------------------------------------------

Doubt = Literal["product", "token", "object", "app", "project", "instance", "device", "alias", "member", "payload"]
# Each of these is unverified: (the question, what is done by default, what is done where a host is strict), as
# docs/serve.md has them.
DOUBTS: Mapping[Doubt, tuple[str, str, str]] = {
    "product": ("an unknown product", "comes into being", "is refused"),
    "token": ("a security token with a known key", "any", "only an issued one"),
    "object": ("the object of a Huawei package", "is not looked at", "must exist"),
    "app": ("`app_id` on Huawei", "any; what nobody has claimed is in each", "only a known one"),
    "project": ("`project_id` on Huawei", "any 32 hex digits", "only one that was asked for by name"),
    "instance": ("`Instance-Id` on Huawei", "any, or none", "only the one of `hints`, or none"),
    "device": ("a Huawei `device_id` that several devices have", "names that of the shortest product", "names none"),
    "alias": ("inner spaces in an alias on Huawei", "accepted, as in an example", "refused, as by the rule"),
    "member": ("unknown members of a body on Huawei", "passed over", "refused"),
    "payload": ("how an upload to OBS signs its body", "in any way of S3", "not at all, or in signed chunks"),
}


def strict(site: Site, doubt: Doubt) -> bool:
    """Whether this doubt is decided the strict way."""
    return site.strict and doubt in DOUBTS


# --- inventions: what nobody knows of the cloud, or the store of a device ---------------------------------------------

REGION = "cn-north-4"
INSTANCE = "d5b04bdc-6a93-4f4c-9a5e-0f0b2c1d3e4f"
BUCKET = "otabridge-files"
DEFAULT_APP = "61f7e74d036aca5be29e1ed4"
DEFAULT_APP_NAME = "default"
UNKNOWN_TIME = datetime(2020, 1, 1, tzinfo=UTC)  # of what the store has no time of creation
SKEW = timedelta(minutes=15)  # customary at this vendor's gateway (unverified)
MOST_SPACES = 1000  # that are remembered; the cloud has 10 at most
MOST_PARTINGS = 8  # of a device's id, at its first `_`s
TOKEN_LIFE = timedelta(hours=24)
KEY_LIFE = range(15 * 60, 24 * 60 * 60 + 1)  # seconds; the first is the default
PRODUCT_DEFAULTS = {
    "sort": "Device",
    "protocol": "MQTT",
    "format": "json",
    "maker": "",
    "industry": "",
    "description": "",
}
DEVICE_DEFAULTS = {"type": "GATEWAY", "description": "", "sdk": ""}
UNKNOWN_STATUS = "OFFLINE"
DIGESTS = (DIGEST, "SHA-256")  # how the vendor's pages spell the one method
