"""What the facade takes on itself, as data: assumptions with their strict form, and inventions."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from otabridge.facade import Site
from otabridge.plugin import Quota
from otabridge_action.tables import STATUS_WORDS

# --- what no source says ----------------------------------------------------------------------------------------------

Doubt = Literal["product", "object", "method", "instance", "token", "digest"]
# Each of these is unverified: (what is done, what is done where a host is strict).
DOUBTS: Mapping[Doubt, tuple[str, str]] = {
    "product": ("a product that was never seen has nothing, and comes into being with a module", "it is refused"),
    "object": ("the object behind a package's URL need not exist", "a package without its object is refused"),
    "method": ("Tuya takes POST", "it takes GET alone, as all its examples have it"),
    "instance": ("any IotInstanceId is taken, and none", "only the one that `hints` names, or none"),
    "token": ("any security token goes with a key that needs none", "it must have been issued"),
    "digest": ("on Tuya a package may come without a digest, as one page has it", "it is refused, as another has it"),
}


def strict(site: Site, doubt: Doubt) -> bool:
    """Whether this doubt is decided the strict way."""
    return site.strict and doubt in DOUBTS


# --- what a cloud would know and a store does not ---------------------------------------------------------------------

INSTANCE = "iot-otabridge"
# When products and devices were made, no store knows.
UNKNOWN_TIME = datetime(2020, 1, 1, tzinfo=UTC)
# A device that is there has reported, so it was activated; whether it is connected now, these two do not say.
DEVICE_WORDS: Mapping[str, str] = {
    **{status: word for word, status in STATUS_WORDS.items()},
    **dict.fromkeys(("unknown", "abnormal"), "OFFLINE"),
}
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
