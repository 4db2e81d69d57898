"""The facade of both clouds: requests of theirs in, operations of any backend, answers of theirs out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from otabridge.facade import Answer, Asked, Call, Reason, Verdict
from otabridge.markup import document, text, xml
from otabridge.objects import ObjectDialect
from otabridge.plugin import OtaBridgeError, Pairs, RateLimitError, Steps, ValidationError
from otabridge_action.facade_codes import BAD_VERSION, CODES, MISSING, REASONS, Codes, Refusal, mandatory, missing, no
from otabridge_action.facade_gate import Judgement
from otabridge_action.facade_modules import ModuleActions
from otabridge_action.facade_objects import OssDialect
from otabridge_action.facade_packages import PackageActions
from otabridge_action.facade_reading import Parsed, parse
from otabridge_action.facade_search import SearchActions
from otabridge_action.facade_tables import INSTANCE, strict
from otabridge_action.profiles import ALIYUN, TUYA
from otabridge_action.schema_writing import Tree

JSON = ("content-type", "application/json;charset=utf-8")
XML = ("content-type", "text/xml;charset=utf-8")
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
RETRY = "x-acs-retry-after"  # in milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action: what does it, which parameters it cannot do without, and whether it changes anything."""

    work: "Callable[[ActionFacade, Call, Parsed], Steps[Tree]]"
    needs: tuple[str, ...] = ()
    write: bool = False


class ActionFacade(ModuleActions, PackageActions, SearchActions):
    """Both clouds' facade, over any store."""

    wait_headers = {"Retry-After": 1, RETRY: 1000}  # noqa: RUF012  # the base class says that it is the class's

    def hints(self) -> Mapping[str, str]:
        return {"iot_instance_id": INSTANCE} if self.profile.instance_parameter else {}

    @cached_property
    def objects(self) -> ObjectDialect:
        """The storage of packages' files, on the same port."""
        return OssDialect(self.site)

    def read(self, call: Call) -> Parsed:
        return parse(call, self.profile, WRITES)

    def verify(self, call: Call, asked: Asked) -> Verdict:
        return self.gate.judge(call, _parsed(asked))

    def perform(self, call: Call, asked: Asked) -> Steps[Answer]:
        parsed = _parsed(asked)
        action, words = ACTIONS[asked.operation], parsed.words
        for word in action.needs:
            if word not in words:
                raise missing(word)
        if (
            strict(self.site, "instance")
            and self.profile.instance_parameter
            and words.get("instance", INSTANCE) != INSTANCE
        ):
            raise no("instance")
        if words.get("product") is not None:
            yield from self.admit_product(words["product"])
        members = yield from action.work(self, call, parsed)
        return self._answer(parsed, 200, self.scribe.success(members, self._id(call)))

    # --- what goes wrong --------------------------------------------------------------------------------------------

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
        asked = self.read(call)
        usual, word, words = self._unknown(call, asked) if reason == "no such call" else REASONS[reason]
        if isinstance(verdict, Judgement):
            word = verdict.code or word
        if reason == "bad signature" and (echo := self.gate.echo(call, asked)):
            # One of the official SDKs takes all that stands behind the first colon for the server's text.
            told = f"{words.rstrip('.')} ({message})." if message else words
            message = f"{told} server string to sign is:{echo}"
        return self._gateway(call, asked, status or usual, code or word, message or words)

    def explain(self, call: Call, asked: Asked, error: OtaBridgeError) -> Answer:
        parsed, codes = _parsed(asked), CODES.get(asked.operation, Codes())
        if isinstance(error, Refusal):
            if error.status != 200:
                return self._gateway(call, parsed, error.status, error.code, error.message)
            return self._failure(call, parsed, error.code, error.message)
        if isinstance(error, RateLimitError):
            status, code, words = REASONS["throttled"]
            wait = ((RETRY, str(round(error.retry_after * 1000))),) if error.retry_after else ()
            return self._gateway(call, parsed, status, code, words, *wait)
        if business := codes.of(error):
            return self._failure(call, parsed, business, _told(error, parsed))
        return self.refuse(call, "unavailable")

    def _unknown(self, call: Call, asked: Parsed) -> tuple[int, str, str]:
        """What is wrong with an action that is not there."""
        if call.path != "/":
            return REASONS["no such call"]
        if not asked.named:
            return 400, MISSING.format("Action"), mandatory("Action")
        if asked.named in WRITES and asked.named not in self.profile.missing:
            if asked.version:
                return 400, BAD_VERSION, "Specified parameter Version is not valid."
            return 400, MISSING.format("Version"), mandatory("Version")
        return REASONS["no such call"]

    def _failure(self, call: Call, asked: Parsed, code: str, message: str) -> Answer:
        return self._answer(asked, 200, self.scribe.failure(code, message, self._id(call)), code=code)

    def _gateway(
        self, call: Call, asked: Parsed, status: int, code: str, message: str, *headers: tuple[str, str]
    ) -> Answer:
        tree = self.scribe.refusal(code, message, self._id(call), call.headers.get("host", ""))
        return self._answer(asked, status, tree, *headers, code=code, root="Error")

    def _answer(
        self, asked: Parsed, status: int, tree: Tree, *headers: tuple[str, str], code: str = "", root: str = ""
    ) -> Answer:
        if asked.xml:
            body, kind = as_xml(root or f"{asked.operation}Response", tree), XML
        else:
            body, kind = as_json(tree), JSON
        pairs: Pairs = (kind, *headers)
        return Answer(status=status, headers=pairs, body=body, code=code)

    def _id(self, call: Call) -> str:
        """The request id, in capitals on Aliyun."""
        text = "-".join((call.id[:8], call.id[8:12], call.id[12:16], call.id[16:20], call.id[20:]))
        return text.lower() if self.profile.camel else text.upper()


class TuyaFacade(ActionFacade, profile=TUYA):
    """A Tuya service instance."""


class AliyunFacade(ActionFacade, profile=ALIYUN):
    """Alibaba Cloud IoT Platform."""


ACTIONS: Mapping[str, Action] = {
    "QueryProductList": Action(work=ActionFacade.list_products, needs=("page", "size")),
    "QueryProduct": Action(work=ActionFacade.get_product, needs=("product",)),
    "ListOTAModuleByProduct": Action(work=ActionFacade.list_modules, needs=("product",)),
    "CreateOTAModule": Action(work=ActionFacade.create_module, needs=("product", "module"), write=True),
    "UpdateOTAModule": Action(work=ActionFacade.update_module, needs=("product", "module"), write=True),
    "DeleteOTAModule": Action(work=ActionFacade.delete_module, needs=("product", "module"), write=True),
    "GenerateOTAUploadURL": Action(work=ActionFacade.grant_upload),
    "CreateOTAFirmware": Action(work=ActionFacade.create_package, needs=("product", "name", "version"), write=True),
    "ModifyOTAFirmware": Action(work=ActionFacade.update_package, needs=("package_id",), write=True),
    "DeleteOTAFirmware": Action(work=ActionFacade.delete_package, needs=("package_id",), write=True),
    "ListOTAFirmware": Action(work=ActionFacade.list_packages, needs=("page", "size")),
    "QueryOTAFirmware": Action(work=ActionFacade.get_package, needs=("package_id",)),
    "ListOTAModuleVersionsByDevice": Action(work=ActionFacade.list_versions, needs=("page", "size")),
    "QueryDevice": Action(work=ActionFacade.list_devices, needs=("product",)),
    "QueryDeviceByStatus": Action(work=ActionFacade.list_devices_of_status, needs=("status",)),
    "QueryDeviceDetail": Action(work=ActionFacade.get_device),
    "BatchQueryDeviceDetail": Action(work=ActionFacade.get_devices, needs=("product",)),
    "BatchGetDeviceState": Action(work=ActionFacade.get_device_states),
    "GetDeviceStatus": Action(work=ActionFacade.get_device_status),
    "QueryDeviceStatistics": Action(work=ActionFacade.count_devices),
    "QueryDeviceBySQL": Action(work=ActionFacade.search, needs=("instance", "statement")),
}
WRITES: Mapping[str, bool] = {name: action.write for name, action in ACTIONS.items()}


def _parsed(asked: Asked) -> Parsed:
    assert isinstance(asked, Parsed), "a call must be performed as it was read"
    return asked


def _told(error: OtaBridgeError, asked: Parsed) -> str:
    """What an error says, without a value that its client did not send."""
    if isinstance(error, ValidationError) and error.value not in dict(asked.pairs).values():
        return str(error).replace(f", not {error.value!r}", "")
    return str(getattr(error, "message", error))


def as_json(tree: Tree) -> bytes:
    return _encoded(tree).encode("utf-8", "replace")


def as_xml(root: str, tree: Tree) -> bytes:
    return document(_element(root, tree))


def _element(name: str, value: object) -> str:
    """An element of XML; an array is its element repeated."""
    if isinstance(value, list):
        return "".join([_element(name, item) for item in value])
    if isinstance(value, dict):
        return xml(name, *(_element(inner, item) for inner, item in value.items()))
    return xml(name, text(str(value).lower() if isinstance(value, bool) else value))
