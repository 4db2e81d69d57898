"""The facade: IoTDA's API, served from any backend. Operations are in the files named facade_*.py."""

from collections.abc import Callable, Mapping
from typing import ClassVar
from urllib.parse import unquote

from otabridge.facade import Answer, Asked, Call, Reason, Site, Verdict
from otabridge.plugin import Backend, OtaBridgeError, Steps, ValidationError
from otabridge_huawei import facade_tables as tables
from otabridge_huawei import schema_mirror as wire
from otabridge_huawei.facade_calls import Given, Refused, answer, refuse
from otabridge_huawei.facade_iam import IdentityFacade
from otabridge_huawei.facade_modules import ModuleFacade
from otabridge_huawei.facade_objects import ObsDialect
from otabridge_huawei.facade_packages import PackageFacade
from otabridge_huawei.facade_search import SearchFacade
from otabridge_huawei.tables import QUOTAS

BASE = "/v5/iot/"


class HuaweiFacade(ModuleFacade, PackageFacade, SearchFacade, IdentityFacade):
    """Huawei Cloud IoTDA, API v5, and the identity service that its clients need."""

    name: ClassVar[str] = "huawei"
    contract = 1
    quotas = QUOTAS
    largest_body = 12 << 20  # the gateway's own bound

    def __init__(self, store: Backend, site: Site) -> None:
        super().__init__(store, site)
        self._objects = ObsDialect(site)

    @property
    def objects(self) -> ObsDialect:
        """Where packages' objects lie."""
        return self._objects

    def read(self, call: Call) -> Asked:
        """The operation by method and path. HEAD and what else is not documented is no call at all."""
        path = call.path
        if not path.startswith(BASE):
            return Asked(operation=tables.IDENTITY_ROUTES.get((call.method, path), ""))
        project, _, rest = path[len(BASE) :].partition("/")
        operation, found = tables.ROUTES.get((call.method, rest)), ""
        if operation is None:
            above, _, found = rest.rpartition("/")
            operation = (found and tables.ROUTES.get((call.method, f"{above}/*"))) or ""
        given = {"project": unquote(project), "id": unquote(found)}
        return Asked(operation=operation, write=operation in tables.WRITES, given=given)

    def verify(self, call: Call, asked: Asked) -> Verdict:
        """As the gateway does: a call that does not exist is no matter of credentials."""
        if not asked.operation or asked.operation in tables.OPEN:
            return Verdict()
        return self.verifier.verify(call)

    def perform(self, call: Call, asked: Asked) -> Steps[Answer]:
        """Do what is asked."""
        if asked.given:
            self.admit_project(asked.given["project"])
            self.admit_instance(call.headers.get("instance-id", ""))
        try:
            query = wire.asked(call.query)
        except ValueError:
            refuse(tables.INVALID, "too many parameters")
        given = Given(call=call, id=asked.given.get("id", ""), query=query, strict=tables.strict(self.site, "member"))
        given.check()
        return (yield from _OPERATIONS[asked.operation](self, given))

    def refuse(
        self,
        call: Call,
        reason: Reason,
        message: str = "",
        *,
        verdict: Verdict | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> Answer:
        """The vendor's error for a reason; the message is told beside its own."""
        usual = tables.REASONS[reason]
        if reason == "no such call" and call.path.startswith("/v5/") and not call.path.startswith(BASE):
            usual = tables.WRONG_PATH
        words = f"{usual[2]}, {message}" if message else usual[2]
        return self._error(call, (status or usual[0], code or usual[1], words))

    def explain(self, call: Call, asked: Asked, error: OtaBridgeError) -> Answer:
        """The vendor's error for what an operation raised, by its class; the facade's own say it themselves."""
        if isinstance(error, Refused):
            return self._error(call, (error.status or 500, error.code or "", error.message))
        kind, usual = next((kind, usual) for kind, usual in tables.RAISED.items() if isinstance(error, kind))
        status, code, words = tables.OF_OPERATION.get((kind, asked.operation), usual)
        if isinstance(error, ValidationError):
            words += f": {wire.FIELDS.get(error.field, error.field)}: {error.limit}"
        return self._error(call, (status, code, words))

    def _error(self, call: Call, error: tables.Error) -> Answer:
        status, code, message = error
        if call.path.startswith(tables.IDENTITY):
            body = wire.identity_error(status, message, tables.TITLES.get(status, "Error"))
            told = answer(call, body, status, ("X-IAM-Trace-Id", call.id))
        else:
            told = answer(call, wire.error(code, message, call.id if code.startswith("APIGW") else None), status)
        return Answer(status=told.status, headers=told.headers, body=told.body, code=code)


_OPERATIONS: Mapping[str, Callable[[HuaweiFacade, Given], Steps[Answer]]] = {
    "CreateOtaModule": HuaweiFacade.create_module,
    "ListOtaModules": HuaweiFacade.list_modules,
    "ShowOtaModule": HuaweiFacade.show_module,
    "UpdateOtaModule": HuaweiFacade.update_module,
    "DeleteOtaModule": HuaweiFacade.delete_module,
    "CreateOtaPackage": HuaweiFacade.create_package,
    "ListOtaPackageInfo": HuaweiFacade.list_packages,
    "ShowOtaPackage": HuaweiFacade.show_package,
    "DeleteOtaPackage": HuaweiFacade.delete_package,
    "ListDevices": HuaweiFacade.list_devices,
    "ShowDevice": HuaweiFacade.show_device,
    "SearchDevices": HuaweiFacade.search_devices,
    "ListProducts": HuaweiFacade.list_products,
    "ShowProduct": HuaweiFacade.show_product,
    "ShowApplications": HuaweiFacade.list_applications,
    tables.LOGIN: HuaweiFacade.create_token,
    tables.PROJECTS: HuaweiFacade.list_projects,
    tables.TEMPORARY_KEY: HuaweiFacade.create_temporary_key,
}
