"""Every error that the facade answers: its code, its words, and what it stands for. One table for each who refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from otabridge.facade import Reason
from otabridge.plugin import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OtaBridgeError,
    PagingError,
    QuotaExceededError,
    UnsupportedError,
    ValidationError,
)
from otabridge_action.schema_names import name_of


class Refusal(OtaBridgeError):
    """An error in the vendors' own words: of an action in a 200, of the gateway with another status."""

    def __init__(self, code: str, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


# --- the gateway ------------------------------------------------------------------------------------------------------

# reason -> status, code, words. Statuses and words follow other products behind the same gateway; those of
# SignatureNonceUsed, of tokens, and of all from "no such call" on are unverified.
REASONS: Mapping[Reason, tuple[int, str, str]] = {
    "no credential": (400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action."),
    "unknown key": (404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
    "bad signature": (400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation."),
    "bad time": (400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."),
    "nonce used": (400, "SignatureNonceUsed", "Specified signature nonce was used already."),
    "bad token": (400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed."),
    "expired token": (400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
    "throttled": (400, "Throttling.User", "Request was denied due to user flow control."),
    "no such call": (
        404,
        "InvalidAction.NotFound",
        "Specified api is not found, please check your url and method.",
    ),
    "bad request": (400, "InvalidParameter", "The request is not well formed."),
    "too large": (413, "RequestTooLarge", "The request is larger than any action needs."),
    "unavailable": (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."),
    "failed": (500, "InternalError", "The request processing has failed due to some unknown error."),
}
# Its other codes, each the code of a verdict or of a call that is not there; all but the first two are unverified.
MISSING = "Missing{}"
BAD_TIME = "InvalidTimeStamp.Format"
BAD_METHOD = "UnsupportedHTTPMethod"
BAD_SCHEME = "InvalidSignatureMethod"
UNSIGNED = "IncompleteSignature"
BAD_VERSION = "InvalidVersion"


def missing(word: str) -> Refusal:
    """The gateway's error for a parameter that an action needs, by our word for it."""
    name = name_of(word)
    return Refusal(MISSING.format(name), mandatory(name), status=400)


def mandatory(name: str) -> str:
    return f"{name} is mandatory for this action."


# --- actions: what the facade finds -----------------------------------------------------------------------------------

_PARAMETER, _SIGN, _ID = (
    "iot.common.InvalidFormattedParameter",
    "iot.firmware.InvalidFirmwareSign",
    "iot.device.InvalidIoTId",
)
_PAGE, _RESERVED = "iot.common.InvalidPageParams", "iot.firmware.ModuleNameReserved"
_SIZE, _FOREIGN = "iot.firmware.InvalidFirmwareSize", "iot.firmware.InvalidFirmwareUrl"
# What is wrong -> code and words. Which code a missing device and too many of them have, is unverified.
REFUSALS: Mapping[str, tuple[str, str]] = {
    "instance": ("iot.system.InstanceNotFound", "The instance does not exist."),
    "product": ("iot.prod.NotExistedProduct", "The product does not exist."),
    "page": (_PAGE, "The page number or the page size is invalid."),
    "token": (_PAGE, "There is no such token."),
    "boolean": (_PARAMETER, "A boolean is neither true nor false."),
    "module name reserved": ("iot.firmware.ModuleNameReserved", "The module name is reserved."),
    "module name taken": ("iot.ota.CreateOTAModuleNameExist", "The module name exists already."),
    "modules too many": ("iot.ota.CreateOTAModuleExceedLimit", "The product has as many modules as it may have."),
    "default module": ("iot.ota.DeleteOtaDefaultModule", "The default module cannot be deleted."),
    "package name taken": ("iot.firmware.AlreadyExistedFirmwareName", "The name of the package exists already."),
    "package version taken": ("iot.firmware.AlreadyExistedFirmwareVersion", "The version exists already."),
    "packages too many": ("iot.firmware.FirmwareCountExceedMax", "There are as many packages as there may be."),
    "package of another": ("iot.firmware.FirmwareAndProductKeyMismatch", "The package is of another product."),
    "package type": ("iot.firmware.InvalidFirmwareType", "The type is neither 0 nor 1."),
    "source missing": ("iot.firmware.SrcVersionIsMandatory", "A delta package needs its source version."),
    "source same": ("iot.firmware.SrcDestVersionMatched", "The source version is the package's own."),
    "suffix": ("iot.firmware.InvalidGenerateOTAUploadURLParam", "The suffix must be one of {}."),
    "file missing": ("iot.firmware.NullFirmwareUrl", "The URL of the file is missing."),
    "file empty": ("iot.firmware.EmptyFirmwareFile", "The file is empty."),
    "file not uploaded": (_FOREIGN, "The file was not uploaded."),
    "file elsewhere": (_FOREIGN, "It is no URL of an upload to this platform."),
    "file nowhere": ("iot.firmware.MalformedFirmwareUrl", "It is no URL."),
    "file size": (_SIZE, "The file has {} bytes."),
    "file size no number": (_SIZE, "The size is no number of bytes."),
    "file digest": (_SIGN, "The file has another {}."),
    "file digest length": (_SIGN, "An {} has {} hex digits."),
    "file algorithm": ("iot.firmware.InvalidFirmwareSignMethod", "It must be one of {}."),
    "file name taken": (_PARAMETER, "Each file needs a name of its own."),
    "file name": (_PARAMETER, "The name of a file must have {}."),
    "device id": (_ID, "There is no such id of a device."),
    "device missing": (_ID, "Neither an id nor a product and a name is given."),
    "devices missing": ("iot.device.NoneDeviceNameElement", "No device is named."),
    "devices too many": ("iot.check.ParameterIsNotLessThanMax", "At most {} devices may be named."),
    "device status": (_PARAMETER, "The status must be one of {}."),
    "group": ("iot.group.NotExistedGroup", "The group does not exist."),
    "statement": ("iot.devicesearch.InvalidSQL{}Error", "The statement is not understood, {}."),
}


def no(what: str, *more: object, code: str = "") -> Refusal:
    """The error for what is wrong, with what its words, or its `code`, leave open."""
    form, words = REFUSALS[what]
    return Refusal(form.format(code), words.format(*more))


# --- actions: what limits and stores say ------------------------------------------------------------------------------

# A field whose limit was broken -> code; then a field left empty -> code.
FIELDS: Mapping[str, str] = {
    "product.id": "iot.prod.InvalidFormattedProductkey",
    "device.name": "iot.device.InvalidFormattedDeviceName",
    "device.id": _ID,
    "module.name": "iot.firmware.IncorrectFormattedModuleName",
    "package.id": "iot.firmware.InvalidFirmwareId",
    "package.version": "iot.firmware.IncorrectFormattedFirmwareVersion",
    "package.name": "iot.firmware.IncorrectFormattedFirmwareName",
    "package.description": "iot.firmware.FirmwareDescriptionExceedMaxLength",
    "package.source_versions": "iot.firmware.IncorrectFormattedSrcVersion",
    "package.kind": "iot.firmware.InvalidFirmwareType",
    "artifact.checksum": _SIGN,
    "artifact.size": _SIZE,
    "artifact.url": "iot.firmware.MalformedFirmwareUrl",
    "artifact.name": _FOREIGN,
    "page_size": _PAGE,
}
EMPTY_FIELDS: Mapping[str, str] = {
    "product.id": "iot.prod.NullProductKey",
    "device.name": "iot.device.NullDeviceName",
    "package.id": "iot.firmware.NullFirmwareId",
    "package.version": "iot.firmware.NullFirmwareVersion",
    "package.name": "iot.firmware.BlankFirmwareName",
}
ERRORS: Mapping[type[OtaBridgeError], str] = {
    UnsupportedError: "iot.common.APINotSupportedInInstance",
    PagingError: _PAGE,
    NotFoundError: REFUSALS["product"][0],
    **dict.fromkeys((ConflictError, InvalidRequestError, QuotaExceededError), _PARAMETER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The codes of one action, where it has its own for what a store raises or for a field."""

    errors: Mapping[type[OtaBridgeError], str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def of(self, error: OtaBridgeError) -> str | None:
        """The code for an error of a store, or None if it is the store's failure."""
        if isinstance(error, ValidationError):
            empty = None if error.value else EMPTY_FIELDS.get(error.field)
            return self.fields.get(error.field) or empty or FIELDS.get(error.field, _PARAMETER)
        return next((code for kind, code in (*self.errors.items(), *ERRORS.items()) if isinstance(error, kind)), None)


_NO_MODULE = "iot.ota.OTAModuleNotExist"
_OF_DEVICE = Codes(errors={NotFoundError: "iot.device.NotExistedDevice"})
_OF_PACKAGE = Codes(errors={NotFoundError: "iot.firmware.FirmwareNotFound"})


def _of_modules(verb: str, errors: Mapping[type[OtaBridgeError], str]) -> Codes:
    code = f"iot.ota.{verb}OTAModuleParamError"
    return Codes(errors=errors, fields=dict.fromkeys(("module.alias", "module.description"), code))


CODES: Mapping[str, Codes] = {
    "CreateOTAModule": _of_modules(
        "Create",
        {ConflictError: REFUSALS["module name taken"][0], QuotaExceededError: REFUSALS["modules too many"][0]},
    ),
    "UpdateOTAModule": _of_modules("Update", {NotFoundError: _NO_MODULE}),
    "DeleteOTAModule": Codes(errors={NotFoundError: _NO_MODULE, ConflictError: "iot.ota.DeleteOTAModulePackageExist"}),
    "CreateOTAFirmware": Codes(
        errors={
            NotFoundError: _NO_MODULE,
            ConflictError: REFUSALS["package version taken"][0],
            QuotaExceededError: REFUSALS["packages too many"][0],
        }
    ),
    **dict.fromkeys(("ModifyOTAFirmware", "DeleteOTAFirmware", "QueryOTAFirmware"), _OF_PACKAGE),
    **dict.fromkeys(("ListOTAModuleVersionsByDevice", "QueryDeviceDetail", "GetDeviceStatus"), _OF_DEVICE),
}
