"""The cloud as data: what it can do, which calls it has, what it limits, and which error a code is."""

from otabridge.plugin import (
    DEFAULT,
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

CAPABILITIES = {
    Capability.LIST_PRODUCTS: NATIVE,
    Capability.LIST_MODULES: NATIVE,
    Capability.GET_MODULE: NATIVE,
    Capability.CREATE_MODULE: NATIVE,
    Capability.UPDATE_MODULE: NATIVE,
    Capability.DELETE_MODULE: NATIVE,
    Capability.LIST_PACKAGES: NATIVE,
    Capability.GET_PACKAGE: NATIVE,
    Capability.CREATE_PACKAGE: NATIVE,
    Capability.UPDATE_PACKAGE: Support(Level.UNSUPPORTED, "a package is never changed: delete it, and make another"),
    Capability.DELETE_PACKAGE: NATIVE,
    Capability.STAGE_ARTIFACT: Support(Level.UNSUPPORTED, "the cloud keeps no files: a package names their URLs"),
    Capability.OPEN_ARTIFACT: Support(Level.NOT_IMPLEMENTED, "files are not read back through this plugin yet"),
    Capability.LIST_DEVICES: NATIVE,
    Capability.GET_DEVICE: NATIVE,
    Capability.LIST_MODULE_VERSIONS: NATIVE,
    Capability.LIST_VERSION_HISTORY: Support(Level.UNSUPPORTED, "the cloud keeps the last report alone"),
    Capability.REPORT_MODULE_VERSIONS: Support(Level.UNSUPPORTED, "devices report, nobody else"),
    Capability.LIST_FLEET_VERSIONS: Support(Level.EMULATED, "a list of devices, and a call for each"),
    Capability.COUNT_FLEET_VERSIONS: Support(Level.EMULATED, "counted row by row"),
}

# The cloud's calls: method, and path below BASE with a place for each id.
BASE = "/v1/"
ROUTES = {
    "products.list": ("GET", "products"),
    "modules.list": ("GET", "modules"),
    "modules.create": ("POST", "modules"),
    "modules.get": ("GET", "modules/{}/{}"),
    "modules.update": ("PATCH", "modules/{}/{}"),
    "modules.delete": ("DELETE", "modules/{}/{}"),
    "packages.list": ("GET", "packages"),
    "packages.create": ("POST", "packages"),
    "packages.get": ("GET", "packages/{}"),
    "packages.delete": ("DELETE", "packages/{}"),
    "devices.list": ("GET", "devices"),
    "devices.get": ("GET", "devices/{}/{}"),
    "devices.versions": ("GET", "devices/{}/{}/versions"),
}

PAGE = 100  # rows of a page at most
_NAME = Text(
    max_length=64,
    pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    words="letters, digits, _ . and -, the first a letter or digit",
    required=True,
)
LIMITS = Limits(
    text={
        "product.id": _NAME,
        "module.name": _NAME,
        "module.alias": Text(max_length=64),
        "module.description": Text(max_length=1024),
        "package.id": _NAME,
        "package.version": _NAME,
        "package.name": Text(max_length=64),
        "package.description": Text(max_length=1024),
        "package.custom_info": Text(max_length=4096),
        "artifact.name": Text(max_length=255),
        "artifact.checksum": Text(max_length=64, min_length=64, pattern="[0-9a-f]+", words="a SHA-256 in hex"),
        "artifact.url": Text(max_length=2048, pattern="https?://.+", words="an http or https URL", required=True),
        "device.name": _NAME,
    },
    page_size={
        Capability.LIST_PRODUCTS: PAGE,
        Capability.LIST_MODULES: PAGE,
        Capability.LIST_PACKAGES: PAGE,
        Capability.LIST_DEVICES: PAGE,
        Capability.LIST_MODULE_VERSIONS: PAGE,
    },
    counts={"modules per product": 20},
    artifacts=10,
    checksums=("sha256",),
)
QUOTAS = {EVERYTHING: Quota(50)}
TRAITS = Traits(unique_keys={"module": ("product", "name"), "package": ("product", "module", "version")})
BUILTINS = {DEFAULT: "", FIRMWARE: "", SOFTWARE: ""}

ERRORS: dict[str, type[ApiError]] = {
    "unauthenticated": AuthenticationError,
    "permission_denied": ForbiddenError,
    "not_found": NotFoundError,
    "conflict": ConflictError,
    "quota_exceeded": QuotaExceededError,
    "rate_limited": RateLimitError,
    "invalid_argument": InvalidRequestError,
    "not_supported": InvalidRequestError,
    "unavailable": ServerError,
}
