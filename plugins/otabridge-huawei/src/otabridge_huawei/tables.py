"""What is known of IoTDA, as data: capabilities, limits, quotas, error codes, traits.

Sources are the vendor's pages, https://support.huaweicloud.com/intl/en-us/api-iothub/.
"""

from otabridge.plugin import (
    EVERYTHING,
    FIRMWARE,
    NATIVE,
    SOFTWARE,
    ApiError,
    AuthenticationError,
    Capability,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    Level,
    Limits,
    NotFoundError,
    Quota,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    Support,
    Text,
    Traits,
)

PAGE = 50
SQL_LENGTH = 400
DIGEST = "SHA256"
MODULE_PACKAGE = "modulePackage"
BUILTIN_PACKAGES = {FIRMWARE: "firmwarePackage", SOFTWARE: "softwarePackage"}
PACKAGE_TYPES = (*BUILTIN_PACKAGES.values(), MODULE_PACKAGE)
# In bytes: a larger file is uploaded in parts, as the vendor advises, so many of them at a time.
ONE_PIECE, PART, IN_FLIGHT = 100 << 20, 16 << 20, 4
STATUSES = {"FROZEN": "disabled"} | {text.upper(): text for text in ("online", "offline", "inactive", "abnormal")}
SUFFIXES = (
    *(".bin", ".dav", ".tar", ".gz", ".zip", ".gzip", ".apk"),
    *(".tar.gz", ".tar.xz", ".pack", ".exe", ".bat", ".img"),
)

CAPABILITIES = {
    Capability.LIST_PRODUCTS: NATIVE,
    Capability.LIST_MODULES: Support(Level.NATIVE, "needs app_id"),
    Capability.GET_MODULE: Support(Level.NATIVE, "by name: found in the product's list, which needs app_id"),
    Capability.CREATE_MODULE: Support(Level.NATIVE, "needs app_id"),
    Capability.UPDATE_MODULE: NATIVE,
    Capability.DELETE_MODULE: Support(Level.NATIVE, "the module's packages are looked for first"),
    Capability.LIST_PACKAGES: Support(
        Level.EMULATED, "three walks merged, one per package type; rows have no file location; by module: filtered here"
    ),
    Capability.GET_PACKAGE: NATIVE,
    Capability.CREATE_PACKAGE: Support(Level.NATIVE, "needs app_id; name and verify have no place in this cloud"),
    Capability.UPDATE_PACKAGE: Support(Level.UNSUPPORTED, "a changed package is a new package"),
    Capability.DELETE_PACKAGE: Support(Level.NATIVE, "the object stays in its bucket"),
    Capability.STAGE_ARTIFACT: Support(
        Level.NATIVE, "into the customer's bucket: needs bucket, access_key, secret_key"
    ),
    Capability.OPEN_ARTIFACT: Support(Level.NATIVE, "from whichever bucket the keys may read"),
    Capability.LIST_DEVICES: NATIVE,
    Capability.GET_DEVICE: NATIVE,
    Capability.LIST_MODULE_VERSIONS: NATIVE,
    Capability.LIST_VERSION_HISTORY: Support(Level.UNSUPPORTED, "the cloud keeps the newest version alone"),
    Capability.REPORT_MODULE_VERSIONS: Support(Level.UNSUPPORTED, "devices report over MQTT themselves"),
    Capability.LIST_FLEET_VERSIONS: Support(
        Level.NATIVE, "a page is of up to 50 devices; one call per device on an edition without SearchDevices"
    ),
    Capability.COUNT_FLEET_VERSIONS: Support(
        Level.EMULATED, "the cloud counts @firmware and @software of one version; others are counted row by row"
    ),
}


def _name(length: int, characters: str, words: str, *, required: bool = False) -> Text:
    return Text(max_length=length, pattern=f"[{characters}]+", words=words, required=required)


def _prose(length: int) -> Text:
    return Text(max_length=length, min_length=0, pattern=r"[^\ud800-\udfff]*", words="any text that UTF-8 can hold")


_WORD = ("A-Za-z0-9_-", "letters, digits, _ and - only")
_DOTTED = ("A-Za-z0-9_.-", "letters, digits, _ . and - only")
_DASHED = ("A-Za-z0-9-", "letters, digits and - only")

LIMITS = Limits(
    text={
        "product.id": _name(36, *_WORD, required=True),
        "module.name": _name(64, *_DOTTED, required=True),
        "module.id": _name(36, *_DASHED),
        # Chinese as on the Chinese page; inner spaces as in the vendor's own example, though no page allows them.
        "module.alias": Text(
            max_length=64,
            pattern=r"(?! )[\u4e00-\u9fa5A-Za-z0-9_. -]+(?<! )",
            words="Chinese, letters, digits, _ . - and inner spaces only",
        ),
        "module.description": _prose(1024),
        "package.id": _name(36, *_DASHED),
        "package.version": _name(256, *_DOTTED, required=True),
        "package.source_versions": _name(256, *_DOTTED),
        "package.description": _prose(1024),
        "package.custom_info": _prose(4096),
        "artifact.checksum": Text(
            max_length=64, min_length=64, pattern="[A-Fa-f0-9]+", words="hexadecimal digits of a SHA-256"
        ),
        "object.region": _name(256, *_DASHED, required=True),
        "object.bucket": Text(
            max_length=63,
            min_length=3,
            pattern="[a-z0-9.-]+",
            words="small letters, digits, . and - only",
            required=True,
        ),
        "object.key": Text(
            max_length=1024, pattern=r"[^\ud800-\udfff]+", words="text that UTF-8 can hold", required=True
        ),
        "device.name": _name(64, *_WORD),
        "device.id": _name(128, *_WORD),
    },
    page_size={
        Capability.LIST_PRODUCTS: PAGE,
        Capability.LIST_MODULES: PAGE,
        Capability.LIST_PACKAGES: PAGE,
        Capability.LIST_DEVICES: PAGE,
        Capability.LIST_FLEET_VERSIONS: PAGE,
    },
    counts={"modules per product": 10, "products per instance": 1000},
    source_versions=20,
    artifacts=1,
    empty_packages=False,
    # "1 GB" on the page; read as 2**30 so that nothing allowed is refused here (unverified).
    artifact_size=2**30,
    artifact_suffixes=SUFFIXES,
    checksums=("sha256",),
)

# No rate of the OTA calls is published: this is the gateway's documented ceiling per API.
QUOTAS = {"SearchDevices": Quota(1), EVERYTHING: Quota(200, per="api")}

# How late a list may show a new record is not documented: one second is a guess (unverified).
TRAITS = Traits(
    unique_keys={"module": ("product", "name"), "package": ("product", "module", "version")},
    list_lag_seconds=1.0,
    cursors="keyset",
    untold=frozenset({"package.name", "package.kind"}),
    verifies=False,
)

_BY_CLASS: dict[type[ApiError], str] = {
    AuthenticationError: (
        "IOTDA.000002 IOTDA.000004 APIGW.0301 APIGW.0303 APIGW.0305 APIGW.0307 APIGW.0311 "
        # Of OBS, like those of its that are named below: unverified.
        "SignatureDoesNotMatch RequestTimeTooSkewed InvalidAccessKeyId InvalidSecurity ExpiredToken"
    ),
    ForbiddenError: (
        "IOTDA.000021 IOTDA.001002 APIGW.0302 APIGW.0304 APIGW.0306 APIGW.0310 APIGW.0401 APIGW.0402 APIGW.0404 "
        "APIGW.0502 APIGW.0801 APIGW.0802"
    ),
    NotFoundError: "IOTDA.001000 IOTDA.009003 IOTDA.014000 IOTDA.014204",
    ConflictError: "IOTDA.014031 IOTDA.014115 IOTDA.014219",
    InvalidRequestError: (
        # The first three: there is no such call here, which is not an object that is missing.
        "IOTDA.000029 APIGW.0101 APIGW.0103 "
        "IOTDA.000006 IOTDA.000008 IOTDA.000009 IOTDA.000010 IOTDA.000011 IOTDA.000012 IOTDA.000013 IOTDA.000014 "
        "IOTDA.000017 IOTDA.000018 IOTDA.013002 IOTDA.014307 APIGW.0104 APIGW.0105 APIGW.0106 APIGW.0602 APIGW.0607"
    ),
    QuotaExceededError: "APIGW.0501",
    RateLimitError: "APIGW.0308 IOTDA.021101 IOTDA.021102 SlowDown",
    ServerError: (
        "IOTDA.000001 IOTDA.014111 APIGW.0601 APIGW.0605 APIGW.0606 APIGW.0608 APIGW.0609 APIGW.0610 APIGW.0611 "
        "APIGW.0612 APIGW.0613 APIGW.0705 InternalError"
    ),
}
# No code of the OTA calls is known (module taken, too many, in use): those are classed by their HTTP status.
ERRORS = {code.lower(): kind for kind, codes in _BY_CLASS.items() for code in codes.split()}
STALE = frozenset({"apigw.0307"})
