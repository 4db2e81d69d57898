"""What is known of hawkBit, as data: capabilities, limits, quotas, error codes, traits.

Observed on 0.3.0M7 and 1.0; where the two differ, both are here. Codes: `SpServerError` of the server's source.
"""

from otabridge.plugin import (
    NATIVE,
    ApiError,
    Capability,
    ConflictError,
    ForbiddenError,
    Level,
    Limits,
    NotFoundError,
    Quota,
    QuotaExceededError,
    ServerError,
    Support,
    Text,
    Traits,
)

BASE = "/rest/v1"
TYPES, PACKAGES, DEVICES = "softwaremoduletypes", "softwaremodules", "targets"  # collections
OS = "os"  # the type of a whole device's firmware
MAKER = "otabridge"  # the vendor of a package that has notes of ours
LARGEST_PAGE = 500  # a larger one is cut down without a word
PAGE = 50
KEY_LENGTH = 64

CAPABILITIES = {
    Capability.LIST_PRODUCTS: Support(Level.EMULATED, "the tenant, or with product_mode prefix what type keys name"),
    Capability.LIST_MODULES: NATIVE,
    Capability.GET_MODULE: NATIVE,
    Capability.CREATE_MODULE: Support(Level.NATIVE, "aliases are unique in the tenant too"),
    Capability.UPDATE_MODULE: Support(Level.NATIVE, "the description; an alias never changes"),
    Capability.DELETE_MODULE: Support(
        Level.NATIVE, "packages are looked for first; a name that was in use stays taken"
    ),
    Capability.LIST_PACKAGES: Support(
        Level.NATIVE, "rows have no artifacts; one more call for each with notes of ours"
    ),
    Capability.GET_PACKAGE: NATIVE,
    Capability.CREATE_PACKAGE: Support(Level.NATIVE, "of files on this machine; a half-made one is completed"),
    Capability.UPDATE_PACKAGE: Support(Level.NATIVE, "lists do not show a new name or info beside another's vendor"),
    Capability.DELETE_PACKAGE: Support(Level.NATIVE, "the version of one that was in a distribution set stays taken"),
    Capability.STAGE_ARTIFACT: Support(Level.EMULATED, "the file is digested, and brought by create_package"),
    Capability.OPEN_ARTIFACT: NATIVE,
    Capability.LIST_DEVICES: Support(Level.NATIVE, "with product_mode prefix: of each product whose module it reports"),
    Capability.GET_DEVICE: NATIVE,
    Capability.LIST_MODULE_VERSIONS: Support(Level.NATIVE, "reported: attributes; believed: the installed set"),
    Capability.LIST_VERSION_HISTORY: Support(Level.UNSUPPORTED, "the server keeps the last report alone"),
    Capability.REPORT_MODULE_VERSIONS: Support(Level.UNSUPPORTED, "devices report over DDI or DMF themselves"),
    Capability.LIST_FLEET_VERSIONS: Support(Level.EMULATED, "two calls for each device, eight in flight"),
    Capability.COUNT_FLEET_VERSIONS: Support(
        Level.NATIVE, "the server compares without regard to case; odd attribute names are counted row by row"
    ),
}

_EDGES = "without white space at its ends, which the server cuts off"
_TRIMMED = r"(?!\s)[^\ud800-\udfff]*(?<!\s)"


def _text(length: int, *, least: int = 1, required: bool = False) -> Text:
    return Text(max_length=length, min_length=least, pattern=_TRIMMED, words=_EDGES, required=required, utf16=True)


_ADDRESSED = r"(?!\.{1,2}$)[^\s/\\;%]+"
_NUMBER = Text(max_length=18, pattern=r"[0-9]+", words="digits only")
LIMITS = Limits(
    text={
        "product.id": Text(max_length=60, pattern=r"[A-Za-z0-9_-]+", words="letters, digits, _ and - only"),
        "module.name": _text(KEY_LENGTH, required=True),
        "module.id": _NUMBER,
        "module.alias": _text(64),
        "module.description": _text(512, least=0),
        "package.id": _NUMBER,
        "package.version": _text(64, required=True),
        "package.source_versions": _text(64),
        "package.name": _text(128),
        "package.description": _text(512, least=0),
        "package.custom_info": _text(4000, least=0),
        "artifact.name": Text(max_length=255, pattern=r"[^<>\x00-\x1f]+", words="no < or > and no control characters"),
        # A name with one of these passes, but no address leads to it: 400 or 500.
        "device.name": Text(max_length=256, pattern=_ADDRESSED, words="not . or .., and no white space, / \\ ; or %"),
    },
    page_size=dict.fromkeys(
        (Capability.LIST_MODULES, Capability.LIST_PACKAGES, Capability.LIST_DEVICES, Capability.LIST_FLEET_VERSIONS),
        LARGEST_PAGE,
    ),
    source_versions=50,
    empty_artifacts=False,
    checksums=("sha256", "md5"),
)

# The DoS filter's defaults, per address and second, for all calls together. Loopback is exempt on most servers.
QUOTAS = {"read": Quota(200, per="address"), "write": Quota(50, per="address")}

_UNIQUE = {"module": ("product", "name"), "package": ("product", "module", "version"), "module.alias": ("alias",)}
TRAITS = Traits(unique_keys=_UNIQUE)

PREFIX = "hawkbit.server.error."
_LOCKED = "it is part of a distribution set that was assigned, so it can no longer be changed: make a new version"
_COUNTS = ("quota.tooManyEntries", "quota.fileSizeExceeded", "quota.storageExceeded")
_QUOTA = "delete what is not needed, or ask the server's administrator for a larger quota"
# What the servers say -> what it is, and what a user can do about it where their words do not tell. Where there are two
# spellings, the old server's stands first.
_CODES: dict[str, tuple[type[ApiError], str]] = {
    **dict.fromkeys(("repo.entitiyAlreayExists", "repo.entityAlreadyExists"), (ConflictError, "")),
    **dict.fromkeys(("repo.concurrentModification", "entityreadonly"), (ConflictError, "")),
    **dict.fromkeys(("entitiylocked", "locked"), (ConflictError, _LOCKED)),
    **dict.fromkeys(("repo.entitiyNotFound", "repo.entityNotFound", "deleted"), (NotFoundError, "")),
    **dict.fromkeys(("insufficientPermission",), (ForbiddenError, "ask for the permission")),
    **dict.fromkeys(_COUNTS, (QuotaExceededError, _QUOTA)),
    "artifact.binaryDeleted": (NotFoundError, ""),
    "artifact.loadFailed": (ServerError, "the file is gone from the server, as after its package was deleted"),
}
ERRORS = {(PREFIX + code).lower(): kind for code, (kind, _) in _CODES.items()}
HINTS = {(PREFIX + code).lower(): hint for code, (_, hint) in _CODES.items()}
