"""The conformance kit for backends: one subclass runs the whole of it."""

from otabridge.testing.groups.artifacts import Artifacts
from otabridge.testing.groups.declaration import Declaration
from otabridge.testing.groups.errors import Errors
from otabridge.testing.groups.hygiene import Hygiene
from otabridge.testing.groups.lifecycle import Lifecycle
from otabridge.testing.groups.limits import Limits
from otabridge.testing.groups.mapping import Mapping
from otabridge.testing.groups.pacing import Pacing
from otabridge.testing.groups.paging import Paging
from otabridge.testing.groups.publishing import Publishing
from otabridge.testing.groups.recorded import Recorded
from otabridge.testing.groups.retry import Retry
from otabridge.testing.groups.signing import Signing
from otabridge.testing.groups.versions import Versions


class BackendConformance(
    Declaration,
    Limits,
    Paging,
    Mapping,
    Errors,
    Signing,
    Retry,
    Pacing,
    Lifecycle,
    Versions,
    Artifacts,
    Publishing,
    Recorded,
    Hygiene,
):
    """Every test of the kit, sync and async; see `Suite` for the attributes that a subclass sets."""
