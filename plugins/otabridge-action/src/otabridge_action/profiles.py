"""The two clouds of this dialect, as two rows: what one has, and how the other differs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from otabridge.plugin import Capability, Level, Limits, Pairs, Quota, Support, Text
from otabridge_action.tables import (
    CAPABILITIES,
    COUNTS,
    FILE_SIZE,
    FILE_SUFFIXES,
    PAGE_SIZES,
    QUOTAS,
    TEXT,
    VERSION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One cloud. `common` goes with every rpc call; `method` with every action but those in `methods`.

    `camel` and `xml` are the manner of its answers, `missing` the actions that it does not have.
    """

    name: str
    method: str
    limits: Limits
    methods: Mapping[str, str] = field(default_factory=dict)
    common: Pairs = (("Version", VERSION), ("SignatureVersion", "1.0"), ("Format", "JSON"))
    region_parameter: bool = False
    instance_parameter: bool = False
    digest_required: bool = False
    # Of the update of a package: whether it needs the name, and has another word for the custom info.
    name_required: bool = False
    info_renamed: bool = False
    # Where its files may lie, beside the endpoint's own host.
    file_hosts: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()
    camel: bool = False
    xml: bool = False
    acs3: bool = False
    version_required: bool = False
    capabilities: Mapping[Capability, Support] = field(default_factory=lambda: CAPABILITIES)
    quotas: Mapping[str, Quota] = field(default_factory=lambda: QUOTAS)


# Answers in camelCase. It publishes no rates and no counts: Aliyun's are assumed (unverified). So are the parameters of
# CreateOTAModule, UpdateOTAModule and DeleteOTAFirmware, whose pages could not be read. All its examples are GET.
# Where its files lie is not said either: that it is at these names is unverified.
TUYA = Profile(
    name="tuya",
    method="GET",
    file_hosts=("*.tuyacloud.com", "*.tuyacn.com", "*.tuyaus.com", "*.tuyaeu.com", "*.tuyain.com", "*.aliyuncs.com"),
    missing=frozenset(
        {"QueryDeviceBySQL", "QueryProduct", "BatchGetDeviceState", "GetDeviceStatus", "QueryDeviceStatistics"}
    ),
    camel=True,
    digest_required=True,
    name_required=True,
    capabilities={
        **CAPABILITIES,
        Capability.CREATE_PACKAGE: Support(
            Level.NATIVE, "one file by URL, with its md5 or sha256; full packages alone"
        ),
    },
    limits=Limits(
        text={
            **TEXT,
            "artifact.checksum": Text(
                pattern="[A-Fa-f0-9]{32}|[A-Fa-f0-9]{64}", words="the hexadecimal digits of an MD5 or SHA-256"
            ),
        },
        page_size=PAGE_SIZES,
        counts=COUNTS,
        source_versions=1,
        artifacts=1,
        empty_packages=False,
        artifact_size=FILE_SIZE,
        artifact_suffixes=FILE_SUFFIXES,
        checksums=("md5", "sha256"),
        kinds=("full",),
    ),
)

# Answers in PascalCase. Methods are those of its official SDK.
ALIYUN = Profile(
    name="aliyun",
    method="POST",
    file_hosts=("*.aliyuncs.com",),
    methods={"ListOTAModuleByProduct": "GET"},
    region_parameter=True,
    instance_parameter=True,
    info_renamed=True,
    xml=True,
    acs3=True,
    version_required=True,
    capabilities={
        **CAPABILITIES,
        Capability.CREATE_PACKAGE: Support(
            Level.NATIVE, "files by URL; of several, each needs a name of its own of 1 to 32 characters"
        ),
        Capability.LIST_FLEET_VERSIONS: Support(
            Level.NATIVE,
            "by QueryDeviceBySQL, 50 devices a call, where iot_instance_id is set, a product of up to 10,000 devices "
            "is given and the instance allows it; else a call for each device",
        ),
    },
    limits=Limits(
        text={
            **TEXT,
            "artifact.checksum": Text(pattern="[A-Fa-f0-9]{32}", words="the hexadecimal digits of an MD5"),
        },
        page_size=PAGE_SIZES,
        counts=COUNTS,
        source_versions=1,
        artifacts=20,
        empty_packages=False,
        artifact_size=FILE_SIZE,
        artifact_suffixes=(*FILE_SUFFIXES, ".tar.xz", ".pack"),
        checksums=("md5",),
    ),
)
