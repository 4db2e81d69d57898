"""What the facade takes on itself, as data: assumptions with their strict form, and inventions."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from otabridge.facade import Site
from otabridge.plugin import Quota

# --- what no source says ----------------------------------------------------------------------------------------------

Doubt = Literal["product", "method", "instance", "token", "digest"]
# Each of these is unverified: (the question, what is done by default, what is done where a host is strict), as
# docs/serve.md has them.
DOUBTS: Mapping[Doubt, tuple[str, str, str]] = {
    "product": ("an unknown product", "comes into being", "is refused"),
    "method": ("POST on Tuya", "accepted", "refused"),
    "instance": ("`IotInstanceId` on Aliyun", "any, or none", "only the one of `hints`, or none"),
    "token": ("a security token with a known key", "any", "only an issued one"),
    "digest": ("a package without a digest on Tuya", "accepted", "refused"),
}


def strict(site: Site, doubt: Doubt) -> bool:
    """Whether this doubt is decided the strict way."""
    return site.strict and doubt in DOUBTS


# --- what a cloud would know and a store does not ---------------------------------------------------------------------

INSTANCE = "iot-otabridge"
# When products and devices were made, no store knows.
UNKNOWN_TIME = datetime(2020, 1, 1, tzinfo=UTC)
# How long the URL of a download holds is not documented.
DOWNLOAD = timedelta(hours=1)
UPLOAD = timedelta(minutes=1)
# Documented for one of the two signatures alone.
WINDOW = timedelta(minutes=15)
# Rows of a search without a LIMIT, and the most characters, conditions, rows and devices by name that one call has.
SEARCH_ROWS, SEARCH_CHARACTERS, SEARCH_CONDITIONS = 50, 400, 5
DETAILS, STATES = 100, 50
# Without a token a list of devices ends here.
NUMBERED_ROWS = 10_000

# The rates of actions that the backend does not call.
SERVED_QUOTAS: Mapping[str, Quota] = {
    "GenerateOTAUploadURL": Quota(10),
    "BatchQueryDeviceDetail": Quota(5),
    "GetDeviceStatus": Quota(500),
    **dict.fromkeys(("QueryProduct", "QueryDeviceByStatus", "BatchGetDeviceState", "QueryDeviceStatistics"), Quota(50)),
}
