"""The contract that a cloud's plugin fulfils.

Required: `name`, `contract`, `settings`, `capabilities`, `list_modules`, `list_packages`, `list_module_versions`.
Everything else is optional: override the method, and say so in `capabilities`. Every operation is a flow, takes
keywords alone, and raises the errors of `otabridge.errors`; lists return a Page whose cursor any process can take up.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from otabridge import errors as err
from otabridge.capabilities import TRAITS, Capability, Level, Support, Traits
from otabridge.flow import Flow, Steps, flow, or_none
from otabridge.limits import ARGUMENT_FIELDS, OWN_FIELDS, Limits, broken
from otabridge.models import Artifact, Device, Module, ModuleVersion, Package, PackageDraft, Page, Product
from otabridge.pacing import EVERYTHING, Quota
from otabridge.paging import IDENTITIES, Nested, Walk
from otabridge.rows import excerpt, not_understood
from otabridge.settings import Settings
from otabridge.signing import Credential, World
from otabridge.wire import Request, Response, retry_after

T = TypeVar("T")
CONTRACT = 1

STATUSES: Mapping[int, type[err.ApiError]] = {
    401: err.AuthenticationError,
    403: err.ForbiddenError,
    404: err.NotFoundError,
    409: err.ConflictError,
    429: err.RateLimitError,
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an answer says went wrong, before it is classed."""

    code: str | None
    message: str
    request_id: str | None = None


class Backend(ABC):
    """One cloud's dialect. It holds settings and small memories of ids, and never does I/O."""

    name: ClassVar[str]
    contract: ClassVar[int]
    settings: ClassVar[type[Settings]]
    capabilities: ClassVar[Mapping[Capability, Support]]
    limits: ClassVar[Limits] = Limits()
    quotas: ClassVar[Mapping[str, Quota]] = {}
    # Operation -> the quotas that a call of it spends, where these have other names.
    spends: ClassVar[Mapping[Capability, tuple[str, ...]]] = {}
    traits: ClassVar[Traits] = TRAITS
    # The built-in modules, as core name -> the vendor's reserved spelling of it ("" where there is none).
    builtins: ClassVar[Mapping[str, str]] = {}
    # Vendor code, in lower case -> core error; and the codes that a fresh credential cures.
    ERRORS: ClassVar[Mapping[str, type[err.ApiError]]] = {}
    STALE: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, config: Settings, *, world: World | None = None) -> None:
        self.config = config
        self.world = world or World()
        self._devices_at_work: dict[object, Page[Device]] = {}

    def __repr__(self) -> str:
        return f"<{self.name} backend>"

    def close(self) -> None:  # noqa: B027  # optional
        """Release what the backend holds. Most hold nothing."""

    # --- operations -------------------------------------------------------------------------------------------------

    def list_products(self, *, cursor: str | None = None, limit: int | None = None) -> Flow[Page[Product]]:
        """One page of products."""
        raise self._missing(Capability.LIST_PRODUCTS)

    @abstractmethod
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Flow[Page[Module]]:
        """One page of modules, of one product or of all."""

    def get_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Flow[Module]:
        """One module, by (product, name) or by the vendor's id. NotFoundError if there is none."""
        raise self._missing(Capability.GET_MODULE)

    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Flow[Module]:
        """Make a module. ConflictError if the name is taken, QuotaExceededError if the product has too many."""
        raise self._missing(Capability.CREATE_MODULE)

    def update_module(
        self,
        *,
        product: str | None = None,
        name: str | None = None,
        module_id: str | None = None,
        alias: str | None = None,
        description: str | None = None,
    ) -> Flow[Module]:
        """Change alias or description; what is None stays. NotFoundError if there is no such module."""
        raise self._missing(Capability.UPDATE_MODULE)

    def delete_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Flow[None]:
        """Delete a module. ConflictError while it has packages, NotFoundError if there is none."""
        raise self._missing(Capability.DELETE_MODULE)

    @abstractmethod
    def list_packages(
        self,
        *,
        product: str | None = None,
        module: str | None = None,
        version: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Flow[Page[Package]]:
        """One page of packages; rows may lack their artifacts' locations, which `get_package` has."""

    def get_package(self, *, package_id: str) -> Flow[Package]:
        """One package. NotFoundError if there is none."""
        raise self._missing(Capability.GET_PACKAGE)

    def create_package(self, *, draft: PackageDraft) -> Flow[Package]:
        """Make a package of artifacts that lie where the cloud wants them. ConflictError if the version is taken."""
        raise self._missing(Capability.CREATE_PACKAGE)

    def update_package(
        self,
        *,
        package_id: str,
        name: str | None = None,
        description: str | None = None,
        custom_info: str | None = None,
    ) -> Flow[Package]:
        """Change what a package is called and says; what is None stays. NotFoundError if there is none."""
        raise self._missing(Capability.UPDATE_PACKAGE)

    def delete_package(self, *, package_id: str) -> Flow[None]:
        """Withdraw a package. NotFoundError if there is none."""
        raise self._missing(Capability.DELETE_PACKAGE)

    def stage_artifact(self, *, path: Path, filename: str) -> Flow[Artifact]:
        """Bring a file's bytes where the cloud wants them, and return it with its size, digest and location.

        A cloud that keeps files inside packages alone leaves it where it is: a FileLocation, for `create_package`.
        """
        raise self._missing(Capability.STAGE_ARTIFACT)

    def open_artifact(self, *, artifact: Artifact, folder: Path) -> Flow[Path]:
        """Get an artifact's bytes back, checked, into a new file in `folder`. IntegrityError if they differ."""
        raise self._missing(Capability.OPEN_ARTIFACT)

    def list_devices(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Flow[Page[Device]]:
        """One page of devices, of one product or of all."""
        raise self._missing(Capability.LIST_DEVICES)

    def get_device(
        self, *, product: str | None = None, device: str | None = None, device_id: str | None = None
    ) -> Flow[Device]:
        """One device, by (product, name) or by the vendor's id. NotFoundError if there is none."""
        raise self._missing(Capability.GET_DEVICE)

    @abstractmethod
    def list_module_versions(
        self,
        *,
        product: str | None = None,
        device: str | None = None,
        device_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Flow[Page[ModuleVersion]]:
        """One page of the module versions of one device. NotFoundError if there is no such device."""

    def list_version_history(
        self,
        *,
        product: str,
        device: str,
        module: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Flow[Page[ModuleVersion]]:
        """One page of everything that a device ever reported, newest first."""
        raise self._missing(Capability.LIST_VERSION_HISTORY)

    def report_module_versions(self, *, versions: Iterable[ModuleVersion]) -> Flow[int]:
        """Take in reported versions in bulk, and return how many."""
        raise self._missing(Capability.REPORT_MODULE_VERSIONS)

    @flow
    def list_fleet_versions(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[ModuleVersion]]:
        """One page of the module versions of every device: here composed of a list of devices and a call for each."""

        def versions(device: Device, inner: str | None) -> Steps[Page[ModuleVersion]]:
            key = {"product": device.product, "device": device.name, "device_id": device.id}
            found = yield from or_none(self.list_module_versions(**key, cursor=inner, limit=limit))
            return found or Page(())  # deleted since it was listed

        devices: Nested[Device, ModuleVersion] = Nested(
            self._devices_at_work,
            lambda outer: self.list_devices(product=product, cursor=outer),
            versions,
            scope=product,
            keyset=self.traits.cursors == "keyset",
        )
        return (yield from devices.page(cursor))

    @flow
    def count_fleet_versions(
        self, *, product: str | None = None, module: str | None = None, version: str | None = None
    ) -> Steps[int]:
        """How many modules of devices are reported to have this module and version: here counted row by row."""
        count = 0
        walk: Walk[ModuleVersion] = Walk(IDENTITIES[ModuleVersion], keyset=self.traits.cursors == "keyset")
        while not walk.done:
            for row in walk.take((yield from self.list_fleet_versions(product=product, cursor=walk.cursor))):
                asked = module in (None, row.module) and version in (None, row.version)
                count += asked and row.source == "reported"
        return count

    # --- what the engine needs --------------------------------------------------------------------------------------

    @flow
    def credential(self) -> Steps[Credential]:
        """The credential for the next requests; where it must be fetched, by requests with `auth=False`."""
        yield from ()
        return Credential()

    def has_bytes(self, artifact: Artifact) -> bool:
        """Whether `open_artifact` can bring an artifact of this backend, as far as is known without asking."""
        return True

    def complaint(self, request: Request, response: Response) -> Complaint | None:
        """What the answer says went wrong: its envelope first. None if it is a success or says nothing."""
        return None

    def judge(self, request: Request, response: Response) -> err.OtaBridgeError | None:
        """The error that an answer is, by its vendor's code first and its HTTP status second; None for a success."""
        complaint = self.complaint(request, response)
        if complaint is None:
            if 200 <= response.status < 300:
                return None
            if response.status < 400:
                return not_understood(request, response, "a redirect, which is never followed: check the endpoint")
            if response.status == 404 and response.body.lstrip().startswith(b"<"):
                # Not an object that is missing, but a page of a proxy or of another server.
                return not_understood(request, response, "a 404 that is not the cloud's own: check the endpoint")
            told = f"HTTP {response.status}: {excerpt(response) or 'an empty answer'}"
            complaint = Complaint(None, told, response.header("x-request-id"))
        kind = self.ERRORS.get((complaint.code or "").lower()) or STATUSES.get(response.status)
        if kind is None:
            kind = err.ServerError if response.status >= 500 else err.InvalidRequestError
        return kind(
            complaint.message,
            backend=self.name,
            operation=request.operation,
            status=response.status,
            code=complaint.code,
            request_id=complaint.request_id,
            retry_after=retry_after(response),
        )

    def rates(self) -> dict[str, float]:
        """Requests per second by operation, as the settings and the vendor's quotas say; empty means unpaced."""
        chosen = self.config.quotas
        if chosen == "off":
            return {}
        if isinstance(chosen, int | float):
            rates = {EVERYTHING: float(chosen)}
        else:
            rates = {operation: quota.rate for operation, quota in self.quotas.items()}
            rates |= chosen if isinstance(chosen, dict) else {}
        return {operation: rate * self.config.quota_share for operation, rate in rates.items()}

    # --- checks, made before anything is sent -----------------------------------------------------------------------

    def admit(self, operation: str, arguments: Mapping[str, Any]) -> None:
        """Check an operation's arguments against the limits: raise, warn or let pass, as the settings say."""
        if self.config.validation == "off" or operation not in OPERATIONS:
            return
        try:
            self._check(OPERATIONS[operation], arguments)
        except err.ValidationError as error:
            if self.config.validation == "strict":
                raise
            warnings.warn(str(error), stacklevel=4)

    def _check(self, operation: Capability, arguments: Mapping[str, Any]) -> None:
        if "limit" in arguments:
            self.limits.check_page_size(operation, arguments["limit"])
        fields = OWN_FIELDS.get(operation, ARGUMENT_FIELDS)
        draft: PackageDraft | None = arguments.get("draft")
        named = (value for argument, value in arguments.items() if fields.get(argument) == "module.name")
        module = draft.module if draft else next(named, None)
        builtin = isinstance(module, str) and self._builtin(module, operation)
        if draft:
            self.limits.check_draft(draft, skip="module.name" if builtin else "")
        for argument, value in arguments.items():
            field = fields.get(argument)
            if field and value is not None and not (builtin and field == "module.name"):
                self.limits.check_text(field, value)

    def _builtin(self, module: str, operation: Capability) -> bool:
        """Whether a name means a built-in module; those are never made or unmade."""
        if module not in self.builtins and module not in filter(None, self.builtins.values()):
            if module.startswith("@"):
                known = ", ".join(self.builtins) or "none"
                raise broken("module.name", f"@ is for built-in modules ({self.name} has {known})", module, "rename it")
            return False
        if operation in _MODULE_WRITES:
            raise broken("module.name", "a built-in module is never created, changed or deleted", module, "rename it")
        return True

    def _missing(self, capability: Capability) -> err.UnsupportedError:
        support = self.capabilities.get(capability, Support(Level.UNSUPPORTED))
        reason = support.note or support.level.value
        return err.UnsupportedError(f"{self.name}: {capability.value} is not available: {reason}")


OPERATIONS: Mapping[str, Capability] = {capability.value: capability for capability in Capability}
REQUIRED = (Capability.LIST_MODULES, Capability.LIST_PACKAGES, Capability.LIST_MODULE_VERSIONS)
_MODULE_WRITES = (Capability.CREATE_MODULE, Capability.UPDATE_MODULE, Capability.DELETE_MODULE)


def agreeing(found: T | None, equals: Callable[[T], bool], message: str) -> T | None:
    """After a lost answer: what was found, if it is what was asked for; ConflictError if it is something else."""
    if found is not None and not equals(found):
        raise err.ConflictError(message)
    return found
