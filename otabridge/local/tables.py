"""The local backend as data: what it can do, what it limits, and what makes its objects unique."""

from otabridge.plugin import DEFAULT, FIRMWARE, NATIVE, SOFTWARE, Capability, Level, Limits, Support, Text, Traits

BUILTINS = {DEFAULT: "", FIRMWARE: "", SOFTWARE: ""}

CAPABILITIES = {
    **dict.fromkeys(Capability, NATIVE),
    Capability.LIST_MODULES: Support(Level.NATIVE, "a built-in module is listed once it has had a package"),
    Capability.OPEN_ARTIFACT: Support(Level.NATIVE, "of staged files; URLs and objects are kept as references alone"),
    Capability.REPORT_MODULE_VERSIONS: Support(Level.NATIVE, "devices are kept by name; vendors' device ids are not"),
}

LARGEST_PAGE = {
    Capability.LIST_PRODUCTS: 200,
    Capability.LIST_MODULES: 200,
    Capability.LIST_PACKAGES: 200,
    Capability.LIST_DEVICES: 200,
    Capability.LIST_MODULE_VERSIONS: 1000,
    Capability.LIST_VERSION_HISTORY: 1000,
    Capability.LIST_FLEET_VERSIONS: 1000,
}

# Lone surrogates cannot be stored as UTF-8.
_LINE = r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*"
_PROSE = r"[^\x00\ud800-\udfff]*"
_NAME = Text(max_length=256, pattern=_LINE, words="no control characters", required=True)
_LABEL = Text(max_length=256, min_length=0, pattern=_LINE, words="no control characters")
_REFERENCE = Text(max_length=4096, pattern=_LINE, words="no control characters")

LIMITS = Limits(
    text={
        "product.id": _NAME,
        "module.name": Text(
            max_length=256, pattern=f"(?!@){_LINE}", words="no control characters, no @ in front", required=True
        ),
        "module.alias": _LABEL,
        "module.description": Text(max_length=4096, min_length=0, pattern=_PROSE, words="no NUL"),
        "device.name": _NAME,
        "package.id": Text(max_length=256, pattern=_LINE, words="no control characters"),
        "package.version": _NAME,
        "package.source_versions": _NAME,
        "package.name": _LABEL,
        "package.description": Text(max_length=4096, min_length=0, pattern=_PROSE, words="no NUL"),
        "package.custom_info": Text(max_length=65536, min_length=0, pattern=_PROSE, words="no NUL"),
        "artifact.name": _NAME,
        "artifact.checksum": Text(pattern="[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64}", words="32 or 64 hex digits"),
        "artifact.url": _REFERENCE,
        "object.region": _LABEL,
        "object.bucket": _REFERENCE,
        "object.key": _REFERENCE,
    },
    page_size=LARGEST_PAGE,
    source_versions=100,
    artifacts=20,
    artifact_size=1 << 40,
    checksums=("sha256", "md5"),
)

TRAITS = Traits(
    unique_keys={
        "module": ("product", "name"),
        "package": ("product", "module", "version"),
        "device": ("product", "name"),
    },
    cursors="keyset",
)
